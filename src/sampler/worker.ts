import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { CloseResult, SocketToClose } from '../model/close.ts';
import { BatchEncoder, type EncodedBatch } from '../model/compact.ts';
import { Handover } from '../model/handover.ts';
import { Progress } from '../model/progress.ts';
import { confineThread } from '../source/confine.ts';
import { NativeGate, setNativeGate } from '../source/native-gate.ts';
import type { CaptureMessage, CaptureReceiver, ConsumerData } from '../source/types.ts';
import { collectAlone, compileLate, HeapTuner, LATE, limitHeapGrowth } from './heap.ts';
import { openSampler, type SamplerSetup } from './open.ts';
import type { Sampler } from './sampler.ts';

/** Setup of the sampling thread. */
export type WorkerSetup = Omit<SamplerSetup, 'tcpDetails'>;

/** Shared data by which the screen's thread ends this thread: at the end of the program no message is delivered. */
export interface WorkerOpening {
  /** Shared memory of a `NativeGate`. The thread is inside until its source is open or has failed to open. */
  readonly gate: Int32Array;
  /**
   * Receives, before the thread leaves the gate, what the source leaves in the system (`Source.leftovers`), which the
   * screen's thread must remove at the end; nothing if it leaves nothing.
   */
  readonly leftovers: MessagePort;
  /** Shared memory of a `Progress`. */
  readonly progress: Int32Array;
  /** Shared memory of a `Handover`. */
  readonly handover: Int32Array;
  /** Receives the capture sockets (`CaptureMessage`); undefined if none are wanted. */
  readonly captures?: MessagePort | undefined;
}

export interface WorkerData extends WorkerSetup {
  readonly opening: WorkerOpening;
}

/** Message from the screen's thread to the sampling thread. `taken` is sent only if the sampling thread waits, see `Handover`. */
export type WorkerRequest =
  | { readonly type: 'taken' }
  | { readonly type: 'interval'; readonly intervalMs: number }
  | { readonly type: 'close-sockets'; readonly number: number; readonly sockets: readonly SocketToClose[] };

/**
 * Message from the sampling thread: a part of a batch, a thread to start (see `startConsumer`), or the result of the
 * `close-sockets` request with this number.
 */
export type WorkerMessage =
  | { readonly type: 'batch'; readonly batch: EncodedBatch }
  | { readonly type: 'consumer'; readonly consumer: ConsumerData }
  | { readonly type: 'closed'; readonly number: number; readonly result: CloseResult };

/** Returns a receiver that passes capture sockets on. The port does not keep the thread running. */
const receiverAt = (to: MessagePort): CaptureReceiver => {
  const post = (message: CaptureMessage): void => to.postMessage(message);
  let hasEnded = false;
  to.on('close', () => (hasEnded = true));
  to.unref();
  return {
    get hasEnded() {
      return hasEnded;
    },
    opened: (descriptor) => post({ type: 'opened', descriptor }),
    ended: (descriptor) => post({ type: 'ended', descriptor }),
  };
};

/*
 * Entry of the sampling thread. It posts a part of a batch and waits until the part is taken before it posts the next
 * one or polls again, so nothing piles up behind a stopped terminal. An error ends the thread and reaches the screen's
 * thread.
 */
async function serve(port: MessagePort): Promise<void> {
  // Flags of V8. They are set after the code is loaded: V8 rejects a code cache that was made with other flags.
  limitHeapGrowth();
  collectAlone();
  compileLate(LATE.screen);
  const { opening, ...setup } = workerData as WorkerData;
  const fail = (error: unknown) => {
    throw error;
  };
  const gate = new NativeGate(opening.gate);
  setNativeGate(gate);
  const encoder = new BatchEncoder();
  const heapTuner = new HeapTuner(() => sampler.releaseMemory());
  const handover = new Handover(opening.handover);
  const post = (message: WorkerMessage) => port.postMessage(message);
  let taken = () => {};
  const untilTaken = () => new Promise<void>((resolve) => void (taken = resolve));
  let sampler: Sampler;
  try {
    sampler = await openSampler(
      { ...setup, tcpDetails: false },
      {
        onBatch: (batch) => {
          heapTuner.note(batch);
          handover.send(batch.partial);
          post({ type: 'batch', batch: encoder.encode(batch) });
          return batch.partial ? untilTaken() : undefined;
        },
        whenTaken: () => (handover.isTaken() ? undefined : untilTaken()),
        progress: new Progress(opening.progress),
        captures: opening.captures && receiverAt(opening.captures),
        startConsumer: (consumer) => post({ type: 'consumer', consumer }),
        // Thrown outside of promises: it reaches the screen's thread as the `error` event of the worker.
        onError: (error) => setImmediate(fail, error),
      },
    );
    // They are posted before the next turn of the event loop: the thread could end in that turn and leave them behind.
    if (sampler.leftovers) opening.leftovers.postMessage(sampler.leftovers);
    // Programs that a source runs would inherit the confinement. The trace is stopped by writing to its files.
    if (!sampler.runsPrograms)
      await confineThread({
        changesFiles: sampler.leftovers !== undefined,
        captures: opening.captures !== undefined,
      });
  } finally {
    gate.leave();
  }
  port.on('message', (request: WorkerRequest) => {
    switch (request.type) {
      case 'taken':
        taken();
        return;
      case 'interval':
        sampler.setInterval(request.intervalMs);
        return;
      case 'close-sockets':
        post({ type: 'closed', number: request.number, result: sampler.closeSockets(request.sockets) });
        return;
    }
  });
  sampler.start();
}

if (parentPort) void serve(parentPort);
