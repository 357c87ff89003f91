import { ERROR, type WindowsApi } from './api.ts';
import { GrowingBuffer } from './growing-buffer.ts';
import { FIRST_ROW, ROWS, type RowLayout, type TableName } from './layout.ts';

/** Initial size of a table, bytes: 400 rows. */
const INITIAL_BYTES = 64 * 1024;

/** No row. */
const NONE = -1;

/** Maximum number of removed rows that are skipped to find the next equal row. After more of them a row is found by hash. */
const MAX_SKIPPED = 8;

/** Makes the hash of rows differ from run to run, so that no program can choose endpoints with equal hashes. */
const SEED = Math.trunc(Math.random() * 2 ** 32);

/** The 32-bit numbers of a row that netpane reads, with the bits of each that it compares. */
interface SignificantWords {
  readonly index: Int32Array;
  /** Windows leaves the upper half of a port undefined. */
  readonly mask: Int32Array;
}

function significantWords(layout: RowLayout): SignificantWords {
  const { family, connection, scopes } = layout;
  const addressWords = family === 'ipv4' ? 1 : 4;
  const words: [offset: number, mask: number][] = [];
  const add = (offset: number | undefined, count = 1, mask = -1): void => {
    if (offset === undefined) return;
    for (let i = 0; i < count; i++) words.push([offset + 4 * i, mask]);
  };
  add(layout.localPort, 1, 0xffff);
  add(connection?.remotePort, 1, 0xffff);
  add(connection?.state);
  add(layout.pid);
  add(layout.created, 2);
  add(layout.localAddress, addressWords);
  add(connection?.remoteAddress, addressWords);
  add(scopes?.local);
  add(scopes?.remote);
  add(layout.tag);
  return {
    index: Int32Array.from(words, ([offset]) => offset >>> 2),
    mask: Int32Array.from(words, ([, mask]) => mask),
  };
}

/** Rows of a table and of the one before it. */
export interface RowMatches {
  /** By row: the index of an equal row of the table before; -1 if there is none. Each index occurs at most once. */
  readonly matches: Int32Array;
  /** Indexes of the rows of the table before that no row equals. */
  readonly left: readonly number[];
}

/**
 * Reads a socket table of Windows, and keeps the one before it. Finds the rows that have not changed by comparing numbers,
 * without making objects. 20,000 unchanged rows take 0.2 ms without the call itself, and up to 1.1 ms if only unused bytes
 * differ. With 200 new rows among them a whole poll takes some 5 ms.
 */
export class KeptTable {
  readonly layout: RowLayout;
  readonly #api: WindowsApi;
  readonly #name: TableName;
  readonly #words: SignificantWords;
  readonly #wordsPerRow: number;
  #now = new GrowingBuffer(INITIAL_BYTES);
  #before = new GrowingBuffer(INITIAL_BYTES);
  #countBefore = 0;
  /** Memory of `matchRows`, which most polls need: new memory of this size would cost more than the comparison. */
  #matches = new Int32Array(0);
  /** By row of the table before: 1 if a row equals it. */
  #isTaken = new Uint8Array(0);
  /** Number of rows. */
  count = 0;
  /** Number of rows that Windows counted but that were not in its answer. */
  missing = 0;

  constructor(api: WindowsApi, name: TableName) {
    this.#api = api;
    this.#name = name;
    this.layout = ROWS[name];
    this.#words = significantWords(this.layout);
    this.#wordsPerRow = this.layout.size >>> 2;
  }

