import { unmapped } from '../../model/address.ts';
import type { Socket } from '../../model/socket.ts';
import type { ClosedEndpoints } from './events/closes.ts';
import type { TableSocket } from './table/table-sockets.ts';

/** Returns the key of endpoints. Events have no v4-mapped addresses. */
const keyOf = ({ protocol, local, remote }: Pick<Socket, 'protocol' | 'local' | 'remote'>): string =>
  `${protocol} ${unmapped(local.address)} ${local.port} ${remote ? `${unmapped(remote.address)} ${remote.port}` : '*'}`;

/** Finds sockets by their endpoints: the events of closes have nothing else that the lists have too. */
export class EndpointIndex {
  readonly #byKey = new Map<string, Set<TableSocket>>();
  readonly #keys = new Map<TableSocket, string>();

  /** Adds a socket, or notes its new endpoints. A remnant is left out: the kernel has reported its close. */
  set(it: TableSocket): void {
    const key = it.values.state === 'TIME_WAIT' ? undefined : keyOf(it.values);
    if (this.#keys.get(it) === key) return;
    this.delete(it);
    if (key === undefined) return;
    this.#keys.set(it, key);
    const same = this.#byKey.get(key);
    if (same) same.add(it);
    else this.#byKey.set(key, new Set([it]));
  }

  delete(it: TableSocket): void {
    const key = this.#keys.get(it);
    if (key === undefined) return;
    this.#keys.delete(it);
    const same = this.#byKey.get(key);
    same?.delete(it);
    if (same?.size === 0) this.#byKey.delete(key);
  }

  /**
   * Returns the socket with these endpoints, and removes it: the next close with them is that of another socket. If
   * several have them, the one that the process used last; null if several are left.
   */
  readonly take = (closed: ClosedEndpoints): Socket | null | undefined => {
    const same = [...(this.#byKey.get(keyOf(closed)) ?? [])];
    const ofProcess = same.length > 1 ? same.filter(({ hints }) => hints.lastPid === closed.pid) : same;
    if (ofProcess.length > 1 || (ofProcess.length === 0 && same.length > 0)) return null;
    const [found] = ofProcess;
    if (found === undefined) return undefined;
    this.delete(found);
    return found.socket;
  };
}
