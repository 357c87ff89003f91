import type { Compare, SortKey } from './entry.ts';

/** Room for one whole number below 2³² of each of many; it is kept, for V8 is slow to take back what is made anew. */
export class Numbers {
  #room = new Uint32Array(0);

  /** So many of them, with what is left there from before. */
  take(length: number): Uint32Array {
    if (this.#room.length < length) this.#room = new Uint32Array(length + (length >>> 2));
    return this.#room.subarray(0, length);
  }
}

const ROOMS = {
  /** The key, as a number of 64 bits. */
  highs: new Numbers(),
  lows: new Numbers(),
  positions: new Numbers(),
  spare: new Numbers(),
};

/** A number as it is in memory. */
const float = new Float64Array(1);
const bits = new Uint32Array(float.buffer);
const [LOW, HIGH] = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? [0, 1] : [1, 0];
const SIGN = 0x8000_0000;

/**
 * Writes the keys as numbers of 64 bits in the same order: texts have their places among the distinct ones, and come
 * after all numbers, whose own bits are in order but for those below 0.
 */
function writeKeys<T>(
  items: readonly T[],
  keyOf: (item: T) => SortKey,
  highs: Uint32Array,
  lows: Uint32Array,
): void {
  let placeOf: Map<SortKey, number> | undefined;
  for (let i = 0; i < items.length; i++) {
    const key = keyOf(items[i] as T);
    if (typeof key === 'number') {
      // -0 is 0.
      float[0] = key + 0;
      const [high, low] = [bits[HIGH] ?? 0, bits[LOW] ?? 0];
      highs[i] = high < SIGN ? high + SIGN : ~high;
      lows[i] = high < SIGN ? low : ~low;
    } else {
      placeOf ??= placesOf(items, keyOf);
      highs[i] = 0xffff_ffff;
      lows[i] = placeOf.get(key) ?? 0;
    }
  }
}

/** The places of texts among the distinct ones, by UTF-16 units, as `<` has it. */
function placesOf<T>(items: readonly T[], keyOf: (item: T) => SortKey): Map<SortKey, number> {
  const places = new Map<SortKey, number>();
  for (const item of items) {
    const key = keyOf(item);
    if (typeof key === 'string') places.set(key, 0);
  }
  for (const [place, text] of [...places.keys()].sort().entries()) places.set(text, place);
  return places;
}

/** Sorted by at a time. */
const BITS = 11;
const ends = new Uint32Array((1 << BITS) + 1);

/** Positions of things, that are put in order by one thing after the other, from what counts least. */
class Positions {
  now: Uint32Array;
  #spare: Uint32Array;

  constructor(length: number) {
    this.now = ROOMS.positions.take(length);
    this.#spare = ROOMS.spare.take(length);
    for (let i = 0; i < length; i++) this.now[i] = i;
  }

  /** Sorts by a value of each, whole and below 2³²; those of one value stay as they are to each other. */
  sortBy(values: Uint32Array): void {
    let [some, all] = [0, -1];
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? 0;
      some |= value;
      all &= value;
    }
    // Where all have the same bits there is nothing to sort.
    const different = some & ~all;
    for (let shift = 0; shift < 32; shift += BITS)
      if ((different >>> shift) & ((1 << BITS) - 1)) this.#sortByBits(values, shift);
  }

  #sortByBits(values: Uint32Array, shift: number): void {
    const [now, spare] = [this.now, this.#spare];
    const most = (1 << BITS) - 1;
    ends.fill(0);
    // How many have less, and then where the next one goes.
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
    [this.now, this.#spare] = [spare, now];
  }
}

/** By what things are put in order. */
export interface Wish<T> {
  readonly keyOf: (item: T) => SortKey;
  readonly descending: boolean;
  /** By which things of one key go, from what counts most: a number of each thing, which is never turned round. */
  readonly ties?: readonly Uint32Array[];
  /** Tells apart what is still alike; without it that stays as it was to each other. */
  readonly compareTies?: Compare<T>;
}

/**
 * Things in the order of their keys. They are not compared, which is a wait for memory each time, but put in order by
 * numbers that lie side by side.
 * @param result takes them, in the place of what was in it
 */
export function inOrder<T>(
  result: T[],
  items: readonly T[],
  { keyOf, descending, ties = [], compareTies }: Wish<T>,
): void {
  const { length } = items;
  const [highs, lows] = [ROOMS.highs.take(length), ROOMS.lows.take(length)];
  writeKeys(items, keyOf, highs, lows);
  if (descending) {
    for (let i = 0; i < length; i++) {
      highs[i] = ~(highs[i] ?? 0);
      lows[i] = ~(lows[i] ?? 0);
    }
  }
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
