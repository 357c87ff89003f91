import { findInfo, INET, type InfoRange } from './inet.ts';
import { TCP_INFO } from './tcp-info.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

/** What a message says that the last one of its socket did not. */
export const CHANGE = {
  /** Nothing. */
  same: 0,
  /** Counters, queues or the timer. */
  traffic: 1,
  /** Who talks to whom, the state, the inode or the user. */
  changed: 2,
  /** There was no such socket. */
  new: 3,
} as const;
export type Change = (typeof CHANGE)[keyof typeof CHANGE];

/** Words of struct tcp_info that are compared: those of `Traffic`, but for what changes while nothing happens. */
const INFO_WORDS = [
  TCP_INFO.rttMicros,
  TCP_INFO.rttVarMicros,
  TCP_INFO.sndCwnd,
  TCP_INFO.totalRetrans,
  TCP_INFO.bytesAcked,
  TCP_INFO.bytesAcked + 4,
  TCP_INFO.bytesReceived,
  TCP_INFO.bytesReceived + 4,
  TCP_INFO.segsOut,
  TCP_INFO.segsIn,
  TCP_INFO.deliveryRate,
  TCP_INFO.deliveryRate + 4,
  TCP_INFO.bytesSent,
  TCP_INFO.bytesSent + 4,
  TCP_INFO.bytesRetrans,
  TCP_INFO.bytesRetrans + 4,
].map((offset) => offset / 4);
const INFO_COUNT = INFO_WORDS.length;
const INFO_INDEX = Int32Array.from(INFO_WORDS);

/** Words kept of a message: its two state bytes; ports, addresses and interface; user and inode; the rest is traffic. */
const HEAD = 13;
const TAIL = 4;
const STRIDE = HEAD + TAIL + INFO_COUNT;

/** The moment a timer runs out is reckoned anew at each message; by so much it may differ and still be the same. */
const TIMER_TOLERANCE_MS = 1000;

const FIRST_SIZE = 1024;

/**
 * The sockets of now by cookie, each with the words of its last message, so that an unchanged socket is told by
 * comparing words and costs no allocation. A reading is `beginPoll`, `applyMessage` for every message, `endPoll`.
 *
 * The kernel dumps its hash table in one order while nothing changes: the socket expected next is nearly always the
 * one that comes, and the look-up by cookie is left out.
 */
export class Slots {
  #kept = new Uint32Array(FIRST_SIZE * STRIDE);
  #dueMs = new Float64Array(FIRST_SIZE);
  #cookieLow = new Uint32Array(FIRST_SIZE);
  #cookieHigh = new Uint32Array(FIRST_SIZE);
  #seenInPoll = new Uint32Array(FIRST_SIZE);
  /** Slots in the order of the last reading, and of this one. */
  #order = new Int32Array(FIRST_SIZE);
  #orderLength = 0;
  #nextOrder = new Int32Array(FIRST_SIZE);
  #nextLength = 0;
  #expected = 0;
  /** Place of a slot in the order of the last reading. */
  #position = new Int32Array(FIRST_SIZE);
  readonly #slots = new Map<number | string, number>();
  readonly #free: number[] = [];
  #used = 0;
  #pollCount = 0;
  readonly #info: InfoRange = { start: 0, end: 0 };

  /** Slot of the message that `applyMessage` was given last. */
  slot = 0;