  /**
   * Reads the table.
   * @returns false if it has the same rows as before, in the same order
   * @throws CallFailed; the table before is kept
   */
  read(): boolean {
    // If the call fails, `#now` must still have the rows before.
    [this.#now, this.#before] = [this.#before, this.#now];
    try {
      this.#now.fill(
        `the table ${this.#name}`,
        (into, size) => this.#readOrEmpty(into, size),
        ERROR.insufficientBuffer,
      );
    } catch (error) {
      [this.#now, this.#before] = [this.#before, this.#now];
      throw error;
    }
    const { bytes, words } = this.#now;
    const counted = words[0] ?? 0;
    this.#countBefore = this.count;
    this.count = Math.min(counted, Math.floor((bytes.length - FIRST_ROW) / this.layout.size));
    this.missing = counted - this.count;
    if (this.count !== this.#countBefore) return true;
    const end = this.offsetOf(this.count);
    if (Buffer.compare(bytes.subarray(0, end), this.#before.bytes.subarray(0, end)) === 0) return false;
    for (let row = 0; row < this.count; row++) if (!this.#isSame(row, row)) return true;
    return false;
  }

  /** Reads the table; without IPv6 or rows it is empty. @returns the error of any other failure */
  #readOrEmpty(into: Uint8Array, size: Uint32Array): number {
    const error = this.#api.readTable(this.#name, into, size);
    const isEmpty = error === ERROR.noData || (error === ERROR.notSupported && this.layout.family === 'ipv6');
    if (!isEmpty) return error;
    into.fill(0, 0, FIRST_ROW);
    return ERROR.none;
  }

  /** Returns a view of the rows. */
  get view(): DataView {
    return new DataView(this.#now.bytes.buffer);
  }

  /** Returns the offset of a row in `view`. */
  offsetOf(row: number): number {
    return FIRST_ROW + row * this.layout.size;
  }

  /** Compares the rows with those of the table before. The result is valid until the next call. */
  matchRows(): RowMatches {
    if (this.#matches.length < this.count) this.#matches = new Int32Array(this.count + (this.count >>> 2));
    if (this.#isTaken.length < this.#countBefore) this.#isTaken = new Uint8Array(this.#matches.length);
    const matches = this.#matches.subarray(0, this.count);
    const isTaken = this.#isTaken.subarray(0, this.#countBefore).fill(0);
    const unmatched: number[] = [];
    // Most rows follow the row that they followed before, or rows in between have left.
    let expected = 0;
    for (let row = 0; row < this.count; row++) {
      const end = Math.min(expected + MAX_SKIPPED, this.#countBefore);
      let before = expected;
      while (before < end && !this.#isSame(row, before)) before++;
      if (before < end) {
        matches[row] = before;
        isTaken[before] = 1;
        expected = before + 1;
      } else unmatched.push(row);
    }
    const left: number[] = [];
    for (let row = isTaken.indexOf(0); row !== NONE; row = isTaken.indexOf(0, row + 1)) left.push(row);
    if (unmatched.length === 0) return { matches, left };
    const index = new RowIndex(left, (it) => this.#hash(this.#before.words, it));
    for (const row of unmatched) {
      const before = index.take(this.#hash(this.#now.words, row), (it) => this.#isSame(row, it));
      matches[row] = before;
      if (before !== NONE) isTaken[before] = 1;
    }
    return { matches, left: left.filter((row) => isTaken[row] === 0) };
  }

  /** Returns true if a row equals a row of the table before. */
  #isSame(row: number, rowBefore: number): boolean {
    const { index, mask } = this.#words;
    const now = this.#now.words;
    const before = this.#before.words;
    const [start, startBefore] = [this.#startOf(row), this.#startOf(rowBefore)];
    for (let i = 0; i < index.length; i++) {
      const at = index[i] as number;
      const difference = (now[start + at] as number) ^ (before[startBefore + at] as number);
      if ((difference & (mask[i] as number)) !== 0) return false;
    }
    return true;
  }

  #hash(words: Uint32Array, row: number): number {
    const { index, mask } = this.#words;
    const start = this.#startOf(row);
    let hash = SEED;
    for (let i = 0; i < index.length; i++) {
      const word = (words[start + (index[i] as number)] as number) & (mask[i] as number);
      hash = Math.imul((hash ^ word) + 0x7f4a_7c15, 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  /** Returns the index of the first number of a row. */
  #startOf(row: number): number {
    return (FIRST_ROW >>> 2) + row * this.#wordsPerRow;
  }
}

/** Rows by hash. Those with the same place in the index are in a list. */
class RowIndex {
  readonly #rows: readonly number[];
  /** Indexes of `#rows`. */
  readonly #heads: Int32Array;
  readonly #next: Int32Array;

  constructor(rows: readonly number[], hashOf: (row: number) => number) {
    this.#rows = rows;
    // A power of two of at least twice the number of rows.
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(rows.length * 2 + 2))).fill(NONE);
    this.#next = new Int32Array(rows.length);
    // From the last row to the first, so that equal rows are taken in their order.
    for (let i = rows.length - 1; i >= 0; i--) {
      const place = hashOf(rows[i] as number) & (this.#heads.length - 1);
      this.#next[i] = this.#heads[place] as number;
      this.#heads[place] = i;
    }
  }

  /** Removes and returns the first row of this hash that is the same; -1 if there is none. */
  take(hash: number, isSame: (row: number) => boolean): number {
    const place = hash & (this.#heads.length - 1);
    let last = NONE;
    for (let i = this.#heads[place] as number; i !== NONE; i = this.#next[i] as number) {
      const row = this.#rows[i] as number;
      if (isSame(row)) {
        const after = this.#next[i] as number;
        if (last === NONE) this.#heads[place] = after;
        else this.#next[last] = after;
        return row;
      }
      last = i;
    }
    return NONE;
  }
}
