import { Worker } from 'node:worker_threads';
import { TRACE_ERROR } from './windows/etw/calls.ts';
import { EventRing } from './windows/etw/ring.ts';

/** Setup of a thread that waits inside a call of Windows for the events of a session (`windows/etw/consumer.ts`). */
export interface ConsumerData {
  /** Address of its script. */
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
 * A thread that ends waits for its children, also after it ran out of memory, and does not report its end before. A consumer
 * thread ends with its session only. A sampling thread therefore lets the screen's thread start it, which stops the session.
 */
export const startConsumer: StartConsumer = (data) => {
  const worker = new Worker(new URL(data.script), { workerData: data });
  // Not the reason why this thread stays.
  worker.unref();
  worker.on('error', () => new EventRing(data.memory).end(TRACE_ERROR.internal));
};
