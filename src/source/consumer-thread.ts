import { Worker } from 'node:worker_threads';
import { TRACE_ERROR } from './windows/etw/calls.ts';
import { EventRing } from './windows/etw/ring.ts';

/** Setup of a thread that waits inside a call of Windows for the events of a session (`windows/etw/consumer.ts`). */
export interface ConsumerData {
  /** URL of its script. */
  readonly script: string;
  /** Name of the session. */
  readonly name: string;
  /** Memory of an `EventRing`. */
  readonly memory: SharedArrayBuffer;
  /** The library with the calls of sessions. */
  readonly library: string;
}

/** Starts a consumer thread. */
export type StartConsumer = (data: ConsumerData) => void;

/**
 * Starts a consumer thread as a child of this thread.
 *
 * A sampling thread asks the screen's thread to start it. A thread that ends waits for its children before it reports its
 * end, even after it ran out of memory. A consumer thread ends only when the screen's thread stops its session. A sampling
 * thread with such a child would never report its end.
 */
export const startConsumer: StartConsumer = (data) => {
  const worker = new Worker(new URL(data.script), { workerData: data });
  // Without this call the consumer thread would keep this thread running.
  worker.unref();
  worker.on('error', () => new EventRing(data.memory).end(TRACE_ERROR.internal));
};
