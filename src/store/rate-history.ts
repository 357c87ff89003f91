/**
 * Rates of the last ticks, packed: six bits for a rate, five rates in a number that V8 stores without an object. A rate
 * is kept to within a fifth, which is finer than the eight heights of a bar.
 */
export interface RateHistory {
  /** Number of the tick of the latest rate. Later ticks had no traffic. */
  readonly tick: number;
  /** The latest five rates, the five before and the first five; in each the latest has the lowest bits. */
  readonly last: number;
  readonly middle: number;
  readonly first: number;
}

const BITS = 6;
const PER_NUMBER = 5;
const MOST = (1 << BITS) - 1;
const ALL = (1 << (BITS * PER_NUMBER)) - 1;
const CARRY = BITS * (PER_NUMBER - 1);

/** Number of ticks that a history covers. */
export const HISTORY_TICKS = 3 * PER_NUMBER;

/** Levels per doubling of a rate. */
const PER_OCTAVE = 2;
/** The rate of the lowest level, bytes per second; the highest level is that of 17 GB/s. */
const LEAST = 8;

const levelOf = (rate: number): number =>
  rate <= LEAST ? Math.min(1, rate) : Math.min(MOST, 1 + Math.round(Math.log2(rate / LEAST) * PER_OCTAVE));

const rateOf = (level: number): number => (level === 0 ? 0 : LEAST * 2 ** ((level - 1) / PER_OCTAVE));

const EMPTY: RateHistory = { tick: 0, last: 0, middle: 0, first: 0 };

/** Returns the history at a later tick, with a rate of 0 for the ticks in between. */
function movedTo(history: RateHistory, tick: number): RateHistory {
  const ticks = tick - history.tick;
  if (ticks <= 0) return history;
  let { last, middle, first } = ticks < HISTORY_TICKS ? history : EMPTY;
  for (let i = Math.min(ticks, HISTORY_TICKS); i > 0; i--) {
    first = ((first << BITS) | (middle >>> CARRY)) & ALL;
    middle = ((middle << BITS) | (last >>> CARRY)) & ALL;
    last = (last << BITS) & ALL;
  }
  return { tick, last, middle, first };
}

/**
 * Returns a history with the rate of a tick, which replaces an earlier one of the same tick.
 * @param history undefined without traffic so far
 * @param rate bytes per second
 */
export function withRate(history: RateHistory | undefined, tick: number, rate: number): RateHistory {
  const { last, middle, first } = movedTo(history ?? EMPTY, tick);
  return { tick, last: (last & ~MOST) | levelOf(rate), middle, first };
}

/** Adds the rates up to a tick to `sums`: the oldest first, one for each of the last `HISTORY_TICKS` ticks. */
export function addRates(sums: number[], history: RateHistory, tick: number): void {
  const now = movedTo(history, tick);
  let at = HISTORY_TICKS - 1;
  for (const number of [now.last, now.middle, now.first])
    for (let i = 0; i < PER_NUMBER; i++, at--)
      sums[at] = (sums[at] ?? 0) + rateOf((number >>> (i * BITS)) & MOST);
}

/** Returns the rates of the last `HISTORY_TICKS` ticks, the oldest first, bytes per second. */
export function ratesOf(history: RateHistory, tick: number): number[] {
  const rates = new Array<number>(HISTORY_TICKS).fill(0);
  addRates(rates, history, tick);
  return rates;
}
