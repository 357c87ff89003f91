import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Batch } from '../model/batch.ts';
import { Compactor, type PostedBatch } from '../model/compact.ts';
import type { WorkerData, WorkerRequest, WorkerSetup } from '../sampler/worker.ts';
import { removeInstance } from '../source/linux/trace/tracefs.ts';
import type { Leftovers } from '../source/types.ts';

/** The sampling thread, seen from the screen's. */
export interface Sampling {
  /**
   * Hears every batch, part by part, from the first on. The next part comes when the listener has returned and the
   * event loop has turned: a key that was pressed meanwhile is heard first.
   */
  onBatch(listener: (batch: Batch) => void): void;
  /** Hears why the thread ended, if it does so unasked. */
  onFailure(listener: (error: Error) => void): void;
  setInterval(intervalMs: number): void;
}

/**
 * Room for short-lived objects in the sampling thread. Nearly all that a reading makes is of no use after it; with the
 * default of 48 MB, V8 lets tens of megabytes of it lie about before it looks.
 */
const YOUNG_MB = 24;

/** The longest that the end of the program waits for a source that is being opened, which usually takes some 50 ms. */
const OPENING_MS = 2000;

/** Starts the sampling thread. */
export function startSampling(
  file: URL,
  { source, also, intervalMs, maxShare, eventBufferKiB, bounds }: WorkerSetup,
): Sampling {
  const { port1: here, port2: there } = new MessageChannel();
  const isOver = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const opening = { isOver, leftovers: there };
  const workerData: WorkerData = { source, also, intervalMs, maxShare, eventBufferKiB, bounds, opening };
  const worker = new Worker(file, {
    workerData,
    transferList: [there],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  // The thread ends with the program, wherever it is once the source is open: it has no time to tidy up.
  process.once('exit', () => {
    Atomics.wait(isOver, 0, 0, OPENING_MS);
    const left = receiveMessageOnPort(here) as { readonly message: Leftovers } | undefined;
    if (left) removeInstance(left.message);
  });
  const request = (message: WorkerRequest) => worker.postMessage(message);
  // One at the most: until it is taken, the thread sends no other.
  let waiting: Batch | undefined;
  let failure: Error | undefined;
  let take = (batch: Batch) => {
    waiting = batch;
  };
  let tell = (error: Error) => {
    failure ??= error;
  };
  const compactor = new Compactor();
  worker.on('message', (batch: PostedBatch) => take(compactor.batch(batch)));
  worker.on('error', (error: unknown) => tell(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => {
    Atomics.store(isOver, 0, 1);
    tell(new Error(`the sampling thread ended with code ${code}`));
  });
  return {
    onBatch: (listener) => {
      take = (batch) => {
        listener(batch);
        // Not at once: Node hands over messages for as long as there are any, and looks at nothing else meanwhile.
        setImmediate(request, { type: 'taken' });
      };
      if (waiting) take(waiting);
      waiting = undefined;
    },
    onFailure: (listener) => {
      tell = listener;
      if (failure) listener(failure);
    },
    setInterval: (ms) => request({ type: 'interval', intervalMs: ms }),
  };
}
