import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { BatchEncoder } from '../model/compact.ts';
import { Progress } from '../model/progress.ts';
import { Thrift } from './churn.ts';
import { openSampler, type SamplerSetup } from './open.ts';
import type { Sampler } from './sampler.ts';

/** What the thread is started with. */
export type WorkerSetup = Omit<SamplerSetup, 'tcpDetails'>;

/**
 * What is to be known of the thread when the program ends, when messages are no longer handed over. Foreign code that is
 * being loaded must not be cut off: koffi then aborts the whole program.
 */
export interface WorkerOpening {
  /** One number, shared: not 0 once the source is open, or has turned out not to be there. */
  readonly isOver: Int32Array;
  /** Before that, where there are any, the leftovers that whoever ends the program has to tidy up are posted here. */
  readonly leftovers: MessagePort;
  /** Words of a `Progress`. */
  readonly progress: Int32Array;
}

export interface WorkerData extends WorkerSetup {
  readonly opening: WorkerOpening;
}

/** What the screen's thread says to the sampling one. */
export type WorkerRequest =
  { readonly type: 'taken' } | { readonly type: 'interval'; readonly intervalMs: number };

/*
 * Entry of the sampling thread: posts each part of a batch and waits until it is taken before it posts the next, or
 * reads again, so that a screen that stands still (a stopped terminal) lets nothing pile up. An error ends the thread;
 * the main thread hears of it.
 */
const port = parentPort;
if (port) {
  const { opening, ...setup } = workerData as WorkerData;
  const fail = (error: unknown) => {
    throw error;
  };
  const encoder = new BatchEncoder();
  const thrift = new Thrift();
  let taken = () => {};
  let sampler: Sampler;
  try {
    sampler = await openSampler(
      { ...setup, tcpDetails: false },
      {
        onBatch: (batch) => {
          thrift.note(batch);
          return new Promise((resolve) => {
            taken = resolve;
            port.postMessage(encoder.encode(batch));
          });
        },
        progress: new Progress(opening.progress),
        // Outside any promise, so that it reaches the main thread as the thread's own error.
        onError: (error) => setImmediate(fail, error),
      },
    );
    if (sampler.leftovers) opening.leftovers.postMessage(sampler.leftovers);
  } finally {
    Atomics.store(opening.isOver, 0, 1);
    Atomics.notify(opening.isOver, 0);
  }
  port.on('message', (request: WorkerRequest) => {
    if (request.type === 'taken') taken();
    else sampler.setInterval(request.intervalMs);
  });
  sampler.start();
}
