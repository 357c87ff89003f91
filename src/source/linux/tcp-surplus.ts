import type { Socket } from '../../model/socket.ts';
import type { SearchResult } from './namespace-search.ts';
import type { Proc } from './proc.ts';

/** Line of /proc/net/sockstat: `alloc` and `orphan` count the TCP sockets of all network namespaces (net/ipv4/proc.c). */
const TCP = /^TCP: inuse \d+ orphan (\d+) tw \d+ alloc (\d+) /m;

/** Counts the TCP sockets that the kernel has and that no list of a namespace tells of. */
export class TcpSurplus {
  /** Sockets that a program holds, or that wait to be accepted: all but orphans, requests and remnants. */
  #listed = 0;
  #heldBefore: number | undefined;
  /** Polls since the end of the last search, and the fewest sockets that were in no list in any of them. */
  #polls = 0;
  #minUnlisted = Infinity;
  #searches = 0;
  #count = 0;

  /** Takes note of a socket that comes, changes or goes. */
  update(before: Socket | undefined, now: Socket | undefined): void {
    this.#listed += Number(isCounted(now)) - Number(isCounted(before));
  }

  /** Reads the kernel's count before the lists are read. */
  beginPoll(proc: Proc): void {
    this.#heldBefore = readHeld(proc);
  }

  /**
   * Reads it again after the lists. Sockets bound to nothing are counted by a search that takes many polls, and programs
   * make more of them meanwhile: a surplus counts once it was there in all polls between the ends of two searches.
   * @param search undefined where not all that is listed is kept
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
    // Where sockets come and go during the only poll, its lists are not of one moment.
    const isSure = this.#polls > 1 || held === this.#heldBefore;
    this.#count = isSure ? Math.max(0, this.#minUnlisted - unboundTcp) : 0;
    this.#startCounting();
  }

  #startCounting(): void {
    this.#polls = 0;
    this.#minUnlisted = Infinity;
  }

  /** The surplus of now. */
  get count(): number {
    return this.#count;
  }
}

/** TCP sockets of the machine that are no orphans; undefined where the kernel does not tell. */
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
