/** Number of intervals without a batch after which the sampler counts as silent. */
const INTERVALS = 3;

/** But not sooner, milliseconds: a short interval may be missed now and then. */
const MIN_MS = 1000;

/** How often the time since the last batch is reported again, milliseconds. */
const AGAIN_MS = 1000;

/** Notices that no batch comes any more. */
export class SilenceWatch {
  readonly #nowMs: () => number;
  readonly #tell: (forMs: number) => void;
  /** When the last batch came, or the first one began to be waited for. */
  #heardMs: number;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param nowMs milliseconds on a clock that never runs backwards
   * @param tell receives how long there has been no batch, milliseconds: after three intervals, and then every second
   */
  constructor(nowMs: () => number, tell: (forMs: number) => void) {
    this.#nowMs = nowMs;
    this.#tell = tell;
    this.#heardMs = nowMs();
  }

  /** Notes a batch. @param intervalMs until the next one */
  heard(intervalMs: number): void {
    this.#heardMs = this.#nowMs();
    this.expect(intervalMs);
  }

  /** Waits for a batch, which is due after this interval from now on. */
  expect(intervalMs: number): void {
    this.#wait(Math.max(MIN_MS, INTERVALS * intervalMs));
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // A batch may have arrived while this thread stood still (a stopped process): it is taken first.
      this.#timer = setTimeout(() => {
        this.#tell(this.#nowMs() - this.#heardMs);
        this.#wait(AGAIN_MS);
      }, 0);
    }, ms);
    // It keeps no process alive.
    this.#timer.unref();
  }
}
