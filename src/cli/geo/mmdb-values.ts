/*
 * Values of a MaxMind DB file (https://maxmind.github.io/MaxMind-DB/, "Output Data Section"). The file is untrusted: each
 * size and pointer is checked, and the number of values of a record and their depth are bounded.
 */

/** A file that does not follow the format. The message completes "FILE is damaged: …". */
export class MmdbFault extends Error {}

/** A decoded value; undefined for one of a type that netpane has no use for. */
export type MmdbValue = string | number | ReadonlyMap<string, MmdbValue> | undefined;

/** Returns a map; undefined for any other value. */
export const mapOf = (value: MmdbValue): ReadonlyMap<string, MmdbValue> | undefined =>
  typeof value === 'object' ? value : undefined;

/** Maximum number of values of one record, keys included. One of a city has about 200. */
const MAX_VALUES = 4000;
/** Maximum depth of values in values; a pointer counts too. */
const MAX_DEPTH = 32;
/** Maximum length of a text, bytes; a longer one is cut. */
const MAX_TEXT = 512;

const POINTER = 1;
const TEXT = 2;
const UINT16 = 5;
const UINT32 = 6;
const MAP = 7;
const UINT64 = 9;
const ARRAY = 11;
const BOOLEAN = 14;
/** The sizes of doubles and floats. */
const FIXED_SIZES: ReadonlyMap<number, number> = new Map([
  [3, 8],
  [15, 4],
]);
/** Types whose size is the number of bytes: texts, bytes and integers. */
const BYTES: ReadonlySet<number> = new Set([TEXT, 4, UINT16, UINT32, 8, UINT64, 10]);

/** Number to add to a pointer of 1, 2, 3 or 4 bytes after the control byte. */
const POINTER_STARTS = [0, 2048, 526_336, 0] as const;

/** Reads values in one section of a file. */
export class MmdbValues {
  readonly #bytes: Buffer;
  /** Where the next byte is read. */
  #at = 0;
  /** Number of values that may still be read. */
  #left = 0;

  /** @param bytes the section: pointers count from its start */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * Returns the value at an offset of the section.
   * @param isWanted returns false for a key of a map whose value is left out
   * @throws MmdbFault for a damaged value
   */
  read(offset: number, isWanted: (key: string) => boolean): MmdbValue {
    this.#at = offset;
    this.#left = MAX_VALUES;
    return this.#value(0, isWanted);
  }

  /** Reads a value. @param isWanted undefined if the value is only skipped */
  #value(depth: number, isWanted: ((key: string) => boolean) | undefined): MmdbValue {
    if (depth > MAX_DEPTH) throw new MmdbFault('values are nested too deep');
    if (--this.#left < 0) throw new MmdbFault('a record has too many values');
    const control = this.#number(1);
    const type = control >> 5 === 0 ? 7 + this.#number(1) : control >> 5;
    if (type === POINTER) return this.#pointed(control, depth, isWanted);
    const size = this.#size(control & 31);
    if (type === MAP) return this.#map(size, depth, isWanted);
    if (type === ARRAY) {
      for (let i = 0; i < size; i++) this.#value(depth + 1, undefined);
      return undefined;
    }
    // The size of a boolean is its value: no bytes follow.
    if (type === BOOLEAN) return undefined;
    const length = BYTES.has(type) ? size : FIXED_SIZES.get(type);
    if (length === undefined) throw new MmdbFault(`unknown type ${type}`);
    const start = this.#skip(length);
    if (isWanted === undefined) return undefined;
    if (type === TEXT) return this.#bytes.toString('utf8', start, start + Math.min(length, MAX_TEXT));
    return type === UINT16 || type === UINT32 || type === UINT64 ? this.#integer(start, length) : undefined;
  }

  #pointed(control: number, depth: number, isWanted: ((key: string) => boolean) | undefined): MmdbValue {
    const length = ((control >> 3) & 3) + 1;
    const high = length === 4 ? 0 : (control & 7) * 256 ** length;
    const target = high + this.#number(length) + (POINTER_STARTS[length - 1] ?? 0);
    if (isWanted === undefined) return undefined;
    const next = this.#at;
    this.#at = target;
    const value = this.#value(depth + 1, isWanted);
    this.#at = next;
    return value;
  }

  #map(
    size: number,
    depth: number,
    isWanted: ((key: string) => boolean) | undefined,
  ): ReadonlyMap<string, MmdbValue> {
    const map = new Map<string, MmdbValue>();
    for (let i = 0; i < size; i++) {
      const key = this.#value(depth + 1, isWanted);
      const isKept = isWanted !== undefined && typeof key === 'string' && isWanted(key);
      const value = this.#value(depth + 1, isKept ? isWanted : undefined);
      if (isKept) map.set(key, value);
    }
    return map;
  }

  /** Returns a size from the last five bits of a control byte, and up to three bytes after it. */
  #size(bits: number): number {
    if (bits < 29) return bits;
    if (bits === 29) return 29 + this.#number(1);
    return bits === 30 ? 285 + this.#number(2) : 65_821 + this.#number(3);
  }

  /** Reads an unsigned number of up to four bytes. */
  #number(length: number): number {
    return this.#integer(this.#skip(length), length);
  }

  /** Returns an unsigned number; only the last six bytes of a longer one. */
  #integer(start: number, length: number): number {
    const used = Math.min(6, length);
    return used === 0 ? 0 : this.#bytes.readUIntBE(start + length - used, used);
  }

  /** Moves past this number of bytes. Returns the index of the first one. */
  #skip(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length)
      throw new MmdbFault('a value reaches beyond the end of the data');
    this.#at = start + length;
    return start;
  }
}
