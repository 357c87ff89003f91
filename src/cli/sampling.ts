import type { Batch, Degradation } from '../model/batch.ts';
import { type CloseResult, closeResult, type SocketToClose } from '../model/close.ts';
import { Progress } from '../model/progress.ts';
import { smallerBounds } from '../model/bounds.ts';
import { counted } from '../model/text.ts';
import type { GapEvent } from '../model/event.ts';
import type { WorkerSetup } from '../sampler/worker.ts';
import { PlainError } from './errors.ts';
import type { NamesThread } from './names-thread.ts';
import { type SamplingThread, startThread } from './sampling-thread.ts';

/** Sampling in another thread, for the live screen. */
export interface Sampling {
  /**
   * Sets the listener for batches; it receives every part from the first on. The next part arrives after the listener
   * returns and the event loop has run, so keys pressed meanwhile are handled first.
   */
  onBatch(listener: (batch: Batch) => void): void;
  /** Sets the listener for an unexpected end of the thread. */
  onFailure(listener: (error: Error) => void): void;
  setInterval(intervalMs: number): void;
  /** Closes sockets of other programs. Never rejects. */
  closeSockets(sockets: readonly SocketToClose[]): Promise<CloseResult>;
  /** Cleans up after the thread. Call it when the program ends, which ends the thread at any point. */
  end(): void;
  /** Current work of the thread. */
  readonly progress: Progress;
}

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';

const restarted = (sockets: number): Degradation => ({
  code: 'restarted',
  text: `the sampling thread ran out of memory and was restarted: netpane keeps at most ${counted(sockets, 'socket')} now`,
  short: 'restarted: out of memory',
});

const withNotices = (batch: Batch, notices: readonly Degradation[]): Batch =>
  notices.length === 0 ? batch : { ...batch, degradations: [...notices, ...batch.degradations] };

const OUT_OF_MEMORY_AGAIN =
  'the sampling thread ran out of memory twice, the second time with smaller bounds: netpane needs more memory';

/**
 * Starts the sampling thread. If it runs out of memory, restarts it once with smaller bounds. The first batch after the
 * restart contains all sockets again, and a gap event marks the time between.
 * @param names the names thread, which receives the capture sockets; undefined for none
 */
export function startSampling(
  file: URL,
  setup: WorkerSetup,
  names?: Pick<NamesThread, 'connect' | 'notices'>,
): Sampling {
  const startedMs = performance.now();
  const progressWords = Progress.sharedWords();
  // At most one part of a batch waits: the thread sends the next one only after this one is taken.
  let waiting: Batch | undefined;
  let failure: Error | undefined;
  let take = (batch: Batch) => {
    waiting = batch;
  };
  let reportFailure = (error: Error) => {
    failure ??= error;
  };
  let { intervalMs, bounds } = setup;
  let mustRestart = false;
  /** Requests to close sockets without an answer, by number. */
  const closing = new Map<
    number,
    { readonly count: number; readonly resolve: (result: CloseResult) => void }
  >();
  let requests = 0;
  /** Answers the requests that a thread which ended will not answer. */
  const failClosing = (): void => {
    for (const { count, resolve } of closing.values())
      resolve(closeResult(Array.from({ length: count }, () => 'the sampling thread ended')));
    closing.clear();
  };

  const start = (change: (batch: Batch) => Batch, isSecond: boolean): SamplingThread =>
    startThread(
      file,
      { ...setup, intervalMs, bounds },
      {
        onBatch: (batch) => take(withNotices(change(batch), names?.notices() ?? [])),
        onClosed: (number, result) => {
          closing.get(number)?.resolve(result);
          closing.delete(number);
        },
        onError: (error) => {
          if (isOutOfMemory(error) && bounds && !isSecond) mustRestart = true;
          else if (isOutOfMemory(error)) reportFailure(new PlainError(OUT_OF_MEMORY_AGAIN));
          else reportFailure(error instanceof Error ? error : new Error(String(error)));
        },
        onExit: (code) => {
          failClosing();
          if (mustRestart) restart();
          else reportFailure(new Error(`the sampling thread ended with code ${code}`));
        },
      },
      progressWords,
      names?.connect(),
    );

  const restart = (): void => {
    mustRestart = false;
    thread.end();
    waiting = undefined;
    bounds = bounds && smallerBounds(bounds);
    const notice = restarted(bounds?.sockets ?? 0);
    // The monotonic clock of a thread starts with the thread.
    const shiftMs = performance.now() - startedMs;
    let hasBegun = false;
    thread = start((batch) => {
      const gap: GapEvent = { type: 'gap', atMs: batch.takenAtMs, learntBy: 'destroy' };
      const events = hasBegun ? batch.events : [gap, ...batch.events];
      hasBegun = true;
      const degradations = [notice, ...batch.degradations];
      return { ...batch, monotonicMs: batch.monotonicMs + shiftMs, events, degradations };
    }, true);
  };

  let thread = start((batch) => batch, false);
  return {
    progress: new Progress(progressWords),
    onBatch: (listener) => {
      take = (batch) => {
        const sender = thread;
        listener(batch);
        // Other events, such as keys, come first: without this, Node would deliver all queued batches before them.
        setImmediate(() => sender.noteTaken());
      };
      if (waiting) take(waiting);
      waiting = undefined;
    },
    onFailure: (listener) => {
      reportFailure = listener;
      if (failure) listener(failure);
    },
    setInterval: (ms) => {
      intervalMs = ms;
      thread.request({ type: 'interval', intervalMs: ms });
    },
    closeSockets: (sockets) =>
      new Promise((resolve) => {
        closing.set(++requests, { count: sockets.length, resolve });
        thread.request({ type: 'close-sockets', number: requests, sockets });
      }),
    end: () => thread.end(),
  };
}
