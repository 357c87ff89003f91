import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import type { WorkerData, WorkerSetup } from '../../src/sampler/worker.ts';
import { batch } from '../helpers/fakes.ts';

/** A thread that does nothing by itself, and keeps what it is told. */
class FakeWorker extends EventEmitter {
  static last: FakeWorker | undefined;
  readonly file: URL;
  readonly options: { readonly workerData: unknown };
  readonly told: unknown[] = [];

  constructor(file: URL, options: { readonly workerData: unknown }) {
    super();
    this.file = file;
    this.options = options;
    FakeWorker.last = this;
  }

  postMessage(message: unknown): void {
    this.told.push(message);
  }
}

vi.mock('node:worker_threads', async (real) => ({ ...(await real<object>()), Worker: FakeWorker }));
// Loaded here, and not at the top, where there is no FakeWorker yet.
const { startSampling } = await import('../../src/cli/sampling.ts');

const FILE = new URL('file:///worker.js');
const SETUP: WorkerSetup = { source: 'proc', also: ['unix'], intervalMs: 500, maxShare: 0.5 };
const TAKEN = { type: 'taken' };

/** What is waiting for its turn of the event loop gets it. */
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

function setUp(setup: WorkerSetup = SETUP) {
  const sampling = startSampling(FILE, setup);
  const worker = FakeWorker.last;
  if (!worker) throw new Error('no thread was started');
  const heard: Batch[] = [];
  return { sampling, worker, heard, listener: (it: Batch) => void heard.push(it) };
}

test('the thread is told what it needs, and nothing else of the command line', () => {
  const invocation = { ...SETUP, lingerMs: 3000 };
  const { worker } = setUp(invocation);
  expect(worker.file).toBe(FILE);
  const { opening, ...setup } = worker.options.workerData as WorkerData;
  expect(setup).toEqual(SETUP);
  expect([...opening.isOver]).toEqual([0]);
});

test('a part is said to be taken when the listener has returned and the event loop has turned', async () => {
  const { sampling, worker, heard, listener } = setUp();
  sampling.onBatch(listener);
  const first = batch({ partial: true });
  worker.emit('message', first);
  expect(heard).toEqual([first]);
  expect(worker.told).toEqual([]);
  await turn();
  expect(worker.told).toEqual([TAKEN]);
  worker.emit('message', batch());
  expect(worker.told).toEqual([TAKEN]);
  await turn();
  expect(worker.told).toEqual([TAKEN, TAKEN]);
  expect(heard.map((it) => it.partial)).toEqual([true, false]);
});

test('what came before anybody listened waits, is not taken, and is heard once', async () => {
  const { sampling, worker, heard, listener } = setUp();
  const first = batch({ baseline: true, partial: true });
  worker.emit('message', first);
  await turn();
  expect(worker.told).toEqual([]);
  sampling.onBatch(listener);
  await turn();
  expect(heard).toEqual([first]);
  expect(worker.told).toEqual([TAKEN]);
  const second = batch();
  worker.emit('message', second);
  expect(heard).toEqual([first, second]);
});

test('a part that the listener fails on is not taken', async () => {
  const { sampling, worker } = setUp();
  sampling.onBatch(() => {
    throw new Error('broken');
  });
  expect(() => worker.emit('message', batch())).toThrow('broken');
  await turn();
  expect(worker.told).toEqual([]);
});

test('another interval is passed on', () => {
  const { sampling, worker } = setUp();
  sampling.setInterval(2000);
  expect(worker.told).toEqual([{ type: 'interval', intervalMs: 2000 }]);
});

test('why the thread ended is heard, whenever one begins to listen, and first of all its own error', () => {
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
