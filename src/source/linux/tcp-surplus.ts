import type { Socket } from '../../model/socket.ts';
import type { Proc } from './proc.ts';

/** Where sockets come and go during a poll, a surplus counts once it has been there for so many polls. */
const POLLS = 8;

/** Line of /proc/net/sockstat: `alloc` and `orphan` count the TCP sockets of all network namespaces (net/ipv4/proc.c). */
const TCP = /^TCP: inuse \d+ orphan (\d+) tw \d+ alloc (\d+) /m;

/** Counts the TCP sockets that the kernel has and that no list of a namespace tells of. */
export class TcpSurplus {
  /** Sockets that a program holds, or that wait to be accepted: all but orphans, requests and remnants. */
  #listed = 0;
  readonly #last: number[] = [];
  #before: number | undefined;
  #count = 0;

  /** Takes note of a socket that comes, changes or goes. */
  replace(before: Socket | undefined, now: Socket | undefined): void {
    this.#listed += Number(isCounted(now)) - Number(isCounted(before));
  }

  /** Reads the kernel's count before the lists are read. */
  begin(proc: Proc): void {
    this.#before = heldOf(proc);
  }

  /**
   * Reads it again after the lists.
   * @param unbound TCP sockets that are bound to nothing and so in no list; undefined where they are not counted, or not all that is listed is kept
   */
  end(proc: Proc, unbound: number | undefined): void {
    const held = heldOf(proc);
    if (unbound === undefined || held === undefined) {
      this.#last.length = 0;
      this.#count = 0;
      return;
    }
    const surplus = Math.max(0, held - unbound - this.#listed);
    this.#last.push(surplus);
    if (this.#last.length > POLLS) this.#last.shift();
    const lasting = this.#last.length < POLLS ? 0 : Math.min(...this.#last);
    this.#count = held === this.#before ? surplus : Math.max(lasting, Math.min(this.#count, surplus));
  }

  /** The surplus of now. */
  get count(): number {
    return this.#count;
  }
}

/** TCP sockets of the machine that are no orphans; undefined where the kernel does not tell. */
function heldOf(proc: Proc): number | undefined {
  const text = proc.latin1('net/sockstat');
  const [, orphans, allocated] = ('value' in text && TCP.exec(text.value)) || [];
  return allocated === undefined ? undefined : Number(allocated) - Number(orphans);
}

function isCounted(socket: Socket | undefined): boolean {
  if (socket?.protocol !== 'tcp') return false;
  const { inode, state } = socket;
  return inode !== undefined || state === 'ESTABLISHED' || state === 'CLOSE_WAIT';
}
