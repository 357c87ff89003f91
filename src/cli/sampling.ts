import { Worker } from 'node:worker_threads';
import type { Batch } from '../model/batch.ts';
import type { WorkerRequest, WorkerSetup } from '../sampler/worker.ts';

/** The sampling thread, seen from the screen's. */
export interface Sampling {
  /** Hears every batch from now on, those that came before first; the next is read when `taken` was called. */
  onBatch(listener: (batch: Batch) => void): void;
  /** Hears why the thread ended, if it does so unasked. */
  onFailure(listener: (error: Error) => void): void;
  setInterval(intervalMs: number): void;
}

/**
 * Room for short-lived objects in the sampling thread. Nearly all that a reading makes is of no use after it; with the
 * default of 48 MB, V8 lets tens of megabytes of it lie about before it looks.
 */
const YOUNG_MB = 8;

/** Starts the sampling thread. */
export function startSampling(file: URL, { source, intervalMs }: WorkerSetup): Sampling {
  const setup: WorkerSetup = { source, intervalMs };
  const worker = new Worker(file, {
    workerData: setup,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const request = (message: WorkerRequest) => worker.postMessage(message);
  let waiting: Batch | undefined;
  let failure: Error | undefined;
  let take = (batch: Batch) => {
    waiting = batch;
  };
  let tell = (error: Error) => {
    failure ??= error;
  };
  worker.on('message', (batch: Batch) => take(batch));
  worker.on('error', (error: unknown) => tell(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => tell(new Error(`the sampling thread ended with code ${code}`)));
  return {
    onBatch: (listener) => {
      take = (batch) => {
        listener(batch);
        request({ type: 'taken' });
      };
      if (waiting) take(waiting);
    },
    onFailure: (listener) => {
      tell = listener;
      if (failure) listener(failure);
    },
    setInterval: (ms) => request({ type: 'interval', intervalMs: ms }),
  };
}
