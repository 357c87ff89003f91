/** One poll in this many asks for all sockets in any case. */
const FULL_POLLS = 8;

/** Number of polls in a row that must find the counters unchanged. */
const SAME_POLLS = 2;

/**
 * Decides whether a poll may ask for the TCP listeners of a namespace only. For any other state the kernel walks the
 * table of all connections of the machine (net/ipv4/inet_diag.c, inet_diag_dump_icsk): 0.25 ms for each namespace, even without
 * connections, and 5 ms while other namespaces have 40,000. Listeners take 0.03 ms. A request for bound sockets alone walks that table, too.
 *
 *     asks for all: every connection settled ─▶ counters unchanged (`TcpActivity`): asks for listeners
 *                       ▲                                         │
 *                       └─────── counters changed, or 8th poll ◀──┘
 *
 * A settled connection (`isSettled`) changes only with a segment, or with the number of established connections. This
 * misses no connection. Before the kernel makes a connection, a SYN_RECV socket or a remnant, it counts a segment or an
 * opened connection. When one ends, it counts a segment or one established connection less. It counts the segment a moment
 * before it makes the socket, so the counters must be the same in two polls.
 *
 * A socket that is only bound changes the number of sockets when it is made. Only the 8th poll finds it if another socket
 * closed in the same interval, or if it was bound later than it was made. Only the 8th poll finds another user (fchown(2)),
 * interface (SO_BINDTODEVICE) or keepalive timer of a settled connection, too.
 */
export class QuietTcp {
  readonly #offset: number;
  #counters: string | undefined;
  #samePolls = 0;
  /** True if the last poll that asked for all sockets found only listeners and settled connections. */
  #areAllSettled = false;

  /** @param offset which polls ask for all sockets; differs between namespaces, so that not all do so in one poll */
  constructor(offset: number) {
    this.#offset = offset;
  }

  /**
   * Returns true if this poll needs to ask for listeners only.
   * @param poll number of the poll
   * @param counters text of `TcpActivity`, read before the dumps; undefined if unknown
   */
  begin(poll: number, counters: string | undefined): boolean {
    const isSame = counters !== undefined && counters === this.#counters;
    this.#counters = counters;
    this.#samePolls = isSame ? this.#samePolls + 1 : 0;
    if (!isSame) this.#areAllSettled = false;
    return this.#areAllSettled && this.#samePolls >= SAME_POLLS && (poll + this.#offset) % FULL_POLLS !== 0;
  }

  /** Takes the result of a poll that asked for all sockets. @param areAllSettled false if the answer was incomplete */
  endFull(areAllSettled: boolean): void {
    this.#areAllSettled = areAllSettled;
  }

  /** Makes the next poll ask for all sockets. */
  reset(): void {
    this.#areAllSettled = false;
  }
}
