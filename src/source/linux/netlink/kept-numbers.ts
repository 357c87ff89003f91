import { AF_INET, type InfoRange } from './inet.ts';
import { TCP_INFO } from './tcp-info.ts';
import { LITTLE_ENDIAN } from './wire.ts';

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
type Compared = Exclude<Change, typeof CHANGE.new>;

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

/**
 * The 32-bit numbers of the last message of each socket, by slot. A comparison with the next message finds an unchanged
 * socket without an allocation: some 30 comparisons instead of an object for each socket and poll (`npm run bench`,
 * stages).
 */
export class KeptNumbers {
  #kept: Uint32Array;
  #dueMs: Float64Array;

  /** @param size number of slots */
  constructor(size: number) {
    this.#kept = new Uint32Array(size * STRIDE);
    this.#dueMs = new Float64Array(size);
  }

  /**
   * Compares a message with the numbers of its slot, and replaces these.
   * @param first index of its first number in the buffer
   * @param info range of struct tcp_info in the buffer
   * @param dueMs wall-clock time at which the timer expires; 0 without a timer
   */
  compare(
    u32: Uint32Array,
    first: number,
    { start, end }: Readonly<InfoRange>,
    slot: number,
    dueMs: number,
  ): Compared {
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
    return changed ? CHANGE.changed : traffic ? CHANGE.traffic : CHANGE.same;
  }

  /** Returns endpoints and interface of the last message of a slot, as struct inet_diag_sockid without its cookie. */
  sockIdOf(slot: number): Uint8Array {
    const base = slot * STRIDE + 2;
    return new Uint8Array(this.#kept.slice(base, base + 10).buffer);
  }

  /** Returns the family of the last message of a slot. */
  familyOf(slot: number): 'ipv4' | 'ipv6' {
    const familyAndState = this.#kept[slot * STRIDE] ?? 0;
    return (LITTLE_ENDIAN ? familyAndState & 0xff : familyAndState >>> 8) === AF_INET ? 'ipv4' : 'ipv6';
  }

  /** Makes room for this number of slots. */
  grow(size: number): void {
    this.#kept = copied(this.#kept, new Uint32Array(size * STRIDE));
    this.#dueMs = copied(this.#dueMs, new Float64Array(size));
  }
}

/** Copies an array to the start of a larger one, which is returned. */
export function copied<T extends Uint32Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
