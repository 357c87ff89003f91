import {
  BUFFER_WORDS,
  INPCB_WORDS,
  KIND,
  SOCKET_WORDS,
  STATS_WORDS,
  TCPCB_WORDS,
  XINPGEN_BYTES,
  XINPGEN_COUNT,
} from './layout.ts';

/** Index of a record that the row lacks. */
export const ABSENT = -1;

/**
 * Steps through the sockets of a table (see `layout.ts`). A table is untrusted: no read goes past its end, and each step
 * moves forward. Makes no objects.
 */
export class Rows {
  /** The table in 32-bit words. */
  words: Int32Array = new Int32Array(0);
  /** Index at which each record of the current socket begins; `ABSENT` if it has none. */
  inpcb = ABSENT;
  socket = ABSENT;
  receiveBuffer = ABSENT;
  sendBuffer = ABSENT;
  stats = ABSENT;
  tcpcb = ABSENT;
  /** Number of sockets that the header promises; 0 without a header. */
  promised = 0;
  /** Number of sockets that were left out because a record is missing or too short. */
  malformed = 0;
  /** True once the trailer was reached: nothing is missing at the end. */
  isComplete = false;
  /** Index of the next record. */
  #at = 0;
  /** Number of words of the current row if it has known records only, each once; else 0. */
  #span = 0;

  /** Starts with the first socket of a table. @param words the table, whole words only */
  begin(words: Int32Array): void {
    this.words = words;
    this.malformed = 0;
    this.#span = 0;
    const length = lengthAt(words, 0);
    const hasHeader = length >= XINPGEN_BYTES && length <= words.length * 4;
    this.promised = hasHeader ? (words[XINPGEN_COUNT] ?? 0) >>> 0 : 0;
    this.#at = hasHeader ? paddedWords(length) : words.length;
    // The kernel writes no trailer after a table without sockets.
    this.isComplete = hasHeader && this.promised === 0;
  }

  /** Moves to the next socket. @returns false after the last one */
  next(): boolean {
    if (this.#span > 0 && this.#isLaidOutLikeLast()) {
      this.#shift(this.#span);
      return true;
    }
    while (this.#readRow()) {
      if (this.inpcb !== ABSENT && this.socket !== ABSENT) return true;
      this.malformed++;
    }
    return false;
  }

  /** Returns true if the next row has the same records as the current one: reading them one by one takes twice as long. */
  #isLaidOutLikeLast(): boolean {
    const { words, inpcb } = this;
    const span = this.#span;
    if (this.#at !== inpcb + span || this.#at + span > words.length) return false;
    return (
      hasSameHead(words, inpcb, span) &&
      hasSameHead(words, this.socket, span) &&
      hasSameHead(words, this.receiveBuffer, span) &&
      hasSameHead(words, this.sendBuffer, span) &&
      hasSameHead(words, this.stats, span) &&
      (this.tcpcb === ABSENT || hasSameHead(words, this.tcpcb, span))
    );
  }

  #shift(span: number): void {
    this.inpcb += span;
    this.socket += span;
    this.receiveBuffer += span;
    this.sendBuffer += span;
    this.stats += span;
    if (this.tcpcb !== ABSENT) this.tcpcb += span;
    this.#at += span;
  }

  /** Reads the records up to the next control block. @returns false if there are none */
  #readRow(): boolean {
    const { words } = this;
    const end = words.length;
    this.inpcb = ABSENT;
    this.socket = ABSENT;
    this.receiveBuffer = ABSENT;
    this.sendBuffer = ABSENT;
    this.stats = ABSENT;
    this.tcpcb = ABSENT;
    let at = this.#at;
    let records = 0;
    for (;;) {
      // The trailer, a length of 0, and a record that ends after the table end the table.
      const length = at + 2 <= end ? lengthAt(words, at) : 0;
      if (length <= XINPGEN_BYTES || length >>> 2 > end - at) {
        this.isComplete ||= length === XINPGEN_BYTES && at + XINPGEN_BYTES / 4 <= end;
        // Part of the row may be missing: it is neither a socket nor malformed.
        if (!this.isComplete) records = 0;
        at = end;
        break;
      }
      const isControlBlock = words[at + 1] === KIND.inpcb;
      if (isControlBlock && records > 0) break;
      if (isControlBlock || records > 0) {
        this.#setRecord(at, words[at + 1] ?? 0, length >>> 2);
        records++;
      }
      at += paddedWords(length);
    }
    this.#at = Math.min(at, end);
    this.#span = records === this.#countRecords() ? this.#at - this.inpcb : 0;
    return records > 0;
  }

  /** Sets the index of a record. A record that is too short or of an unknown kind is ignored. @param count number of its words */
  #setRecord(at: number, kind: number, count: number): void {
    if (kind === KIND.inpcb && count >= INPCB_WORDS) this.inpcb = at;
    else if (kind === KIND.socket && count >= SOCKET_WORDS) this.socket = at;
    else if (kind === KIND.receiveBuffer && count >= BUFFER_WORDS) this.receiveBuffer = at;
    else if (kind === KIND.sendBuffer && count >= BUFFER_WORDS) this.sendBuffer = at;
    else if (kind === KIND.stats && count >= STATS_WORDS) this.stats = at;
    else if (kind === KIND.tcpcb && count >= TCPCB_WORDS) this.tcpcb = at;
  }

  /** Returns the number of records of a full row; -1 if one is missing that every socket of the kernel has. */
  #countRecords(): number {
    const { inpcb, socket, receiveBuffer, sendBuffer, stats, tcpcb } = this;
    if (Math.min(inpcb, socket, receiveBuffer, sendBuffer, stats) === ABSENT) return -1;
    return tcpcb === ABSENT ? 5 : 6;
  }
}

const lengthAt = (words: Int32Array, at: number): number => (words[at] ?? 0) >>> 0;

/** Returns the number of words of a record with its padding to 8 bytes. */
const paddedWords = (length: number): number => ((length + 7) >>> 3) * 2;

/** Returns true if length and kind of two records are equal. @param span distance of the second one, words */
const hasSameHead = (words: Int32Array, at: number, span: number): boolean =>
  words[at] === words[at + span] && words[at + 1] === words[at + span + 1];
