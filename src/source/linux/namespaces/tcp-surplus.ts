import type { Socket } from '../../../model/socket.ts';
import type { SearchResult } from './namespace-search.ts';

/**
 * Counts the surplus: TCP sockets that /proc/net/sockstat counts but no dump lists, without those that are not bound
 * yet. They may be in a namespace that netpane cannot enter. Each poll calls `beginPoll` before the dumps, `update` for
 * every changed socket, then `endPoll`.
 */
export class TcpSurplus {
  /** Number of sockets in the dumps that the kernel's count includes: see `isCounted`. */
  #listed = 0;
  /** The kernel's count before the dumps of this poll. */
  #heldBefore: number | undefined;
  /** Number of polls since the last pass of the namespace search, and the minimum of unlisted sockets in these polls. */
  #polls = 0;
  #minUnlisted = Infinity;
  /** Number of passes that had ended when `#count` was last determined. */
  #passes = 0;
  #count = 0;

  /** Applies a change of one socket. @param before undefined for a new socket @param now undefined for a closed one */
  update(before: Socket | undefined, now: Socket | undefined): void {
    this.#listed += Number(isCounted(now)) - Number(isCounted(before));
  }

  /** Takes the kernel's count before the dumps, see `Sockstat.heldTcp`. */
  beginPoll(held: number | undefined): void {
    this.#heldBefore = held;
  }

  /**
   * Takes the kernel's count after the dumps and updates the surplus. No dump lists a socket before it is bound;
   * the namespace search counts these unbound sockets, but a pass takes many polls, in which programs open and close
   * others. The surplus is therefore determined when a pass ends, from the poll with the fewest unlisted sockets since the
   * previous pass. Until the next pass ends, it can only decrease.
   * @param search Undefined if a bound omits sockets: `#listed` is too low then.
   */
  endPoll(held: number | undefined, search: Pick<SearchResult, 'unboundTcp' | 'passes'> | undefined): void {
    if (search === undefined || held === undefined) {
      this.#resetMinimum();
      this.#count = 0;
      return;
    }
    const unlisted = Math.min(held, this.#heldBefore ?? held) - this.#listed;
    this.#polls++;
    this.#minUnlisted = Math.min(this.#minUnlisted, unlisted);
    const { unboundTcp, passes } = search;
    if (unboundTcp === undefined) return;
    if (passes === this.#passes) {
      this.#count = Math.max(0, Math.min(this.#count, unlisted - unboundTcp));
      return;
    }
    this.#passes = passes;
    // The count and the dumps are of different moments. One poll is enough if the count was the same before and after
    // the dumps; else the minimum of several polls is needed.
    const isReliable = this.#polls > 1 || held === this.#heldBefore;
    this.#count = isReliable ? Math.max(0, this.#minUnlisted - unboundTcp) : 0;
    this.#resetMinimum();
  }

  #resetMinimum(): void {
    this.#polls = 0;
    this.#minUnlisted = Infinity;
  }

  /** The surplus: number of unlisted sockets minus the unbound ones; 0 until a pass has ended. */
  get count(): number {
    return this.#count;
  }
}

/**
 * Returns true if the kernel's count includes a socket: it is open in a process or waits for accept(). Orphans,
 * connection requests and remnants are not included.
 */
function isCounted(socket: Socket | undefined): boolean {
  if (socket?.protocol !== 'tcp') return false;
  const { inode, state } = socket;
  return inode !== undefined || state === 'ESTABLISHED' || state === 'CLOSE_WAIT';
}