  /** Where the struct tcp_info of that message is. */
  get info(): Readonly<InfoRange> {
    return this.#info;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** True for the message of a socket that is known. @param start where it begins, as for `applyMessage` */
  has({ u32 }: NetlinkBuffer, start: number): boolean {
    const first = start >>> 2;
    return this.#slots.has(cookieOf(u32[first + 11] ?? 0, u32[first + 12] ?? 0));
  }

  beginPoll(): void {
    this.#pollCount++;
    this.#nextLength = 0;
    this.#expected = 0;
  }

  /**
   * Takes note of a message, struct inet_diag_msg with attributes.
   * @param start where it begins: at least `INET.length` bytes follow before `endPoll`
   * @param nowMs wall-clock time of the message
   */
  applyMessage(buffer: NetlinkBuffer, start: number, end: number, nowMs: number): Change {
    const { u32, bytes } = buffer;
    const first = start >>> 2;
    // Two u32, the low one first on every machine (sock_diag_save_cookie).
    const low = u32[first + 11] ?? 0;
    const high = u32[first + 12] ?? 0;
    findInfo(buffer, start, end, this.#info);
    let slot = this.#order[this.#expected] ?? 0;
    let isNew = false;
    if (
      this.#expected < this.#orderLength &&
      this.#cookieLow[slot] === low &&
      this.#cookieHigh[slot] === high
    ) {
      this.#expected++;
    } else {
      const known = this.#slots.get(cookieOf(low, high));
      if (known === undefined) {
        isNew = true;
        slot = this.#allocate(low, high);
      } else {
        slot = known;
        this.#expected = (this.#position[slot] ?? 0) + 1;
      }
    }
    this.slot = slot;
    // A table read in pieces may show a socket twice: the later message stands.
    if (this.#seenInPoll[slot] !== this.#pollCount) {
      this.#seenInPoll[slot] = this.#pollCount;
      this.#nextOrder[this.#nextLength++] = slot;
    }
    const expiresMs = u32[first + 13] ?? 0;
    const dueMs = bytes[start + INET.timer] === 0 ? 0 : nowMs + expiresMs;
    return this.#compare(u32, first, slot, isNew, dueMs);
  }

  /** Compares a message with the last one of its slot, and keeps it in its place. */
  #compare(u32: Uint32Array, first: number, slot: number, isNew: boolean, dueMs: number): Change {
    const kept = this.#kept;
    const at = slot * STRIDE;
    let changed = false;
    let traffic = false;
    // Family and state, not the timer and its count beside them.
    const stateWord = u32[first] ?? 0;
    const familyAndState = LITTLE_ENDIAN ? stateWord & 0xffff : stateWord >>> 16;
    if (kept[at] !== familyAndState) {
      kept[at] = familyAndState;
      changed = true;
    }
    const timerWord = LITTLE_ENDIAN ? stateWord >>> 16 : stateWord & 0xffff;
    if (kept[at + 1] !== timerWord) {
      kept[at + 1] = timerWord;
      traffic = true;
    }
    for (let i = 1; i <= 10; i++) {
      const word = u32[first + i] ?? 0;
      if (kept[at + 1 + i] !== word) {
        kept[at + 1 + i] = word;
        changed = true;
      }
    }
    const { start, end } = this.#info;
    const infoWord = start >>> 2;
    const infoLength = end - start;
    if (kept[at + 12] !== infoLength) {
      kept[at + 12] = infoLength;
      traffic = true;
    }
    for (let i = 0; i < TAIL; i++) {
      const word = u32[first + 14 + i] ?? 0;
      if (kept[at + HEAD + i] !== word) {
        kept[at + HEAD + i] = word;
        // Queues, then user and inode.
        if (i < 2) traffic = true;
        else changed = true;
      }
    }
    for (let i = 0; i < INFO_COUNT; i++) {
      const offset = INFO_INDEX[i] ?? 0;
      const word = offset * 4 + 4 <= infoLength ? (u32[infoWord + offset] ?? 0) : 0;
      if (kept[at + HEAD + TAIL + i] !== word) {
        kept[at + HEAD + TAIL + i] = word;
        traffic = true;
      }
    }
    if (Math.abs((this.#dueMs[slot] ?? 0) - dueMs) > TIMER_TOLERANCE_MS) {
      this.#dueMs[slot] = dueMs;
      traffic = true;
    }
    return isNew ? CHANGE.new : changed ? CHANGE.changed : traffic ? CHANGE.traffic : CHANGE.same;
  }

  #allocate(low: number, high: number): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= this.#seenInPoll.length) this.#grow();
    this.#slots.set(cookieOf(low, high), slot);
    this.#cookieLow[slot] = low;
    this.#cookieHigh[slot] = high;
    this.#seenInPoll[slot] = 0;
    return slot;
  }

  #grow(): void {
    const size = this.#seenInPoll.length * 2;
    const larger = <T extends Uint32Array | Int32Array | Float64Array>(old: T, made: T): T => {
      made.set(old);
      return made;
    };
    this.#kept = larger(this.#kept, new Uint32Array(size * STRIDE));
    this.#dueMs = larger(this.#dueMs, new Float64Array(size));
    this.#cookieLow = larger(this.#cookieLow, new Uint32Array(size));
    this.#cookieHigh = larger(this.#cookieHigh, new Uint32Array(size));
    this.#seenInPoll = larger(this.#seenInPoll, new Uint32Array(size));
    this.#order = larger(this.#order, new Int32Array(size));
    this.#nextOrder = larger(this.#nextOrder, new Int32Array(size));
    this.#position = larger(this.#position, new Int32Array(size));
  }

  /**
   * Ends a reading.
   * @param isKept asked of the slots that were not seen: true where they could not be, and are taken to be there still
   * @returns the slots of sockets that are there no more; they are free from now on
   */
  endPoll(isKept: (slot: number) => boolean): number[] {
    const gone: number[] = [];
    if (this.#nextLength !== this.#slots.size) {
      for (let i = 0; i < this.#orderLength; i++) {
        const slot = this.#order[i] ?? 0;
        if (this.#seenInPoll[slot] === this.#pollCount) continue;
        if (isKept(slot)) {
          this.#nextOrder[this.#nextLength++] = slot;
          continue;
        }
        gone.push(slot);
        this.#slots.delete(cookieOf(this.#cookieLow[slot] ?? 0, this.#cookieHigh[slot] ?? 0));
        this.#free.push(slot);
      }
    }
    [this.#order, this.#nextOrder] = [this.#nextOrder, this.#order];
    this.#orderLength = this.#nextLength;
    for (let i = 0; i < this.#orderLength; i++) this.#position[this.#order[i] ?? 0] = i;
    return gone;
  }
}

/**
 * A cookie as a number: signed, for the kernel counts down from 2^64 too (net/core/sock_diag.c, __sock_gen_cookie), and
 * both are then exact; as text where it is not.
 */
function cookieOf(low: number, high: number): number | string {
  const number = (high | 0) * 2 ** 32 + low;
  return Number.isSafeInteger(number) ? number : `${high} ${low}`;
}

/** The id of a socket that has a cookie: as ss writes it. */
export const cookieId = ({ u32 }: NetlinkBuffer, cookieAt: number): string => {
  const low = u32[cookieAt >>> 2] ?? 0;
  const high = u32[(cookieAt >>> 2) + 1] ?? 0;
  return high === 0
    ? `sk:${low.toString(16)}`
    : `sk:${high.toString(16)}${low.toString(16).padStart(8, '0')}`;
};
