import { parentPort, workerData } from 'node:worker_threads';
import { openSource, type SourceName } from '../source/index.ts';
import type { ExtraKind } from '../source/types.ts';
import { Sampler } from './sampler.ts';

/** What the thread is started with. */
export interface WorkerSetup {
  readonly source: SourceName | undefined;
  /** Kinds of sockets to read beside the usual ones. */
  readonly also: readonly ExtraKind[];
  readonly intervalMs: number;
  /** The most of a core that looking may take: above 0, to 1. */
  readonly maxShare: number;
}

/**
 * A reading waits so long for the programs behind its sockets: those of some ten thousand are found meanwhile, and a
 * screen that is first painted without some names is better than one that is late.
 */
const OWNER_BUDGET_MS = 200;

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
  const sampler = new Sampler({
    source: await openSource(setup.source, {
      also: setup.also,
      tcpDetails: false,
      ownerBudgetMs: OWNER_BUDGET_MS,
      events: true,
    }),
    intervalMs: setup.intervalMs,
    maxShare: setup.maxShare,
    clock: {
      wallMs: () => Date.now(),
      monotonicMs: () => performance.now(),
      after: (delayMs, action) => {
        const timer = setTimeout(action, delayMs);
        return () => clearTimeout(timer);
      },
    },
    onBatch: (batch) =>
      new Promise((resolve) => {
        taken = resolve;
        port.postMessage(batch);
      }),
    // Outside any promise, so that it reaches the main thread as the thread's own error.
    onError: (error) => setImmediate(fail, error),
  });
  port.on('message', (request: WorkerRequest) => {
    if (request.type === 'taken') taken();
    else sampler.setInterval(request.intervalMs);
  });
  sampler.start();
}
