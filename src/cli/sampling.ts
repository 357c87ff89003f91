import { Worker } from 'node:worker_threads';
import type { Batch } from '../model/batch.ts';
import { Compactor, type PostedBatch } from '../model/compact.ts';
import type { WorkerLeftovers, WorkerRequest, WorkerSetup } from '../sampler/worker.ts';
import { removeInstance } from '../source/linux/trace/tracefs.ts';

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

/** Starts the sampling thread. */
export function startSampling(
  file: URL,
  { source, also, intervalMs, maxShare, eventBufferKiB }: WorkerSetup,
): Sampling {
  const setup: WorkerSetup = { source, also, intervalMs, maxShare, eventBufferKiB };
  const worker = new Worker(file, {
    workerData: setup,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
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
  worker.on('message', (message: PostedBatch | WorkerLeftovers) => {
    if (!('leftovers' in message)) take(compactor.batch(message));
    // The thread ends with the program, wherever it is: it has no time to tidy up.
    else process.once('exit', () => removeInstance(message.leftovers));
  });
  worker.on('error', (error: unknown) => tell(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => tell(new Error(`the sampling thread ended with code ${code}`)));
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
