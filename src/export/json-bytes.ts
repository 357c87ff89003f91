/** Characters that JSON allows unescaped but that act on a terminal or mislead the reader. */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu;

const escape = (json: string): string =>
  json.replace(UNSAFE, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join(''),
  );

const [QUOTE, BACKSLASH, ZERO, POINT] = [0x22, 0x5c, 0x30, 0x2e];
const [OPEN, CLOSE] = [0x7b, 0x7d];

/** Initial bytes of the buffer; it grows as needed. */
const INITIAL_BYTES = 64 * 1024;

/** Maximum number of bytes of a UTF-16 unit in UTF-8. */
const BYTES_PER_UNIT = 3;

/** Maximum number of digits of an exact integer. */
const MAX_DIGITS = 16;

/**
 * Writes JSON as UTF-8 into one buffer. The text of a socket has over a hundred parts; as strings they cost ten
 * allocations each before they become bytes. Safe to print: invisible characters are escaped.
 */
export class JsonBytes {
  #bytes = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  /** Number of bytes written since the last `take` or `takeText`. */
  get length(): number {
    return this.#length;
  }

  /** Returns the bytes, and starts again. Many bytes are not copied: their buffer is replaced. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    if (bytes.length < this.#bytes.length / 4) return Buffer.from(bytes);
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
    return bytes;
  }

  /** Returns the bytes as text, and starts again. */
  takeText(): string {
    const text = this.#bytes.toString('utf8', 0, this.#length);
    this.#length = 0;
    return text;
  }

  /** Writes ASCII characters as they are. */
  raw(text: string): void {
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  /** Writes a text in quotes, with escapes. */
  text(text: string): void {
    this.#reserve(text.length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      // Other characters than printable ASCII are rare.
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
        this.json(text);
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#length = at;
  }

  /** Writes a value as `JSON.stringify` does, with escapes. */
  json(value: unknown): void {
    const json = escape(JSON.stringify(value));
    this.#reserve(json.length * BYTES_PER_UNIT);
    this.#length += this.#bytes.write(json, this.#length);
  }

  /** Writes a number. */
  number(value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) {
      this.#reserve(MAX_DIGITS);
      this.#digits(value);
    } else if (!this.#thousandths(value)) this.raw(String(value));
  }

  /** Writes a number of up to three decimals. Returns false if it has more. */
  #thousandths(value: number): boolean {
    const thousandths = Math.round(value * 1000);
    if (!Number.isSafeInteger(thousandths) || thousandths < 0 || thousandths / 1000 !== value) return false;
    this.#reserve(MAX_DIGITS + 1);
    const whole = Math.floor(thousandths / 1000);
    this.#digits(whole);
    this.#bytes[this.#length++] = POINT;
    // The last digits may be 0.
    let rest = thousandths - whole * 1000;
    for (let unit = 100; rest > 0; unit /= 10) {
      const digit = Math.floor(rest / unit);
      this.#bytes[this.#length++] = ZERO + digit;
      rest -= digit * unit;
    }
    return true;
  }

  #digits(value: number): void {
    let count = 1;
    for (let unit = 10; unit <= value; unit *= 10) count++;
    let at = this.#length + count;
    this.#length = at;
    for (let rest = value; count > 0; count--) {
      const tenth = Math.floor(rest / 10);
      this.#bytes[--at] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
  }

  /** Makes an object of what was written since `start`, fields that each begin with a comma. */
  brace(start: number): void {
    this.#reserve(2);
    if (this.#length === start) this.#length++;
    this.#bytes[start] = OPEN;
    this.#bytes[this.#length++] = CLOSE;
  }

  /** Returns a copy of the bytes written since `start`. */
  copyFrom(start: number): Buffer {
    return Buffer.from(this.#bytes.subarray(start, this.#length));
  }

  /** Writes bytes that `copyFrom` returned. */
  copy(bytes: Buffer): void {
    this.#reserve(bytes.length);
    bytes.copy(this.#bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes a part of the earlier bytes again. */
  repeat(start: number, end: number): void {
    this.#reserve(end - start);
    this.#bytes.copyWithin(this.#length, start, end);
    this.#length += end - start;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
