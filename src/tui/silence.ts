/** Number of intervals without a batch after which the sampler counts as silent. */
const INTERVALS = 3;

/** Minimum time without a batch before the sampler counts as silent, milliseconds: one late batch is normal. */
const MIN_MS = 1000;

/** Time between two reports of the same silence, milliseconds. */
const REPORT_MS = 1000;

/** Reports when batches stop arriving. */
export class SilenceWatch {
  readonly #nowMs: () => number;
  readonly #report: (forMs: number) => void;
  /** When the last batch arrived; before the first one, when this object was made. */
  #lastBatchMs: number;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param nowMs milliseconds on a clock that never runs backwards
   * @param report receives the time since the last batch, milliseconds: after three intervals, then every second
   */
  constructor(nowMs: () => number, report: (forMs: number) => void) {
    this.#nowMs = nowMs;
    this.#report = report;
    this.#lastBatchMs = nowMs();
  }

  /** Notes that a batch arrived. @param intervalMs time until the next one */
  noteBatch(intervalMs: number): void {
    this.#lastBatchMs = this.#nowMs();
    this.expectBatch(intervalMs);
  }

  /** Expects the next batch after this interval. */
  expectBatch(intervalMs: number): void {
    this.#wait(Math.max(MIN_MS, INTERVALS * intervalMs));
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // If the process was stopped, a batch may have arrived meanwhile: its message is handled before this timer.
      this.#timer = setTimeout(() => {
        this.#report(this.#nowMs() - this.#lastBatchMs);
        this.#wait(REPORT_MS);
      }, 0);
    }, ms);
    // The timer must not keep the process alive.
    this.#timer.unref();
  }
}
