import { spawnSync } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { HeapTuner } from '../../src/sampler/heap.ts';
import { batch } from '../helpers/fakes.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock('node:v8');
});

/** Returns all flags that are set on a Node with this V8. */
async function flagsOn(v8: string): Promise<string[]> {
  const flags: string[] = [];
  vi.resetModules();
  vi.doMock('node:v8', () => ({ setFlagsFromString: (flag: string) => void flags.push(flag) }));
  vi.stubGlobal('process', Object.create(process, { versions: { value: { ...process.versions, v8 } } }));
  const heap = await import('../../src/sampler/heap.ts');
  heap.limitHeapGrowth();
  heap.collectAlone();
  heap.compileLate(heap.LATE.screen);
  heap.allowHeapGrowth();
  return flags;
}

test('sets flags that this V8 knows', async () => {
  const flags = await flagsOn(process.versions.v8);
  expect(flags).not.toEqual([]);
  const { status, stderr } = spawnSync(process.execPath, [...flags, '-e', ''], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
});

test('releases memory once, half a minute after a storm', () => {
  const released: number[] = [];
  let atMs = 0;
  const tuner = new HeapTuner(() => void released.push(atMs));
  const note = (...times: number[]) => {
    for (atMs of times) tuner.note(batch({ monotonicMs: atMs }));
  };
  tuner.noteEvents(2000);
  note(1000, 3000, 7000, 8000, 36_900, 37_000, 38_000, 99_000);
  expect(released).toEqual([37_000]);
});

test('sets the flags of V8 11 or those of later ones: V8 writes over the screen that it does not know a flag', async () => {
  const both = ['--memory-reducer-single-gc', '--memory-reducer-gc-count=1', '--interrupt-budget=540672'];
  const isSet = async (v8: string) => {
    const flags = await flagsOn(v8);
    return both.filter((flag) => flags.includes(flag));
  };
  // Node 20, 22, 24 and 26.
  expect(await isSet('11.3.244.8-node.38')).toEqual([both[0], both[2]]);
  expect(await isSet('12.4.254.21-node.57')).toEqual([both[1]]);
  expect(await isSet('13.6.233.17-node.63')).toEqual([both[1]]);
  expect(await isSet('14.6.202.34-node.40')).toEqual([both[1]]);
});
