import { parentPort, workerData } from 'node:worker_threads';
import type { Leftovers } from '../source/types.ts';
import { openSampler, type SamplerSetup } from './open.ts';

/** What the thread is started with. */
export type WorkerSetup = Omit<SamplerSetup, 'tcpDetails'>;

/** What the sampling thread says before its first batch: what whoever ends the program has to tidy up. */
export interface WorkerLeftovers {
  readonly leftovers: Leftovers;
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
  const setup = workerData as WorkerSetup;
  const fail = (error: unknown) => {
    throw error;
  };
  let taken = () => {};
  const sampler = await openSampler(
    { ...setup, tcpDetails: false },
    {
      onBatch: (batch) =>
        new Promise((resolve) => {
          taken = resolve;
          port.postMessage(batch);
        }),
      // Outside any promise, so that it reaches the main thread as the thread's own error.
      onError: (error) => setImmediate(fail, error),
    },
  );
  port.on('message', (request: WorkerRequest) => {
    if (request.type === 'taken') taken();
    else sampler.setInterval(request.intervalMs);
  });
  const { leftovers } = sampler;
  if (leftovers) port.postMessage({ leftovers } satisfies WorkerLeftovers);
  sampler.start();
}
