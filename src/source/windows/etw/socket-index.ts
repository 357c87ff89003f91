import type { Socket } from '../../../model/socket.ts';
import type { Row } from '../row.ts';
import type { Life } from '../table-lives.ts';
import type { BoundSocket } from './datagrams.ts';
import type { TracedConnection } from './connections.ts';

/** How long a socket that has left the tables is kept for the event of its end, milliseconds. */
const KEPT_MS = 5000;

/** A UDP socket of the tables. */
interface BoundLife extends BoundSocket {
  readonly life: Life;
}

/** Events have no scopes. */
const withoutScope = (address: string): string => {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
};

/** Returns what events and tables both have of a connection, as a key. */
export const keyOf = ({
  family,
  local,
  remote,
}: Pick<Row | TracedConnection, 'family' | 'local' | 'remote'>): string =>
  `${family} ${withoutScope(local.address)} ${local.port} ${withoutScope(remote?.address ?? '')} ${remote?.port}`;

/** The sockets of the tables by what events name them with: connections by endpoints, UDP sockets by port. */
export class SocketIndex {
  readonly #connections = new Map<string, Life>();
  readonly #left = new Map<string, { readonly socket: Socket; readonly atMs: number }>();
  readonly #bound = new Map<number, Map<Life, BoundLife>>();

  /** Adds a life, or notes its new row. */
  set(life: Life): void {
    const { row } = life;
    if (row.protocol === 'tcp') {
      if (row.remote !== null) this.#connections.set(keyOf(row), life);
      return;
    }
    const { port, address } = row.local;
    const there = this.#bound.get(port) ?? new Map<Life, BoundLife>();
    this.#bound.set(port, there);
    there.set(life, { life, pid: row.pid, family: row.family, address: withoutScope(address) });
  }

  /** Removes a life that has left its table. */
  remove(life: Life, atMs: number): void {
    const { row, socket } = life;
    if (row.protocol === 'udp') {
      const there = this.#bound.get(row.local.port);
      there?.delete(life);
      if (there?.size === 0) this.#bound.delete(row.local.port);
      return;
    }
    const key = keyOf(row);
    if (this.#connections.get(key) === life) this.#connections.delete(key);
    if (socket === undefined || row.remote === null) return;
    this.#left.delete(key);
    this.#left.set(key, { socket, atMs });
  }

  /** Forgets the sockets that left long ago. */
  forgetOld(nowMs: number): void {
    for (const [key, { atMs }] of this.#left) {
      if (nowMs - atMs < KEPT_MS) return;
      this.#left.delete(key);
    }
  }

  /** Returns the connection with a key. */
  connectionOf(key: string): Life | undefined {
    return this.#connections.get(key);
  }

  /** Removes and returns the last socket of these endpoints that has left the tables. */
  takeLeft(key: string): Socket | undefined {
    const left = this.#left.get(key)?.socket;
    this.#left.delete(key);
    return left;
  }

  /** Returns the UDP sockets that are bound to a port. */
  boundTo(port: number): Iterable<BoundLife> {
    return this.#bound.get(port)?.values() ?? [];
  }
}
