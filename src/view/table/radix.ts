import type { Compare, SortKey } from './entry.ts';

/** A reused array of whole numbers below 2³²: V8 is slow to collect a new one for each sort. */
export class NumberBuffer {
  #numbers = new Uint32Array(0);

  /** Returns an array of this length; its content is undefined. */
  take(length: number): Uint32Array {
    if (this.#numbers.length < length) this.#numbers = new Uint32Array(length + (length >>> 2));
    return this.#numbers.subarray(0, length);
  }
}

const BUFFERS = {
  /** Upper and lower 32 bits of each key. */
  highs: new NumberBuffer(),
  lows: new NumberBuffer(),
  positions: new NumberBuffer(),
  spare: new NumberBuffer(),
};

/** A number and its bits. */
const float = new Float64Array(1);
const bits = new Uint32Array(float.buffer);
const [LOW, HIGH] = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? [0, 1] : [1, 0];
const SIGN = 0x8000_0000;

/** Both words of null, which sorts after every other key: no number or rank of a text has them, ascending or descending. */
const LAST = 0xffff_ffff;

/**
 * Writes the keys as 64-bit numbers with the same order. A text becomes its rank among the distinct texts, after all
 * numbers. The bits of numbers of IEEE 754 already sort, except for negative numbers, which are inverted. For a
 * descending order all bits are inverted, except those of null.
 */
function writeKeys<T>(
  items: readonly T[],
  { keyOf, descending }: Pick<SortSpec<T>, 'keyOf' | 'descending'>,
  highs: Uint32Array,
  lows: Uint32Array,
): void {
  let rankOf: Map<SortKey, number> | undefined;
  const inverted = descending ? -1 : 0;
  for (let i = 0; i < items.length; i++) {
    const key = keyOf(items[i] as T);
    if (typeof key === 'number') {
      // -0 is 0.
      float[0] = key + 0;
      const [high, low] = [bits[HIGH] ?? 0, bits[LOW] ?? 0];
      highs[i] = (high < SIGN ? high + SIGN : ~high) ^ inverted;
      lows[i] = (high < SIGN ? low : ~low) ^ inverted;
    } else if (key === null) highs[i] = lows[i] = LAST;
    else {
      rankOf ??= ranksOf(items, keyOf);
      highs[i] = LAST ^ inverted;
      lows[i] = (rankOf.get(key) ?? 0) ^ inverted;
    }
  }
}

/** Returns the rank of each distinct text, by UTF-16 units, as `<` compares them. */
function ranksOf<T>(items: readonly T[], keyOf: (item: T) => SortKey): Map<SortKey, number> {
  const places = new Map<SortKey, number>();
  for (const item of items) {
    const key = keyOf(item);
    if (typeof key === 'string') places.set(key, 0);
  }
  for (const [place, text] of [...places.keys()].sort().entries()) places.set(text, place);
  return places;
}

/** Bits per pass. */
const BITS = 11;
const ends = new Uint32Array((1 << BITS) + 1);

/** The indexes of items, sorted by one value after the other, the least significant first (radix sort). */
class Positions {
  now: Uint32Array;
  #other: Uint32Array;

  constructor(length: number) {
    this.now = BUFFERS.positions.take(length);
    this.#other = BUFFERS.spare.take(length);
    for (let i = 0; i < length; i++) this.now[i] = i;
  }

  /** Sorts by one value per item, whole and below 2³²; items with equal values keep their order. */
  sortBy(values: Uint32Array): void {
    let [some, all] = [0, -1];
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      some |= value;
      all &= value;
    }
    // Bits that all values share need no pass.
    const different = some & ~all;
    for (let shift = 0; shift < 32; shift += BITS)
      if ((different >>> shift) & ((1 << BITS) - 1)) this.#sortByBits(values, shift);
  }

  #sortByBits(values: Uint32Array, shift: number): void {
    const [now, spare] = [this.now, this.#other];
    const most = (1 << BITS) - 1;
    ends.fill(0);
    // First the number of items with a smaller value, then the index where the next one goes.
    for (let i = 0; i < now.length; i++) {
      const above = (((values[i] ?? 0) >>> shift) & most) + 1;
      ends[above] = (ends[above] ?? 0) + 1;
    }
    for (let it = 1; it <= most; it++) ends[it] = (ends[it] ?? 0) + (ends[it - 1] ?? 0);
    for (let i = 0; i < now.length; i++) {
      const position = now[i] ?? 0;
      const it = ((values[position] ?? 0) >>> shift) & most;
      const at = ends[it] ?? 0;
      ends[it] = at + 1;
      spare[at] = position;
    }
    [this.now, this.#other] = [spare, now];
  }
}

/** How items are sorted. */
export interface SortSpec<T> {
  readonly keyOf: (item: T) => SortKey;
  readonly descending: boolean;
  /** Numbers that order items with equal keys, the most significant first; always ascending. */
  readonly ties?: readonly Uint32Array[];
  /** Orders items that are still equal; without it they keep their order. */
  readonly compareTies?: Compare<T>;
}

/**
 * Sorts items by their keys. A radix sort over arrays of numbers: comparing items would wait for memory each time.
 * @param result receives the sorted items; its content is replaced
 */
export function sortByKeys<T>(
  result: T[],
  items: readonly T[],
  { keyOf, descending, ties = [], compareTies }: SortSpec<T>,
): void {
  const { length } = items;
  const [highs, lows] = [BUFFERS.highs.take(length), BUFFERS.lows.take(length)];
  writeKeys(items, { keyOf, descending }, highs, lows);
  const positions = new Positions(length);
  for (const values of ties.toReversed()) positions.sortBy(values);
  positions.sortBy(lows);
  positions.sortBy(highs);
  const { now } = positions;
  for (let i = 0; i < length; i++) result[i] = items[now[i] ?? 0] as T;
  result.length = length;
  if (compareTies === undefined) return;
  const isAlike = (a: number, b: number): boolean => {
    if (lows[a] !== lows[b] || highs[a] !== highs[b]) return false;
    for (const values of ties) if (values[a] !== values[b]) return false;
    return true;
  };
  for (let start = 0, end = 1; start < length; start = end++) {
    while (end < length && isAlike(now[start] ?? 0, now[end] ?? 0)) end++;
    if (end - start === 1) continue;
    for (const [i, item] of result.slice(start, end).sort(compareTies).entries()) result[start + i] = item;
  }
}
