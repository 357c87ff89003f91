import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { describe, expect, test, vi } from 'vitest';
import { crashText } from '../../src/cli/errors.ts';
import type { Batch } from '../../src/model/batch.ts';
import { UNBOUNDED } from '../../src/model/bounds.ts';
import { Handover } from '../../src/model/handover.ts';
import type { WorkerData, WorkerSetup } from '../../src/sampler/worker.ts';
import { EventRing } from '../../src/source/windows/etw/ring.ts';
import { batch } from '../helpers/fakes.ts';
import { useFolders } from '../helpers/folder.ts';

/** A thread that does nothing and records the messages it receives. */
class FakeWorker extends EventEmitter {
  static last: FakeWorker | undefined;
  readonly file: URL;
  readonly options: { readonly workerData: unknown };
  readonly received: unknown[] = [];

  constructor(file: URL, options: { readonly workerData: unknown }) {
    super();
    this.file = file;
    this.options = options;
    FakeWorker.last = this;
  }

  unref(): void {}

  postMessage(message: unknown): void {
    this.received.push(message);
  }

  /** Sends a batch. @param isAwaited the thread waits until it is taken */
  send(sent: Batch, isAwaited: boolean): void {
    new Handover((this.options.workerData as WorkerData).opening.handover).send(isAwaited);
    this.emit('message', { type: 'batch', batch: sent });
  }
}

vi.mock('node:worker_threads', async (real) => ({ ...(await real<object>()), Worker: FakeWorker }));
// Loaded here: FakeWorker is not defined at the top of the file.
const { MessageChannel } = await import('node:worker_threads');
const { startSampling } = await import('../../src/cli/sampling.ts');

const FILE = new URL('file:///worker.js');
const SETUP: WorkerSetup = { source: 'proc', also: ['unix'], intervalMs: 500, maxShare: 0.5 };
const TAKEN = { type: 'taken' };
const newFolder = useFolders();

/** Runs one turn of the event loop. */
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

function setUp(setup: WorkerSetup = SETUP) {
  const sampling = startSampling(FILE, setup);
  const worker = FakeWorker.last;
  if (!worker) throw new Error('no thread was started');
  const heard: Batch[] = [];
  return { sampling, worker, heard, listener: (it: Batch) => void heard.push(it) };
}

test('passes only the needed settings to the thread', () => {
  const invocation = { ...SETUP, lingerMs: 3000 };
  const { worker } = setUp(invocation);
  expect(worker.file).toBe(FILE);
  const { opening, ...setup } = worker.options.workerData as WorkerData;
  expect(setup).toEqual(SETUP);
  // The thread counts as inside until its source is open; the gate is not closed.
  expect([...opening.gate]).toEqual([1, 0]);
});

test('acknowledges a part after the listener has returned and the event loop has turned', async () => {
  const { sampling, worker, heard, listener } = setUp();
  sampling.onBatch(listener);
  const first = batch({ partial: true });
  worker.send(first, true);
  expect(heard).toEqual([first]);
  expect(worker.received).toEqual([]);
  await turn();
  expect(worker.received).toEqual([TAKEN]);
  worker.send(batch(), true);
  expect(worker.received).toEqual([TAKEN]);
  await turn();
  expect(worker.received).toEqual([TAKEN, TAKEN]);
  expect(heard.map((it) => it.partial)).toEqual([true, false]);
});

test('does not wake a thread that does not wait', async () => {
  const { sampling, worker, listener } = setUp();
  sampling.onBatch(listener);
  worker.send(batch(), false);
  const { handover } = (worker.options.workerData as WorkerData).opening;
  await turn();
  expect(worker.received).toEqual([]);
  expect(new Handover(handover).isTaken()).toBe(true);
});

test('a batch before the first listener waits without acknowledgement and is delivered once', async () => {
  const { sampling, worker, heard, listener } = setUp();
  const first = batch({ baseline: true, partial: true });
  worker.send(first, true);
  await turn();
  expect(worker.received).toEqual([]);
  sampling.onBatch(listener);
  await turn();
  expect(heard).toEqual([first]);
  expect(worker.received).toEqual([TAKEN]);
  const second = batch();
  worker.emit('message', { type: 'batch', batch: second });
  expect(heard).toEqual([first, second]);
});

test('does not acknowledge a part whose listener fails', async () => {
  const { sampling, worker } = setUp();
  sampling.onBatch(() => {
    throw new Error('broken');
  });
  expect(() => worker.send(batch(), true)).toThrow('broken');
  await turn();
  expect(worker.received).toEqual([]);
});

test('passes a new interval to the thread', () => {
  const { sampling, worker } = setUp();
  sampling.setInterval(2000);
  expect(worker.received).toEqual([{ type: 'interval', intervalMs: 2000 }]);
});

test('reports why the thread ended, before or after the listener is added, its own error first', () => {
  const broken = new Error('broken');
  const early = setUp();
  const errors: Error[] = [];
  early.sampling.onFailure((error) => errors.push(error));
  early.worker.emit('error', broken);
  expect(errors).toEqual([broken]);

  const late = setUp();
  late.worker.emit('error', 'in words');
  late.worker.emit('exit', 1);
  late.sampling.onFailure((error) => errors.push(error));
  expect(errors.slice(1)).toEqual([new Error('in words')]);
});

test('removes at the end what the thread left, and adds no listener to the process', () => {
  const listeners = process.eventNames().map((name) => process.listenerCount(name));
  const { sampling, worker } = setUp();
  const path = newFolder();
  const { opening } = worker.options.workerData as WorkerData;
  opening.leftovers.postMessage({ path, descriptors: [] });
  worker.emit('exit', 0);
  sampling.end();
  expect(existsSync(path)).toBe(false);
  expect(process.eventNames().map((name) => process.listenerCount(name))).toEqual(listeners);
});

