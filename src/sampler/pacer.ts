import type { Degradation } from '../model/batch.ts';

/** The most of one core that looking may take, as a share of 1, where nobody says another. */
export const DEFAULT_MAX_SHARE = 0.2;

/** Never looks less often than this, milliseconds, unless it is asked to. */
const LONGEST_MS = 60_000;

/** How much quicker than needed a look must be before the interval is shortened: what is near the edge stays. */
const EASE = 1.25;

/** Lengths between two steps, milliseconds, up to a length: an interval that is shown must not change with each look. */
const STEPS = [
  { upToMs: 1000, stepMs: 100 },
  { upToMs: 3000, stepMs: 250 },
  { upToMs: 10_000, stepMs: 500 },
  { upToMs: LONGEST_MS, stepMs: 5000 },
] as const;

/** Up to the next step, or to the longest. 1e-9: 0.7 / 0.1 is a little more than 7. */
function roundUp(ms: number): number {
  const row = STEPS.find(({ upToMs }) => ms <= upToMs);
  return row ? Math.ceil(ms / row.stepMs - 1e-9) * row.stepMs : LONGEST_MS;
}

const byLength = (a: number, b: number) => a - b;

/**
 * Finds the interval at which looking costs no more than its share of the time. Costs wander, and an interval that
 * wandered with them would be worse than a long one. So it takes two dear looks of three to lengthen the interval, and
 * two in a row that are cheaper by a margin to shorten it; what lies between changes nothing.
 */
export class Pacer {
  readonly #maxShare: number;
  #askedMs: number;
  #intervalMs: number;
  /** The last three; a look that has not been is taken to be free. */
  #costsMs: readonly [number, number, number] = [0, 0, 0];
  /** The cost for which the interval is as long as it is. */
  #becauseMs = 0;

  /**
   * @param askedMs the interval that is wanted, milliseconds
   * @param maxShare the most of the time that looking may take, above 0, to 1
   */
  constructor(askedMs: number, maxShare: number) {
    this.#askedMs = askedMs;
    this.#intervalMs = askedMs;
    this.#maxShare = maxShare;
  }

  /** The interval that was asked for, milliseconds. */
  get askedMs(): number {
    return this.#askedMs;
  }

  /** The interval to keep, milliseconds: the one asked for, or a longer one of at most 60 s. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** Asks for another interval, milliseconds. What looking costs is known already, and counts at once. */
  ask(askedMs: number): void {
    this.#askedMs = askedMs;
    const costMs = this.#usualMs();
    this.#set(this.#intervalFor(costMs), costMs);
  }

  /** Tells what a look has cost, milliseconds of elapsed time. */
  note(costMs: number): void {
    const [, second, third] = this.#costsMs;
    this.#costsMs = [second, third, costMs];
    const usualMs = this.#usualMs();
    const leastMs = this.#intervalFor(usualMs);
    if (leastMs > this.#intervalMs) {
      this.#set(leastMs, usualMs);
      return;
    }
    const dearerMs = Math.max(third, costMs);
    const mostMs = this.#intervalFor(dearerMs * EASE);
    if (mostMs < this.#intervalMs) this.#set(mostMs, dearerMs);
  }

  /** What to tell the user while the interval is longer than the one asked for. */
  get notice(): Degradation | undefined {
    if (this.#intervalMs <= this.#askedMs) return undefined;
    const [cost, used, asked] = [roughly(this.#becauseMs), exactly(this.#intervalMs), exactly(this.#askedMs)];
    return {
      code: 'paced',
      text: `a look takes ${cost}, so netpane looks every ${used}, not every ${asked}`,
      short: `slowed to ${used}`,
    };
  }

  #set(intervalMs: number, becauseMs: number): void {
    this.#intervalMs = intervalMs;
    this.#becauseMs = becauseMs;
  }

  /** The median: one look that is out of line does not count. */
  #usualMs(): number {
    return this.#costsMs.toSorted(byLength)[1] ?? 0;
  }

  #intervalFor(costMs: number): number {
    const neededMs = costMs / this.#maxShare;
    return neededMs <= this.#askedMs ? this.#askedMs : Math.max(this.#askedMs, roundUp(neededMs));
  }
}

/** `520 ms`, `2.5 s`. */
const exactly = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

/** The same of a measured time, in two digits: more of them would be chance. */
const roughly = (ms: number): string => exactly(Number(ms.toPrecision(2)));
