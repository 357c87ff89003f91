import type { Batch, Degradation } from '../model/batch.ts';
import { Progress } from '../model/progress.ts';
import { smallerBounds } from '../model/bounds.ts';
import type { GapEvent } from '../model/event.ts';
import type { WorkerSetup } from '../sampler/worker.ts';
import { PlainError } from './errors.ts';
import { type SamplingThread, startThread } from './sampling-thread.ts';

/** The sampling thread, seen from the screen's. */
export interface Sampling {
  /**
   * Hears every batch, part by part, from the first on. The next part comes when the listener has returned and the
   * event loop has turned: a key that was pressed meanwhile is heard first.
   */
  onBatch(listener: (batch: Batch) => void): void;
  /** Hears why the thread ended, if it does so unasked. */
  onFailure(listener: (error: Error) => void): void;
  setInterval(intervalMs: number): void;
  /** The work that the thread is at. */
  readonly progress: Progress;
}

const isOutOfMemory = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';

const restarted = (sockets: number): Degradation => ({
  code: 'restarted',
  text: `the sampling thread ran out of memory and was restarted: netpane keeps at most ${sockets} sockets now`,
  short: 'restarted: out of memory',
});

const TOO_MUCH =
  'the sampling thread ran out of memory twice, the second time with smaller bounds: netpane needs more memory';

/**
 * Starts the sampling thread. Where it runs out of memory it is started once more, with smaller bounds: its first batch
 * tells all sockets again, and a gap stands for what happened meanwhile.
 */
export function startSampling(file: URL, setup: WorkerSetup): Sampling {
  const startedMs = performance.now();
  const words = Progress.sharedWords();
  // One at the most: until it is taken, the thread sends no other.
  let waiting: Batch | undefined;
  let failure: Error | undefined;
  let take = (batch: Batch) => {
    waiting = batch;
  };
  let tell = (error: Error) => {
    failure ??= error;
  };
  let { intervalMs, bounds } = setup;
  let hasEnded = false;

  const start = (change: (batch: Batch) => Batch, isSecond: boolean): SamplingThread =>
    startThread(
      file,
      { ...setup, intervalMs, bounds },
      {
        onBatch: (batch) => take(change(batch)),
        onError: (error) => {
          if (isOutOfMemory(error) && bounds && !isSecond) hasEnded = true;
          else if (isOutOfMemory(error)) tell(new PlainError(TOO_MUCH));
          else tell(error instanceof Error ? error : new Error(String(error)));
        },
        onExit: (code) => {
          if (hasEnded) startAgain();
          else tell(new Error(`the sampling thread ended with code ${code}`));
        },
      },
      words,
    );

  const startAgain = (): void => {
    hasEnded = false;
    thread.tidyUp();
    waiting = undefined;
    bounds = bounds && smallerBounds(bounds);
    const notice = restarted(bounds?.sockets ?? 0);
    // The clock of a thread begins with it.
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
  // The thread ends with the program, wherever it is once the source is open: it has no time to tidy up.
  process.once('exit', () => thread.tidyUp());
  return {
    progress: new Progress(words),
    onBatch: (listener) => {
      take = (batch) => {
        const sender = thread;
        listener(batch);
        // Not at once: Node hands over messages for as long as there are any, and looks at nothing else meanwhile.
        setImmediate(() => sender.request({ type: 'taken' }));
      };
      if (waiting) take(waiting);
      waiting = undefined;
    },
    onFailure: (listener) => {
      tell = listener;
      if (failure) listener(failure);
    },
    setInterval: (ms) => {
      intervalMs = ms;
      thread.request({ type: 'interval', intervalMs: ms });
    },
  };
}
