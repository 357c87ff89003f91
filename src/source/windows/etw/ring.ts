/** Indexes of the numbers before the slots. */
const WRITTEN = 0;
const READ = 1;
const LOST = 2;
const STATE = 3;
const ERROR_CODE = 4;
const HEADER_WORDS = 8;

const STATE_ENDED = 1;

/** Number of slots: a power of two. 20,000 events a second fill them in more than a second. */
const SLOTS = 2 ** 15;

/** Where the fields of an event begin in its slot. Addresses have four numbers; one of IPv4 is in the first. */
export const SLOT = {
  /** See `EVENT_ID`. */
  id: 0,
  /** 1 for IPv6. */
  isIpv6: 1,
  pid: 2,
  size: 3,
  /** FILETIME. */
  time: 4,
  remotePort: 6,
  localPort: 7,
  remote: 8,
  local: 12,
} as const;
export const SLOT_WORDS = 16;

/**
 * Events on their way from the consumer thread to the sampling thread, in shared memory. One thread writes, one reads. An
 * event that has no room is counted.
 */
export class EventRing {
  readonly memory: SharedArrayBuffer;
  /** All numbers; those of a slot begin at the index that `reserve` returns or `drain` passes. */
  readonly words: Int32Array;

  constructor(
    memory = new SharedArrayBuffer((HEADER_WORDS + SLOTS * SLOT_WORDS) * Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.memory = memory;
    this.words = new Int32Array(memory);
  }

  /** Returns the index of a free slot to write; undefined if there is none: then the event counts as lost. */
  reserve(): number | undefined {
    const written = Atomics.load(this.words, WRITTEN);
    if (((written - Atomics.load(this.words, READ)) | 0) < SLOTS) return slotAt(written);
    this.countLost();
    return undefined;
  }

  /** Hands the reserved slot over to the reader. */
  commit(): void {
    Atomics.add(this.words, WRITTEN, 1);
  }

  countLost(): void {
    Atomics.add(this.words, LOST, 1);
  }

  /** Returns the number of lost events since the last call. */
  takeLost(): number {
    return Atomics.exchange(this.words, LOST, 0);
  }

  /** Calls back with each event that was written; its slot is valid until the function returns. */
  drain(onEvent: (words: Int32Array, at: number) => void): void {
    const written = Atomics.load(this.words, WRITTEN);
    for (let read = Atomics.load(this.words, READ); read !== written; read = (read + 1) | 0) {
      onEvent(this.words, slotAt(read));
      Atomics.store(this.words, READ, (read + 1) | 0);
    }
  }

  /** Notes that the writer has ended. @param error its error code; 0 if the session was stopped */
  end(error: number): void {
    Atomics.store(this.words, ERROR_CODE, error);
    Atomics.store(this.words, STATE, STATE_ENDED);
    Atomics.notify(this.words, STATE);
  }

  /** Returns the error code with which the writer ended; undefined while it writes. */
  get endedWith(): number | undefined {
    return Atomics.load(this.words, STATE) === STATE_ENDED ? Atomics.load(this.words, ERROR_CODE) : undefined;
  }

  /** Waits until the writer has ended. @param maxMs maximum wait, milliseconds */
  waitForEnd(maxMs: number): void {
    Atomics.wait(this.words, STATE, 0, maxMs);
  }
}

const slotAt = (count: number): number => HEADER_WORDS + (count & (SLOTS - 1)) * SLOT_WORDS;
