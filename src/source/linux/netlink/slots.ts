import { cookieKey } from './cookie.ts';
import { findInfo, INET, type InfoRange } from './inet.ts';
import { type Change, CHANGE, copied, KeptNumbers } from './kept-numbers.ts';
import type { NetlinkBuffer } from './wire.ts';

/** Initial number of slots. */
const INITIAL_SIZE = 1024;

/**
 * The current sockets by cookie, each in a numbered slot. Each poll calls `beginPoll`, `applyMessage` for every message,
 * then `endPoll`.
 *
 *     message ─▶ its slot: the expected one, by cookie, or a new one ─▶ compared with the last message (`KeptNumbers`)
 *
 * The kernel dumps its hash table in the same order as long as no socket comes or goes. The next message is nearly
 * always about the socket after the last one in the order of the last poll, which saves the lookup by cookie. The
 * arrays of that order are part of this class: in a class of their own, a message took 6 % longer.
 */
export class Slots {
  readonly #numbers = new KeptNumbers(INITIAL_SIZE);
  /** Slots in the order of the last poll (`#order`) and of the current one (`#nextOrder`). */
  #order = new Int32Array(INITIAL_SIZE);
  #orderLength = 0;
  #nextOrder = new Int32Array(INITIAL_SIZE);
  #nextLength = 0;
  /** Index into `#order` of the slot expected next. */
  #expected = 0;
  /** Index of each slot in `#order`. */
  #position = new Int32Array(INITIAL_SIZE);
  #cookieLow = new Uint32Array(INITIAL_SIZE);
  #cookieHigh = new Uint32Array(INITIAL_SIZE);
  #seenInPoll = new Uint32Array(INITIAL_SIZE);
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
  has(buffer: NetlinkBuffer, start: number): boolean {
    return this.#slots.has(this.keyOf(buffer, start));
  }

  /** Returns the cookie of the socket of a message as a map key. @param start start of the message */
  keyOf({ u32 }: NetlinkBuffer, start: number): number | string {
    const first = start >>> 2;
    return cookieKey(u32[first + 11] ?? 0, u32[first + 12] ?? 0);
  }

  /** Returns the slot of a socket by the halves of its cookie; undefined if it has none. */
  slotOf(low: number, high: number): number | undefined {
    return this.#slots.get(cookieKey(low, high));
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
      const existing = this.#slots.get(cookieKey(low, high));
      isNew = existing === undefined;
      slot = existing ?? this.#allocate(low, high);
      if (!isNew) this.#expected = (this.#position[slot] ?? 0) + 1;
    }
    this.slot = slot;
    // The kernel may list a socket twice in one dump: the later message counts.
    if (this.#seenInPoll[slot] !== this.#pollCount) {
      this.#seenInPoll[slot] = this.#pollCount;
      this.#nextOrder[this.#nextLength++] = slot;
    }
    const expiresMs = u32[first + 13] ?? 0;
    const dueMs = bytes[start + INET.timer] === 0 ? 0 : nowMs + expiresMs;
    const change = this.#numbers.compare(u32, first, this.#info, slot, dueMs);
    return isNew ? CHANGE.new : change;
  }

  #allocate(low: number, high: number): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot >= this.#seenInPoll.length) this.#grow();
    this.#slots.set(cookieKey(low, high), slot);
    this.#cookieLow[slot] = low;
    this.#cookieHigh[slot] = high;
    this.#seenInPoll[slot] = 0;
    return slot;
  }

  #grow(): void {
    const size = this.#seenInPoll.length * 2;
    this.#numbers.grow(size);
    this.#order = copied(this.#order, new Int32Array(size));
    this.#nextOrder = copied(this.#nextOrder, new Int32Array(size));
    this.#position = copied(this.#position, new Int32Array(size));
    this.#cookieLow = copied(this.#cookieLow, new Uint32Array(size));
    this.#cookieHigh = copied(this.#cookieHigh, new Uint32Array(size));
    this.#seenInPoll = copied(this.#seenInPoll, new Uint32Array(size));
  }

  /** Returns the slots that no message of this poll is about. */
  missing(): number[] {
    if (this.#nextLength === this.#slots.size) return [];
    const order = this.#order.subarray(0, this.#orderLength);
    return Array.from(order).filter((slot) => this.#seenInPoll[slot] !== this.#pollCount);
  }

  /** Returns family and endpoints of a slot, for a lookup of the socket that has them now. */
  endpointsOf(slot: number): { readonly family: 'ipv4' | 'ipv6'; readonly sockId: Uint8Array } {
    return { family: this.#numbers.familyOf(slot), sockId: this.#numbers.sockIdOf(slot) };
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
        this.#slots.delete(cookieKey(this.#cookieLow[slot] ?? 0, this.#cookieHigh[slot] ?? 0));
        this.#free.push(slot);
      }
    }
    [this.#order, this.#nextOrder] = [this.#nextOrder, this.#order];
    this.#orderLength = this.#nextLength;
    for (let i = 0; i < this.#orderLength; i++) this.#position[this.#order[i] ?? 0] = i;
    return closed;
  }
}
