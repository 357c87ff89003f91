import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Batch } from '../model/batch.ts';
import { BatchDecoder, type EncodedBatch } from '../model/compact.ts';
import type { WorkerData, WorkerRequest, WorkerSetup } from '../sampler/worker.ts';
import { removeLeftovers } from '../source/leftovers.ts';
import type { Leftovers } from '../source/types.ts';

/**
 * Room for short-lived objects in the sampling thread. Nearly all that a reading makes is of no use after it; with the
 * default of 48 MB, V8 lets tens of megabytes of it lie about before it looks.
 */
const YOUNG_MB = 24;

/** Address space for machine code: the thread makes some 2 MB of it, V8 would reserve 128 MB (`ulimit -v` counts that). */
const CODE_MB = 32;

/** The longest that the end of the program waits for a source that is being opened, which usually takes some 50 ms. */
const OPENING_MS = 2000;

/** Listens to a thread. */
export interface ThreadListener {
  readonly onBatch: (batch: Batch) => void;
  /** Hears an error that ends the thread, and then that it has ended. */
  readonly onError: (error: unknown) => void;
  readonly onExit: (code: number) => void;
}

/** A thread that samples, seen from outside. */
export interface SamplingThread {
  request(message: WorkerRequest): void;
  /** Removes what the thread, which ends with the program or has ended, left in the system. May be called again. */
  tidyUp(): void;
}

/**
 * Starts a thread.
 * @param progress shared words in which it notes what it is doing
 */
export function startThread(
  file: URL,
  { source, also, intervalMs, maxShare, eventBufferKiB, bounds }: WorkerSetup,
  { onBatch, onError, onExit }: ThreadListener,
  progress: Int32Array,
): SamplingThread {
  const { port1: here, port2: there } = new MessageChannel();
  const isSettled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const opening = { isSettled, leftovers: there, progress };
  const workerData: WorkerData = { source, also, intervalMs, maxShare, eventBufferKiB, bounds, opening };
  const worker = new Worker(file, {
    workerData,
    transferList: [there],
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_MB,
      codeRangeSizeMb: CODE_MB,
      ...(bounds && Number.isFinite(bounds.samplerMb) && { maxOldGenerationSizeMb: bounds.samplerMb }),
    },
  });
  const decoder = new BatchDecoder();
  worker.on('message', (batch: EncodedBatch) => onBatch(decoder.decode(batch)));
  worker.on('error', onError);
  worker.on('exit', (code) => {
    Atomics.store(isSettled, 0, 1);
    onExit(code);
  });
  return {
    request: (message) => worker.postMessage(message),
    tidyUp: () => {
      Atomics.wait(isSettled, 0, 0, OPENING_MS);
      const left = receiveMessageOnPort(here) as { readonly message: Leftovers } | undefined;
      if (left) removeLeftovers(left.message);
    },
  };
}
