import { setFlagsFromString } from 'node:v8';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Batch } from '../model/batch.ts';
import { Poster } from '../model/compact.ts';
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
}

export interface WorkerData extends WorkerSetup {
  readonly opening: WorkerOpening;
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
  const { opening, ...setup } = workerData as WorkerData;
  const fail = (error: unknown) => {
    throw error;
  };
  const poster = new Poster();
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
            port.postMessage(poster.post(batch));
          });
        },
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