test('starts the thread that waits for events: a sampling thread that ends would wait for its own threads', () => {
  const { worker } = setUp();
  const ring = new EventRing();
  const consumer = {
    script: 'file:///consumer.js',
    name: 'netpane-1-1',
    memory: ring.memory,
    library: 'advapi32',
  };
  worker.emit('message', { type: 'consumer', consumer });
  const started = FakeWorker.last;
  expect([started?.file.href, started?.options.workerData]).toEqual(['file:///consumer.js', consumer]);
  expect(ring.endedWith).toBeUndefined();
  started?.emit('error', new Error('no such file'));
  expect(ring.endedWith).toBe(1359);
});

describe('a thread that runs out of memory', () => {
  const OUT_OF_MEMORY = Object.assign(new Error('the heap is full'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
  const BOUNDS = { ...UNBOUNDED, sockets: 40_000, remnants: 20_000, samplerMb: 100 };
  const fail = (worker: FakeWorker | undefined) => {
    worker?.emit('error', OUT_OF_MEMORY);
    worker?.emit('exit', 1);
  };
  const boundsOf = (worker: FakeWorker | undefined) => (worker?.options.workerData as WorkerData).bounds;

  test('is restarted with smaller bounds and the current interval', () => {
    const { sampling, worker } = setUp({ ...SETUP, bounds: BOUNDS });
    const failures: Error[] = [];
    sampling.onFailure((error) => failures.push(error));
    sampling.setInterval(2000);
    fail(worker);
    const second = FakeWorker.last;
    expect(second).not.toBe(worker);
    expect(boundsOf(second)).toMatchObject({ sockets: 10_000, remnants: 5000 });
    expect((second?.options.workerData as WorkerData).intervalMs).toBe(2000);
    expect(failures).toEqual([]);
    sampling.setInterval(3000);
    expect([worker.received.length, second?.received]).toEqual([1, [{ type: 'interval', intervalMs: 3000 }]]);
  });

  test('continues the clock after the restart, with a notice and first a gap', async () => {
    const { sampling, worker, heard, listener } = setUp({ ...SETUP, bounds: BOUNDS });
    sampling.onBatch(listener);
    worker.emit('message', { type: 'batch', batch: batch({ monotonicMs: 5, degradations: [] }) });
    await turn();
    fail(worker);
    const first = batch({ baseline: true, partial: true, monotonicMs: 6, takenAtMs: 1.8e12 });
    FakeWorker.last?.emit('message', { type: 'batch', batch: first });
    FakeWorker.last?.emit('message', { type: 'batch', batch: batch({ monotonicMs: 7 }) });
    const [, again, later] = heard;
    expect(again?.events).toEqual([{ type: 'gap', atMs: 1.8e12, learntBy: 'destroy' }]);
    expect(later?.events).toEqual([]);
    expect(again?.degradations.at(0)?.text).toBe(
      'the sampling thread ran out of memory and was restarted: netpane keeps at most 10,000 sockets now',
    );
    expect(later?.degradations.at(0)?.code).toBe('restarted');
    expect(again?.monotonicMs).toBeGreaterThan(6);
  });

  test('gets a new port for capture sockets, and the notices about names come first', async () => {
    const ports: MessagePort[] = [];
    const names = {
      connect: () => {
        const { port1, port2 } = new MessageChannel();
        ports.push(port1, port2);
        return port2;
      },
      notices: () => [{ code: 'names-lost', text: 'lost', short: 'lost' }],
    };
    const sampling = startSampling(FILE, { ...SETUP, bounds: BOUNDS }, names);
    const heard: Batch[] = [];
    sampling.onBatch((it) => void heard.push(it));
    const portOf = (worker: FakeWorker | undefined) =>
      (worker?.options.workerData as WorkerData).opening.captures;
    expect(portOf(FakeWorker.last)).toBe(ports[1]);
    const notice = { code: 'own', text: 'own', short: 'own' };
    FakeWorker.last?.emit('message', { type: 'batch', batch: batch({ degradations: [notice] }) });
    expect(heard[0]?.degradations.map(({ code }) => code)).toEqual(['names-lost', 'own']);
    fail(FakeWorker.last);
    expect(portOf(FakeWorker.last)).toBe(ports[3]);
    for (const port of ports) port.close();
  });

  test('drops its waiting batch and does not acknowledge it to the new thread', async () => {
    const { sampling, worker, heard, listener } = setUp({ ...SETUP, bounds: BOUNDS });
    worker.send(batch({ monotonicMs: 1 }), true);
    fail(worker);
    const second = FakeWorker.last?.options.workerData as WorkerData;
    new Handover(second.opening.handover).send(true);
    sampling.onBatch(listener);
    await turn();
    expect([heard, worker.received, FakeWorker.last?.received]).toEqual([[], [], []]);
  });

  test('ends with a plain message the second time', () => {
    const { sampling, worker } = setUp({ ...SETUP, bounds: BOUNDS });
    const failures: Error[] = [];
    sampling.onFailure((error) => failures.push(error));
    fail(worker);
    fail(FakeWorker.last);
    expect(crashText(failures[0])).toBe(
      'the sampling thread ran out of memory twice, the second time with smaller bounds: netpane needs more memory',
    );
  });

  test('ends at once after any other error', () => {
    const { sampling, worker } = setUp({ ...SETUP, bounds: BOUNDS });
    const failures: Error[] = [];
    sampling.onFailure((error) => failures.push(error));
    worker.emit('error', new Error('broken'));
    expect(FakeWorker.last).toBe(worker);
    expect(failures.map(({ message }) => message)).toEqual(['broken']);
  });
});
