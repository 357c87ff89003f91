/** The batch was taken. */
const TAKEN = 0;
/** The batch was sent. */
const SENT = 1;
/** The batch was sent, and the sender waits until it is taken. */
const AWAITED = 2;

/**
 * Records in shared memory whether the last batch was taken. The thread that takes the batch wakes the sender only if
 * the sender waits: usually the batch is taken long before the next poll.
 *
 *     taken ─ send ─▶ sent ─ take ─▶ taken
 *                      │ isTaken
 *                      ▼
 *                    awaited ─ take ─▶ taken, and the sender is woken
 */
export class Handover {
  readonly #word: Int32Array;

  /** @param word from `sharedWord` */
  constructor(word: Int32Array) {
    this.#word = word;
  }

  /** Returns memory that threads can share. */
  static sharedWord(): Int32Array {
    return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  }

  /** Notes a batch before it is sent. @param isAwaited true if the sender waits until it is taken */
  send(isAwaited: boolean): void {
    Atomics.store(this.#word, 0, isAwaited ? AWAITED : SENT);
  }

  /** Returns true if the last batch was taken. If not, the sender waits from now on. */
  isTaken(): boolean {
    return Atomics.compareExchange(this.#word, 0, SENT, AWAITED) === TAKEN;
  }

  /** Notes that the last batch was taken. Returns true if the sender waits and must be woken. */
  take(): boolean {
    return Atomics.exchange(this.#word, 0, TAKEN) === AWAITED;
  }
}
