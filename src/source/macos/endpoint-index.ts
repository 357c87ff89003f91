import { unmapped } from '../../model/address.ts';
import type { Socket } from '../../model/socket.ts';
import type { ClosedEndpoints } from './events/closes.ts';
import type { TableSocket } from './table/table-sockets.ts';

/** Returns the key of endpoints. Events have no v4-mapped addresses. */
const keyOf = ({ protocol, local, remote }: Pick<Socket, 'protocol' | 'local' | 'remote'>): string =>
  `${protocol} ${unmapped(local.address)} ${local.port} ${remote ? `${unmapped(remote.address)} ${remote.port}` : '*'}`;

/**
 * Maximum number of sockets with the same endpoints that are compared with one close. A program can open and close any
 * number of them.
 */
const MAX_COMPARED = 64;

const NO_SOCKETS: ReadonlySet<TableSocket> = new Set();

/** Sockets by the key of their endpoints. */
class ByKey {
  readonly #sockets = new Map<string, Set<TableSocket>>();

  add(key: string, it: TableSocket): void {
    const same = this.#sockets.get(key);
    if (same) same.add(it);
    else this.#sockets.set(key, new Set([it]));
  }

  delete(key: string, it: TableSocket): void {
    const same = this.#sockets.get(key);
    same?.delete(it);
    if (same?.size === 0) this.#sockets.delete(key);
  }

  of(key: string): ReadonlySet<TableSocket> {
    return this.#sockets.get(key) ?? NO_SOCKETS;
  }

  clear(): void {
    this.#sockets.clear();
  }
}

/**
 * Finds the socket of a close. Only endpoints and process are both in the event of a close and in the lists.
 *
 *     open ──▶ gone since the last poll: the list lacks it, or has its remnant ──▶ forgotten at the next poll
 *      └───────────┴──▶ taken by the event of its close
 */
export class EndpointIndex {
  readonly #open = new ByKey();
  readonly #keys = new Map<TableSocket, string>();
  /** Sockets that the last poll no longer found: their close may be read only after that poll. */
  readonly #gone = new ByKey();

  /** Starts a poll: forgets the sockets that were gone at the last one. */
  beginPoll(): void {
    this.#gone.clear();
  }

  /** Adds a socket, or notes its new endpoints. */
  set(it: TableSocket): void {
    if (it.values.state === 'TIME_WAIT') {
      this.setGone(it);
      return;
    }
    const key = keyOf(it.values);
    if (this.#keys.get(it) === key) return;
    this.#delete(it);
    this.#keys.set(it, key);
    this.#open.add(key, it);
  }

  /** Notes that an open socket is gone. One that an event has taken is not noted. */
  setGone(it: TableSocket): void {
    const key = this.#delete(it);
    if (key !== undefined) this.#gone.add(key, it);
  }

  /** Removes an open socket. @returns its key; undefined if it is not open */
  #delete(it: TableSocket): string | undefined {
    const key = this.#keys.get(it);
    if (key === undefined) return undefined;
    this.#keys.delete(it);
    this.#open.delete(key, it);
    return key;
  }

  /**
   * Returns and removes the socket that was closed: the next close with its endpoints is that of another socket. Sockets that
   * are gone come first, then the open one that the process of the close used last. Null if it may be one of several open
   * sockets, or if there are too many to compare: the next poll shows which of them is gone. Undefined if there is none.
   */
  readonly take = (closed: ClosedEndpoints): Socket | null | undefined => {
    const key = keyOf(closed);
    const isOfProcess = ({ hints }: TableSocket): boolean => hints.lastPid === closed.pid;
    const gone = this.#gone.of(key);
    const [first] = gone;
    if (first) {
      const found = firstOf(gone, isOfProcess) ?? first;
      this.#gone.delete(key, found);
      return found.socket;
    }
    const open = this.#open.of(key);
    if (open.size > MAX_COMPARED) return null;
    const likely = open.size > 1 ? [...open].filter(isOfProcess) : [...open];
    if (open.size > 0 && likely.length !== 1) return null;
    const [found] = likely;
    if (found) this.#delete(found);
    return found?.socket;
  };
}

/** Returns the first socket that is right, among the first `MAX_COMPARED`; undefined if none of these is. */
function firstOf(
  sockets: ReadonlySet<TableSocket>,
  isRight: (it: TableSocket) => boolean,
): TableSocket | undefined {
  let compared = 0;
  for (const it of sockets) {
    if (compared++ === MAX_COMPARED) return undefined;
    if (isRight(it)) return it;
  }
  return undefined;
}
