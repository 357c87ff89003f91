import { EventEmitter } from 'node:events';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import { Handover } from '../../src/model/handover.ts';
import { Progress } from '../../src/model/progress.ts';
import { PART_SIZE } from '../../src/sampler/parts.ts';
import type { WorkerData, WorkerRequest, WorkerSetup } from '../../src/sampler/worker.ts';
import { NativeGate } from '../../src/source/native-gate.ts';
import type { Source, SourceOptions } from '../../src/source/types.ts';
import { snapshot, socket } from '../helpers/fakes.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** Waits until all promises have settled. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

const LEFTOVERS = { path: '/tracing/instances/ours', descriptors: [7] };

const CONSUMER = {
  script: 'file:///consumer.js',
  name: 'netpane-1-1',
  memory: new SharedArrayBuffer(4),
  library: 'advapi32',
};

/** Runs the entry of the thread, with a source whose polls take `costMs` and return this many sockets. */
async function startThread(setup: Partial<WorkerSetup>, { costMs = 0, sockets = 1 }) {
  const posted: Batch[] = [];
  const consumers: unknown[] = [];
  const port = Object.assign(new EventEmitter(), {
    postMessage: (it: { readonly batch: Batch } | { readonly consumer: unknown }) =>
      void ('batch' in it ? posted.push(it.batch) : consumers.push(it)),
  });
  const all = snapshot(Array.from({ length: sockets }, (_, i) => socket({ id: `id ${i}` })));
  const source: Source = {
    name: 'fake',
    leftovers: LEFTOVERS,
    // Their cost is elapsed time, which the test controls.
    runsPrograms: true,
    read: async () => {
      vi.advanceTimersByTime(costMs);
      return all;
    },
  };
  const { port1, port2 } = new MessageChannel();
  const gate = NativeGate.sharedWords();
  const handover = Handover.sharedWord();
  new NativeGate(gate).enter();
  const workerData: WorkerData = {
    opening: { gate, leftovers: port2, progress: Progress.sharedWords(), handover },
    source: undefined,
    also: [],
    intervalMs: 1000,
    maxShare: 0.2,
    ...setup,
  };
  vi.resetModules();
  vi.doMock('node:worker_threads', () => ({ parentPort: port, workerData }));
  vi.doMock('../../src/source/index.ts', () => ({
    openSource: async (_name: unknown, { startConsumer }: SourceOptions) => {
      startConsumer?.(CONSUMER);
      return source;
    },
  }));
  await import('../../src/sampler/worker.ts');
  await settle();
  const send = async (request: WorkerRequest) => {
    port.emit('message', request);
    await settle();
  };
  const pass = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms);
    await settle();
  };
  /** Takes the last batch. @returns true if the thread was woken */
  const take = async () => {
    const wakes = new Handover(handover).take();
    if (wakes) await send({ type: 'taken' });
    return wakes;
  };
  return { posted, consumers, send, take, pass, gate, left: port1 };
}

test('lets the screen start the thread that waits for events', async () => {
  const { consumers } = await startThread({}, {});
  expect(consumers).toEqual([{ type: 'consumer', consumer: CONSUMER }]);
});

test('posts the leftovers before it leaves the gate, readable without an event loop', async () => {
  const { gate, left } = await startThread({}, {});
  expect([...gate]).toEqual([0, 0]);
  expect(receiveMessageOnPort(left)).toEqual({ message: LEFTOVERS });
});

test('posts each part only after the one before was taken', async () => {
  const { posted, take, pass } = await startThread({}, { sockets: PART_SIZE + 1 });
  await pass(5000);
  expect(posted.map((it) => it.spawned.length)).toEqual([PART_SIZE]);
  await take();
  await pass(5000);
  expect(posted.map((it) => it.spawned.length)).toEqual([PART_SIZE, 1]);
  await take();
  await pass(0);
  expect(posted.map(({ baseline, partial }) => [baseline, partial])).toEqual([
    [true, true],
    [true, false],
    [false, false],
  ]);
});

test('is not woken when a batch is taken before the next poll is due', async () => {
  const { posted, take, pass } = await startThread({}, {});
  expect(await take()).toBe(false);
  await pass(1000);
  expect(posted).toHaveLength(2);
  await pass(3000);
  expect(posted).toHaveLength(2);
  expect(await take()).toBe(true);
  expect(posted).toHaveLength(3);
});

test.each([
  [0.2, 2500],
  [0.5, 1000],
])('with a share of %d, polls of 500 ms come every %d ms', async (maxShare, pacedIntervalMs) => {
  const { posted, take, pass } = await startThread({ maxShare }, { costMs: 500 });
  for (let i = 0; i < 3; i++) {
    await take();
    await pass(3000);
  }
  expect(posted.at(-1)).toMatchObject({ pacedIntervalMs });
});

test('a new interval holds from the next poll on', async () => {
  const { posted, send, take, pass } = await startThread({ intervalMs: 60_000 }, {});
  await take();
  await send({ type: 'interval', intervalMs: 500 });
  await pass(499);
  expect(posted).toHaveLength(1);
  await pass(1);
  expect(posted).toHaveLength(2);
  expect(posted[1]?.pacedIntervalMs).toBe(500);
});
