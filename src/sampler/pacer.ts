import type { Degradation } from '../model/batch.ts';

/** Default maximum share of one core that polling may take, 0 to 1. */
export const DEFAULT_MAX_SHARE = 0.2;

/** Longest interval that pacing leads to, milliseconds. A longer one is used only when it is requested. */
const MAX_INTERVAL_MS = 60_000;

/** Factor by which polls must be cheaper than a shorter interval requires before it is used: it must not flap. */
const MARGIN = 1.25;

/**
 * Step sizes of the interval, milliseconds, by its length. Steps keep the interval on the screen from changing with
 * each poll.
 */
const STEPS = [
  { upToMs: 1000, stepMs: 100 },
  { upToMs: 3000, stepMs: 250 },
  { upToMs: 10_000, stepMs: 500 },
  { upToMs: MAX_INTERVAL_MS, stepMs: 5000 },
] as const;

/** Returns the shortest interval in STEPS that is at least `ms`, at most MAX_INTERVAL_MS. */
function nextStep(ms: number): number {
  const row = STEPS.find(({ upToMs }) => ms <= upToMs);
  // 1e-9: floating-point noise must not lead to the step after. 145 / 0.29 / 100 is a little more than 5.
  return row ? Math.ceil(ms / row.stepMs - 1e-9) * row.stepMs : MAX_INTERVAL_MS;
}

/** Times of the last three polls, milliseconds, the latest last. */
type Last = readonly [number, number, number];

const withLast = ([, second, third]: Last, ms: number): Last => [second, third, ms];

/** Returns the median: a single outlier does not count. */
const median = (last: Last): number => last.toSorted((a, b) => a - b)[1] ?? 0;

/**
 * Finds the interval at which polling takes no more than its share of the CPU time. Costs vary, and an interval that varied
 * with them would be worse than a long one. Two expensive polls of the last three lengthen the interval, two
 * consecutive polls that are cheaper by a margin shorten it, and all others leave it as it is. On a busy machine polls wait
 * for a CPU, which costs nothing: the wait does not lengthen the interval, but polls may come later than the interval says.
 */
export class Pacer {
  readonly #maxShare: number;
  #requestedMs: number;
  #intervalMs: number;
  /** Costs of the last three polls; 0 for polls that have not happened yet. */
  #costsMs: Last = [0, 0, 0];
  /** Elapsed times of the same polls. */
  #elapsedMs: Last = [0, 0, 0];
  /** The cost that led to the interval in use, milliseconds. */
  #pacedForMs = 0;

  /**
   * @param requestedMs the requested interval, milliseconds
   * @param maxShare maximum share of the time that polling may take, above 0, up to 1
   */
  constructor(requestedMs: number, maxShare: number) {
    this.#requestedMs = requestedMs;
    this.#intervalMs = requestedMs;
    this.#maxShare = maxShare;
  }

  /** The interval to use, milliseconds: the requested one, or a longer one of at most 60 s. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** Returns the interval shortened to `ms`, or as far as the share of the CPU time allows; both in milliseconds. */
  atMost(ms: number): number {
    return Math.min(this.#intervalMs, Math.max(ms, median(this.#costsMs) / this.#maxShare));
  }

  /** The time from poll to poll, milliseconds: longer than the interval if polls take longer than that. */
  get realMs(): number {
    const elapsedMs = median(this.#elapsedMs);
    return elapsedMs <= this.#intervalMs ? this.#intervalMs : nextStep(elapsedMs);
  }

  /** Requests another interval, milliseconds. The costs of the last polls apply to it at once. */
  request(requestedMs: number): void {
    this.#requestedMs = requestedMs;
    const costMs = median(this.#costsMs);
    this.#set(this.#intervalFor(costMs), costMs);
  }

  /**
   * Adds the cost of a poll.
   * @param costMs CPU time, milliseconds; elapsed time if no other is known
   * @param elapsedMs elapsed time, milliseconds
   */
  addCost(costMs: number, elapsedMs: number): void {
    const third = this.#costsMs[2];
    this.#costsMs = withLast(this.#costsMs, costMs);
    this.#elapsedMs = withLast(this.#elapsedMs, elapsedMs);
    const medianMs = median(this.#costsMs);
    const neededMs = this.#intervalFor(medianMs);
    if (neededMs > this.#intervalMs) {
      this.#set(neededMs, medianMs);
      return;
    }
    const higherMs = Math.max(third, costMs);
    const shorterMs = this.#intervalFor(higherMs * MARGIN);
    if (shorterMs < this.#intervalMs) this.#set(shorterMs, higherMs);
  }

  /** The notice for the user while the interval is longer than the requested one; else undefined. */
  get notice(): Degradation | undefined {
    const { realMs } = this;
    if (realMs <= this.#requestedMs) return undefined;
    const [used, requested] = [exactly(realMs), exactly(this.#requestedMs)];
    const why =
      realMs > this.#intervalMs
        ? 'the machine is too busy for more'
        : `one poll takes ${roughly(this.#pacedForMs)}`;
    return {
      code: 'paced',
      text: `interval is ${used} instead of ${requested}: ${why}`,
      short: `slowed to ${used}`,
    };
  }

  #set(intervalMs: number, pacedForMs: number): void {
    this.#intervalMs = intervalMs;
    this.#pacedForMs = pacedForMs;
  }

  #intervalFor(costMs: number): number {
    const neededMs = costMs / this.#maxShare;
    return neededMs <= this.#requestedMs
      ? this.#requestedMs
      : Math.max(this.#requestedMs, nextStep(neededMs));
  }
}

/** Returns the text of a duration: `520 ms`, `2.5 s`. */
const exactly = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

/** Returns the text of a measured duration with two digits: more would be noise. */
const roughly = (ms: number): string => exactly(Number(ms.toPrecision(2)));
