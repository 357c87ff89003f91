import type { Socket } from '../../model/socket.ts';
import type { SearchResult } from './namespace-search.ts';
import type { Proc } from './proc.ts';

/**
 * Line of /proc/net/sockstat. `alloc` and `orphan` count the TCP sockets of all network namespaces (net/ipv4/proc.c).
 */
const TCP = /^TCP: inuse \d+ orphan (\d+) tw \d+ alloc (\d+) /m;

/** Counts the TCP sockets that the kernel has and that no dump of a namespace lists. */
export class TcpSurplus {
  /**
   * Listed sockets that are open in a process or wait for accept(): all but orphans, connection requests and remnants.
   */
  #listed = 0;
  #heldBefore: number | undefined;
  /** Polls since the end of the last search, and the minimum number of unlisted sockets in any of them. */
  #polls = 0;
  #minUnlisted = Infinity;
  #searches = 0;
  #count = 0;

  /** Applies a new, changed (both arguments) or closed socket. */
  update(before: Socket | undefined, now: Socket | undefined): void {
    this.#listed += Number(isCounted(now)) - Number(isCounted(before));
  }

  /** Reads the kernel's count before the dumps. */
  beginPoll(proc: Proc): void {
    this.#heldBefore = readHeld(proc);
  }

  /**
   * Reads the count again after the dumps and updates the surplus. Dumps do not list unbound sockets; a search that
   * takes many polls counts them, while programs open more. A surplus counts if it existed in all polls between two
   * searches.
   * @param search undefined if a bound omits listed sockets
   */
  endPoll(proc: Proc, search: Pick<SearchResult, 'unboundTcp' | 'searches'> | undefined): void {
    const held = readHeld(proc);
    if (search === undefined || held === undefined) {
      this.#startCounting();
      this.#count = 0;
      return;
    }
    const unlisted = Math.min(held, this.#heldBefore ?? held) - this.#listed;
    this.#polls++;
    this.#minUnlisted = Math.min(this.#minUnlisted, unlisted);
    const { unboundTcp, searches } = search;
    if (unboundTcp === undefined) return;
    if (searches === this.#searches) {
      this.#count = Math.max(0, Math.min(this.#count, unlisted - unboundTcp));
      return;
    }
    this.#searches = searches;
    // A single poll during which sockets open and close compares counts of different moments.
    const isSure = this.#polls > 1 || held === this.#heldBefore;
    this.#count = isSure ? Math.max(0, this.#minUnlisted - unboundTcp) : 0;
    this.#startCounting();
  }

  #startCounting(): void {
    this.#polls = 0;
    this.#minUnlisted = Infinity;
  }

  /** Current number of unlisted sockets that are not explained by unbound ones. */
  get count(): number {
    return this.#count;
  }
}

/** Returns the number of TCP sockets of the machine without orphans; undefined if the kernel does not show it. */
function readHeld(proc: Proc): number | undefined {
  const text = proc.latin1('net/sockstat');
  const [, orphans, allocated] = ('value' in text && TCP.exec(text.value)) || [];
  return allocated === undefined ? undefined : Number(allocated) - Number(orphans);
}

function isCounted(socket: Socket | undefined): boolean {
  if (socket?.protocol !== 'tcp') return false;
  const { inode, state } = socket;
  return inode !== undefined || state === 'ESTABLISHED' || state === 'CLOSE_WAIT';
}
