import { findInfo, INET, type InfoRange } from './inet.ts';
import { TCP_INFO } from './tcp-info.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

/** Difference between a message and the last one of the same socket. */
export const CHANGE = {
  /** None. */
  same: 0,
  /** Counters, queues or the timer. */
  traffic: 1,
  /** Endpoints, state, interface, inode or user. */
  changed: 2,
  /** The socket is new. */
  new: 3,
} as const;
export type Change = (typeof CHANGE)[keyof typeof CHANGE];

/**
 * Index of each compared 32-bit number of struct tcp_info: the fields of `Traffic` that do not change in an idle
 * socket.
 */
const INFO_INDEXES = [
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
const INFO_COUNT = INFO_INDEXES.length;
const INFO_INDEX = Int32Array.from(INFO_INDEXES);

/**
 * Counts of 32-bit numbers kept per socket: a head (family and state, timer, endpoints and interface, length of struct
 * tcp_info), a tail (queues, user, inode), and the compared numbers of struct tcp_info.
 */
const HEAD = 13;
const TAIL = 4;
const STRIDE = HEAD + TAIL + INFO_COUNT;

/** Expiry times of one timer, computed from different messages, differ by at most this, milliseconds. */
const TIMER_TOLERANCE_MS = 1000;

/** Initial number of slots. */
const INITIAL_SIZE = 1024;

/**
 * The current sockets by cookie, each in a numbered slot with the 32-bit numbers of its last message. Comparing these
 * numbers finds an unchanged socket without an allocation. Each poll calls `beginPoll`, `applyMessage` for every
 * message, then `endPoll`.
 *
 * The kernel dumps its hash table in the same order as long as no socket comes or goes. The next message is nearly
 * always about the socket after the last one in the order of the last poll, which saves the lookup by cookie.
 */
export class Slots {
  #kept = new Uint32Array(INITIAL_SIZE * STRIDE);
  #dueMs = new Float64Array(INITIAL_SIZE);
  #cookieLow = new Uint32Array(INITIAL_SIZE);
  #cookieHigh = new Uint32Array(INITIAL_SIZE);
  #seenInPoll = new Uint32Array(INITIAL_SIZE);
  /** Slots in the order of the last poll (`#order`) and of the current one (`#nextOrder`). */
  #order = new Int32Array(INITIAL_SIZE);
  #orderLength = 0;
  #nextOrder = new Int32Array(INITIAL_SIZE);
  #nextLength = 0;
  /** Index into `#order` of the slot expected next. */
  #expected = 0;
  /** Index of each slot in `#order`. */
  #position = new Int32Array(INITIAL_SIZE);
  readonly #slots = new Map<number | string, number>();
  readonly #free: number[] = [];
  #used = 0;
  #pollCount = 0;
  readonly #info: InfoRange = { start: 0, end: 0 };

  /** Slot of the last `applyMessage`. */
  slot = 0;

  /** Range of struct tcp_info in the message of the last `applyMessage`. */
  get info(): Readonly<InfoRange> {
    return this.#info;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Returns true if the socket of a message has a slot. @param start start of the message */
  has({ u32 }: NetlinkBuffer, start: number): boolean {
    const first = start >>> 2;
    return this.#slots.has(cookieOf(u32[first + 11] ?? 0, u32[first + 12] ?? 0));
  }

  /** Returns the slot of a socket by the halves of its cookie; undefined if it has none. */
  slotOf(low: number, high: number): number | undefined {
    return this.#slots.get(cookieOf(low, high));
  }

  beginPoll(): void {
    this.#pollCount++;
    this.#nextLength = 0;
    this.#expected = 0;
  }

  /**
   * Compares a message (struct inet_diag_msg with attributes) with the last one of its socket, and stores it.
   * @param start start of the message, at least `INET.length` bytes before `end`
   * @param nowMs wall-clock time of the message
   */
  applyMessage(buffer: NetlinkBuffer, start: number, end: number, nowMs: number): Change {
    const { u32, bytes } = buffer;
    const first = start >>> 2;
    // The cookie is two 32-bit numbers, the low one first on every machine (sock_diag_save_cookie).
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
      const existing = this.#slots.get(cookieOf(low, high));
      if (existing === undefined) {
        isNew = true;
        slot = this.#allocate(low, high);
      } else {
        slot = existing;
        this.#expected = (this.#position[slot] ?? 0) + 1;
      }
    }
    this.slot = slot;
    // The kernel may list a socket twice in one dump: the later message counts.
    if (this.#seenInPoll[slot] !== this.#pollCount) {
      this.#seenInPoll[slot] = this.#pollCount;
      this.#nextOrder[this.#nextLength++] = slot;
    }
    const expiresMs = u32[first + 13] ?? 0;
    const dueMs = bytes[start + INET.timer] === 0 ? 0 : nowMs + expiresMs;
    return this.#compare(u32, first, slot, isNew, dueMs);
  }

  /** Compares a message with the stored numbers of its slot, and replaces them. */
  #compare(u32: Uint32Array, first: number, slot: number, isNew: boolean, dueMs: number): Change {
    const kept = this.#kept;
    const base = slot * STRIDE;
    let changed = false;
    let traffic = false;
    // The first number has four bytes: family, state, timer and retransmits.
    const stateAndTimer = u32[first] ?? 0;
    const familyAndState = LITTLE_ENDIAN ? stateAndTimer & 0xffff : stateAndTimer >>> 16;
    if (kept[base] !== familyAndState) {
      kept[base] = familyAndState;
      changed = true;
    }
    const timerAndRetransmits = LITTLE_ENDIAN ? stateAndTimer >>> 16 : stateAndTimer & 0xffff;
    if (kept[base + 1] !== timerAndRetransmits) {
      kept[base + 1] = timerAndRetransmits;
      traffic = true;
    }
    for (let i = 1; i <= 10; i++) {
      const word = u32[first + i] ?? 0;
      if (kept[base + 1 + i] !== word) {
        kept[base + 1 + i] = word;
        changed = true;
      }
    }
    const { start, end } = this.#info;
    const infoWord = start >>> 2;
    const infoLength = end - start;
    if (kept[base + 12] !== infoLength) {
      kept[base + 12] = infoLength;
      traffic = true;
    }
    for (let i = 0; i < TAIL; i++) {
      const word = u32[first + 14 + i] ?? 0;
      if (kept[base + HEAD + i] !== word) {
        kept[base + HEAD + i] = word;
        // Queues, then user and inode.
        if (i < 2) traffic = true;
        else changed = true;
      }
    }
    for (let i = 0; i < INFO_COUNT; i++) {
      const offset = INFO_INDEX[i] ?? 0;
      const word = offset * 4 + 4 <= infoLength ? (u32[infoWord + offset] ?? 0) : 0;
      if (kept[base + HEAD + TAIL + i] !== word) {
        kept[base + HEAD + TAIL + i] = word;
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
   * Ends a poll.
   * @param isKept called for each slot without a message: true keeps its socket, because its dump was incomplete
   * @returns the slots of closed sockets, which are free from now on
   */
  endPoll(isKept: (slot: number) => boolean): number[] {
    const closed: number[] = [];
    if (this.#nextLength !== this.#slots.size) {
      for (let i = 0; i < this.#orderLength; i++) {
        const slot = this.#order[i] ?? 0;
        if (this.#seenInPoll[slot] === this.#pollCount) continue;
        if (isKept(slot)) {
          this.#nextOrder[this.#nextLength++] = slot;
          continue;
        }
        closed.push(slot);
        this.#slots.delete(cookieOf(this.#cookieLow[slot] ?? 0, this.#cookieHigh[slot] ?? 0));
        this.#free.push(slot);
      }
    }
    [this.#order, this.#nextOrder] = [this.#nextOrder, this.#order];
    this.#orderLength = this.#nextLength;
    for (let i = 0; i < this.#orderLength; i++) this.#position[this.#order[i] ?? 0] = i;
    return closed;
  }
}

/**
 * Returns a cookie as a map key: a signed number, because the kernel also counts down from 2^64
 * (net/core/sock_diag.c, __sock_gen_cookie), or a text if a number would not be exact.
 */
function cookieOf(low: number, high: number): number | string {
  const number = (high | 0) * 2 ** 32 + low;
  return Number.isSafeInteger(number) ? number : `${high} ${low}`;
}

/** Returns the id of the socket with the cookie at an offset: `sk:` and hexadecimal digits, as in ss. */
export const cookieId = ({ u32 }: NetlinkBuffer, cookieAt: number): string => {
  const low = u32[cookieAt >>> 2] ?? 0;
  const high = u32[(cookieAt >>> 2) + 1] ?? 0;
  return high === 0
    ? `sk:${low.toString(16)}`
    : `sk:${high.toString(16)}${low.toString(16).padStart(8, '0')}`;
};
