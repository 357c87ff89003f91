import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Batch } from '../model/batch.ts';
import type { CloseResult } from '../model/close.ts';
import { BatchDecoder } from '../model/compact.ts';
import { Handover } from '../model/handover.ts';
import type { WorkerData, WorkerMessage, WorkerRequest, WorkerSetup } from '../sampler/worker.ts';
import { startConsumer } from '../source/consumer-thread.ts';
import { removeLeftovers } from '../source/leftovers.ts';
import { NativeGate } from '../source/native-gate.ts';
import type { Leftovers } from '../source/types.ts';

/**
 * Young generation of V8 in the sampling thread, MB. Nearly all objects of a poll are garbage after it; with the
 * default of 48 MB, V8 lets tens of megabytes accumulate before it collects them.
 */
export const YOUNG_MB = 24;

/**
 * Address space for machine code, MB. The thread uses about 2 MB; V8 would reserve 128 MB, which `ulimit -v` counts.
 */
const CODE_MB = 32;

/**
 * Maximum time that the end of the program waits for a step that the thread must finish. The longest is to open the
 * source, which usually takes 50 ms.
 */
const STEP_MS = 2000;

/** Callbacks of a sampling thread. */
export interface ThreadListener {
  readonly onBatch: (batch: Batch) => void;
  /** Receives the result of a request to close sockets. */
  readonly onClosed: (number: number, result: CloseResult) => void;
  /** Receives an error that ends the thread; `onExit` follows. */
  readonly onError: (error: unknown) => void;
  readonly onExit: (code: number) => void;
}

/** Handle of a sampling thread. */
export interface SamplingThread {
  request(message: WorkerRequest): void;
  /** Notes that the last part of a batch was taken: the thread may send the next one. */
  noteTaken(): void;
  /**
   * Prepares for the end of the thread, or cleans up after it: waits until it can be ended, and removes what it left in
   * the kernel. From then on the thread stops at its next step of native code. May be called again.
   */
  end(): void;
}

/**
 * Starts a sampling thread.
 * @param progress shared words in which the thread notes its current work
 * @param captures receives the capture sockets; undefined for none
 */
export function startThread(
  file: URL,
  { source, also, intervalMs, maxShare, eventBufferKiB, bounds }: WorkerSetup,
  { onBatch, onClosed, onError, onExit }: ThreadListener,
  progress: Int32Array,
  captures?: MessagePort,
): SamplingThread {
  const { port1: here, port2: there } = new MessageChannel();
  const gateWords = NativeGate.sharedWords();
  const gate = new NativeGate(gateWords);
  // This thread enters on behalf of the new one, which leaves when its source is open.
  gate.enter();
  const handoverWord = Handover.sharedWord();
  const handover = new Handover(handoverWord);
  const opening = { gate: gateWords, leftovers: there, progress, handover: handoverWord, captures };
  const workerData: WorkerData = { source, also, intervalMs, maxShare, eventBufferKiB, bounds, opening };
  const worker = new Worker(file, {
    workerData,
    transferList: [there, ...(captures ? [captures] : [])],
    resourceLimits: {
      maxYoungGenerationSizeMb: YOUNG_MB,
      codeRangeSizeMb: CODE_MB,
      ...(bounds && Number.isFinite(bounds.samplerMb) && { maxOldGenerationSizeMb: bounds.samplerMb }),
    },
  });
  const decoder = new BatchDecoder();
  worker.on('message', (message: WorkerMessage) => {
    if (message.type === 'batch') onBatch(decoder.decode(message.batch));
    else if (message.type === 'consumer') startConsumer(message.consumer);
    else onClosed(message.number, message.result);
  });
  worker.on('error', onError);
  worker.on('exit', (code) => {
    gate.noteEnd();
    onExit(code);
  });
  return {
    request: (message) => worker.postMessage(message),
    noteTaken: () => {
      if (handover.take()) worker.postMessage({ type: 'taken' } satisfies WorkerRequest);
    },
    end: () => {
      gate.close(STEP_MS);
      const left: { readonly message: Leftovers } | undefined = receiveMessageOnPort(here);
      if (left) removeLeftovers(left.message);
    },
  };
}
