/**
 * Mean rates of the last spans of ten ticks, packed: six bits for a rate, five rates in a number that V8 stores without
 * an object. A mean is kept to within a fifth, which is finer than the heights of a bar. The means of several sockets can
 * be added to the mean of their group. Their highest rates cannot: they are from different ticks.
 */
export interface RateHistory {
  /** Number of the tick of the latest rate. Later ticks had no traffic. */
  readonly tick: number;
  /** Sum of the rates in the span of that tick so far. */
  readonly sum: number;
  /** Means of the 15 complete spans before it: the last five, the five before, the first five. The latest has the lowest bits. */
  readonly last: number;
  readonly middle: number;
  readonly first: number;
}

/** Number of ticks of a span, which is a bar of HISTORY. Bars of single ticks would all move with each tick. */
export const TICKS_PER_BAR = 10;

const BITS = 6;
const PER_NUMBER = 5;
const MOST = (1 << BITS) - 1;
const ALL = (1 << (BITS * PER_NUMBER)) - 1;
const CARRY = BITS * (PER_NUMBER - 1);

const COMPLETE_BARS = 3 * PER_NUMBER;

/** Number of spans that a history covers: the complete ones and the latest. */
export const HISTORY_BARS = COMPLETE_BARS + 1;
/** Number of ticks that a history covers. */
export const HISTORY_TICKS = HISTORY_BARS * TICKS_PER_BAR;

/** The baseline is tick 1 and has no rates: the first span begins with tick 2. */
const OFFSET = TICKS_PER_BAR - 2;
const spanOf = (tick: number): number => Math.floor((tick + OFFSET) / TICKS_PER_BAR);
/** Returns the number of ticks of a span up to this one. */
const ticksUpTo = (tick: number): number => ((tick + OFFSET) % TICKS_PER_BAR) + 1;

/** Levels per doubling of a rate. */
const PER_OCTAVE = 2;
/** The rate of the lowest level, bytes per second; the highest level is that of 17 GB/s. */
const LEAST = 8;

const levelOf = (rate: number): number =>
  rate === 0 ? 0 : rate <= LEAST ? 1 : Math.min(MOST, 1 + Math.round(Math.log2(rate / LEAST) * PER_OCTAVE));

const rateOf = (level: number): number => (level === 0 ? 0 : LEAST * 2 ** ((level - 1) / PER_OCTAVE));

const EMPTY: RateHistory = { tick: 0, sum: 0, last: 0, middle: 0, first: 0 };

/** Returns the history with one more complete span. @param rate its mean */
function withSpan({ tick, last, middle, first }: RateHistory, rate: number): RateHistory {
  return {
    tick,
    sum: 0,
    last: ((last << BITS) | levelOf(rate)) & ALL,
    middle: ((middle << BITS) | (last >>> CARRY)) & ALL,
    first: ((first << BITS) | (middle >>> CARRY)) & ALL,
  };
}

/** Returns the history at a later tick, without traffic since its own tick. */
function movedTo(history: RateHistory, tick: number): RateHistory {
  const spans = spanOf(tick) - spanOf(history.tick);
  if (spans <= 0) return history;
  let moved = spans <= COMPLETE_BARS ? withSpan(history, history.sum / TICKS_PER_BAR) : EMPTY;
  for (let i = Math.min(spans, COMPLETE_BARS); i > 1; i--) moved = withSpan(moved, 0);
  return { ...moved, tick };
}

/**
 * Returns a history with one more rate.
 * @param history undefined without traffic so far
 * @param tick number of the tick; not before that of the history
 * @param rate bytes per second
 */
export function withRate(history: RateHistory | undefined, tick: number, rate: number): RateHistory {
  const { sum, last, middle, first } = movedTo(history ?? EMPTY, tick);
  return { tick, sum: sum + rate, last, middle, first };
}

/** Adds the means of the complete spans before a tick to `means`, the oldest first. @returns the sum in its own span */
function addMeans(means: number[], history: RateHistory, tick: number): number {
  const { sum, last, middle, first } = movedTo(history, tick);
  let at = COMPLETE_BARS - 1;
  for (const number of [last, middle, first])
    for (let i = 0; i < PER_NUMBER; i++, at--)
      means[at] = (means[at] ?? 0) + rateOf((number >>> (i * BITS)) & MOST);
  return sum;
}

/** Returns the history of several sockets together; undefined without traffic. @param tick number of the last tick */
export function sumOf(histories: Iterable<RateHistory>, tick: number): RateHistory | undefined {
  const means = new Array<number>(COMPLETE_BARS).fill(0);
  let sum = 0;
  for (const history of histories) sum += addMeans(means, history, tick);
  if (sum === 0 && means.every((mean) => mean === 0)) return undefined;
  return { ...means.reduce(withSpan, EMPTY), tick, sum };
}

/**
 * Returns `HISTORY_BARS` mean rates, the oldest first, bytes per second. The latest is the mean of the span of the tick up
 * to its last tick with traffic: it does not change while there is no traffic.
 */
export function ratesOf(history: RateHistory, tick: number): number[] {
  const means = new Array<number>(COMPLETE_BARS).fill(0);
  const sum = addMeans(means, history, tick);
  // Rounded like the others, so that the bar of a constant rate has the height of those before it.
  return [...means, rateOf(levelOf(sum / ticksUpTo(history.tick)))];
}
