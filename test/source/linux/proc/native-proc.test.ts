import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Native } from '../../../../src/source/linux/netlink/native.ts';
import { NativeProc } from '../../../../src/source/linux/proc/native-proc.ts';
import { FakeProc } from '../../../helpers/proc.ts';

describe.runIf(process.platform === 'linux')('CPU time', () => {
  let native: Native;
  let proc: NativeProc;
  let cat: ChildProcess;
  beforeEach(async () => {
    native = await Native.load();
    proc = new NativeProc('/proc', native);
    cat = spawn('cat');
  });
  afterEach(async () => {
    cat.kill('SIGKILL');
    await once(cat, 'exit');
  });

  /** Sends `cat` a line, and waits until it has answered and sleeps. @returns its CPU time */
  async function run(): Promise<number | undefined> {
    cat.stdin?.write('line\n');
    if (cat.stdout) await once(cat.stdout, 'data');
    await expect.poll(() => readFileSync(`/proc/${cat.pid}/stat`, 'latin1')).toMatch(/^\d+ \(cat\) S/);
    return proc.cpuNsOf(cat.pid ?? 0);
  }

  test('changes when the process runs, and at no other time', async () => {
    const first = await run();
    expect(first).toBeGreaterThan(0);
    expect(proc.cpuNsOf(cat.pid ?? 0)).toBe(first);
    expect(await run()).toBeGreaterThan(first ?? Infinity);
  });

  test('is unknown of a process that does not exist', () => {
    expect(proc.cpuNsOf(2 ** 22)).toBeUndefined();
  });

  test('is unknown where the clock counts whole ticks', () => {
    vi.spyOn(native, 'cpuNsOf').mockReturnValue(10_000_000);
    expect(proc.cpuNsOf(1)).toBeUndefined();
    vi.spyOn(native, 'cpuNsOf').mockReturnValue(10_000_001);
    expect(proc.cpuNsOf(1)).toBe(10_000_001);
  });
});

describe.runIf(process.platform === 'linux')('in a pid namespace without a /proc of its own', () => {
  let fake: FakeProc;
  beforeEach(() => {
    fake = new FakeProc();
    fake.remove('self');
    fake.link('self', String(process.pid + 1));
  });
  afterEach(() => fake.end());

  test('no system call gets a pid that /proc shows', async () => {
    const native = await Native.load();
    const [own, other] = [new NativeProc('/proc', native), new NativeProc(fake.root, native)];
    expect([own.hasOwnPids, other.hasOwnPids]).toEqual([true, false]);
    expect(own.cpuNsOf(process.pid)).toBeGreaterThan(0);
    expect(other.cpuNsOf(process.pid)).toBeUndefined();
    const compare = vi.spyOn(native, 'shareDescriptors');
    expect(other.shareDescriptors(process.pid, process.ppid)).toBeUndefined();
    expect(compare).not.toHaveBeenCalled();
  });
});

describe.runIf(process.platform === 'linux')('a copy of the socket of another process', () => {
  test.each([1, 64])('is not a socket of netpane, read with %i descriptors', async (count) => {
    const native = await Native.load();
    const proc = new NativeProc('/proc', native);
    const cat = spawn('cat');
    const folder = String(process.pid);
    const copy = readdirSync('/proc/self/fd')
      .map(Number)
      .find((it) => readlinkOf(it).startsWith('socket:'));
    const descriptors = Array<number>(count).fill(copy ?? -1);
    expect(proc.targets(folder, descriptors)[0]).toMatchObject({ kind: 'socket' });
    vi.spyOn(native, 'copies', 'get').mockReturnValue(new Set(descriptors));
    expect(proc.targets(folder, descriptors)[0]).toBeUndefined();
    expect(proc.socketInodes(folder, descriptors)[0]).toEqual({ value: 0 });
    const other = String(cat.pid);
    expect(proc.targets(other, Array<number>(count).fill(1))[0]).toMatchObject({ kind: 'socket' });
    cat.kill('SIGKILL');
    await once(cat, 'exit');
  });

  const readlinkOf = (descriptor: number): string => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return '';
    }
  };
});
