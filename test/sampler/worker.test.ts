import { EventEmitter } from 'node:events';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import { Progress } from '../../src/model/progress.ts';
import { PART_SIZE } from '../../src/sampler/parts.ts';
import type { WorkerData, WorkerRequest, WorkerSetup } from '../../src/sampler/worker.ts';
import type { Source } from '../../src/source/types.ts';
import { snapshot, socket } from '../helpers/fakes.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** Waits until no promise has anything left to do. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

const LEFTOVERS = { path: '/tracing/instances/ours', descriptors: [7] };

/** The thread's entry, with a source whose every reading costs so much and gives so many sockets. */
async function startThread(setup: Partial<WorkerSetup>, { costMs = 0, sockets = 1 }) {
  const posted: Batch[] = [];
  const port = Object.assign(new EventEmitter(), { postMessage: (it: Batch) => void posted.push(it) });
  const all = snapshot(Array.from({ length: sockets }, (_, i) => socket({ id: `id ${i}` })));
  const source: Source = {
    name: 'fake',
    leftovers: LEFTOVERS,
    read: async () => {
      vi.advanceTimersByTime(costMs);
      return all;
    },
  };
  const { port1, port2 } = new MessageChannel();
  const isOver = new Int32Array(new SharedArrayBuffer(4));
  const workerData: WorkerData = {
    opening: { isOver, leftovers: port2, progress: Progress.sharedWords() },
    source: undefined,
    also: [],
    intervalMs: 1000,
    maxShare: 0.2,
    ...setup,
  };
  vi.resetModules();
  vi.doMock('node:worker_threads', () => ({ parentPort: port, workerData }));
  vi.doMock('../../src/source/index.ts', () => ({ openSource: async () => source }));
  await import('../../src/sampler/worker.ts');
  await settle();
  const say = async (request: WorkerRequest) => {
    port.emit('message', request);
    await settle();
  };
  const pass = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    await settle();
  };
  return { posted, say, pass, isOver, left: port1 };
}

const TAKEN = { type: 'taken' } as const;

test('what is left behind is told before the opening is over, to whoever asks without an event loop', async () => {
  const { isOver, left } = await startThread({}, {});
  expect(Atomics.load(isOver, 0)).toBe(1);
  expect(receiveMessageOnPort(left)).toEqual({ message: LEFTOVERS });
});

test('each part is posted when the one before was taken, and only then', async () => {
  const { posted, say, pass } = await startThread({}, { sockets: PART_SIZE + 1 });
  await pass(5000);
  expect(posted.map((it) => it.spawned.length)).toEqual([PART_SIZE]);
  await say(TAKEN);
  await pass(5000);
  expect(posted.map((it) => it.spawned.length)).toEqual([PART_SIZE, 1]);
  await say(TAKEN);
  await pass(0);
  expect(posted.map(({ baseline, partial }) => [baseline, partial])).toEqual([
    [true, true],
    [true, false],
    [false, false],
  ]);
});

test.each([
  [0.2, 2500],
  [0.5, 1000],
])('of the time it may take %d: looks of 500 ms come every %d ms', async (maxShare, pacedIntervalMs) => {
  const { posted, say, pass } = await startThread({ maxShare }, { costMs: 500 });
  for (let i = 0; i < 3; i++) {
    await say(TAKEN);
    await pass(3000);
  }
  expect(posted.at(-1)).toMatchObject({ intervalMs: 1000, pacedIntervalMs });
});

test('another interval holds from the next reading on', async () => {
  const { posted, say, pass } = await startThread({ intervalMs: 60_000 }, {});
  await say(TAKEN);
  await say({ type: 'interval', intervalMs: 500 });
  await pass(499);
  expect(posted).toHaveLength(1);
  await pass(1);
  expect(posted).toHaveLength(2);
  expect(posted[1]?.intervalMs).toBe(500);
});
