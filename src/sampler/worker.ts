import { setFlagsFromString } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import type { Leftovers } from '../source/types.ts';
import type { Batch } from '../model/batch.ts';
import { Poster } from '../model/compact.ts';
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

/** A batch of more parts is a storm; after so many whole ones it is over. */
const STORM_PARTS = 10;
const CALM_BATCHES = 30;

/**
 * The program asks V8 to keep its memory small. While thousands of connections a second come and go V8 would do little
 * else, and fall behind: then it may take what it needs, and give it back later.
 */
class Thrift {
  #parts = 0;
  #calm = CALM_BATCHES;

  note({ partial, baseline }: Batch): void {
    if (baseline) return;
    this.#parts = partial ? this.#parts + 1 : 0;
    if (this.#parts === STORM_PARTS) {
      this.#calm = 0;
      setFlagsFromString('--no-optimize-for-size');
    } else if (!partial && this.#calm < CALM_BATCHES && ++this.#calm === CALM_BATCHES) {
      setFlagsFromString('--optimize-for-size');
    }
  }
}

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
  const poster = new Poster();
  const thrift = new Thrift();
  let taken = () => {};
  const sampler = await openSampler(
    { ...setup, tcpDetails: false },
    {
      onBatch: (batch) => {
        thrift.note(batch);
        return new Promise((resolve) => {
          taken = resolve;
          port.postMessage(poster.post(batch));
        });
      },
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
