/** One poll in this many reads all kinds in any case. */
const FULL_POLLS = 8;

/**
 * Decides which kinds of rare sockets a poll of a namespace need not read. If a read finds none of a kind, the kind is not read
 * while the kernel's count of all sockets of the namespace stays the same.
 *
 *     read, none found ─▶ count unchanged: not read
 *           ▲                      │
 *           └── count changed, or 8th poll
 *
 * Only the 8th poll finds a socket if another one closed in the same interval, or if it was bound later than it was made.
 * The count includes sockets that no table lists, such as those that are not bound.
 */
export class QuietKinds<Kind> {
  readonly #offset: number;
  #count: string | undefined;
  readonly #empty = new Set<Kind>();

  /** @param offset which polls read all kinds; differs between namespaces, so that not all do so in one poll */
  constructor(offset: number) {
    this.#offset = offset;
  }

  /**
   * Begins a poll.
   * @param count changes with the number of all sockets of the namespace, and is read before any of them; undefined if unknown
   */
  begin(poll: number, count: string | undefined): void {
    const isSame = count !== undefined && count === this.#count;
    this.#count = count;
    if (!isSame || (poll + this.#offset) % FULL_POLLS === 0) this.#empty.clear();
  }

  /** Returns true if this poll need not read a kind. */
  isQuiet(kind: Kind): boolean {
    return this.#empty.has(kind);
  }

  /** Notes that this poll has read all sockets of a kind and found none. */
  noteEmpty(kind: Kind): void {
    this.#empty.add(kind);
  }
}
