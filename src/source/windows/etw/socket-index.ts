import type { Family, Socket } from '../../../model/socket.ts';
import type { Row } from '../row.ts';
import type { Life } from '../table-lives.ts';
import type { PacketEndpoint } from './datagrams.ts';
import type { TracedConnection } from './connections.ts';

/** Time for which a socket that has left its table waits for the event of its end, milliseconds. */
const KEPT_MS = 5000;

/** Returns an address without its IPv6 scope, as events have it. */
const withoutScope = (address: string): string => {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
};

/** Returns a key of a connection, made of what both a row and an event have. */
export const keyOf = ({
  family,
  local,
  remote,
}: Pick<Row | TracedConnection, 'family' | 'local' | 'remote'>): string =>
  `${family} ${withoutScope(local.address)} ${local.port} ${withoutScope(remote?.address ?? '')} ${remote?.port}`;

/** Returns a key of a UDP socket, by which an event of its packets finds it. */
const boundKeyOf = ({ pid, family, local }: PacketEndpoint): string =>
  `${pid} ${family} ${withoutScope(local.address)} ${local.port}`;

/** Finds the sockets of the tables that an event is about. */
export class SocketIndex {
  readonly #connections = new Map<string, Life>();
  readonly #left = new Map<string, { readonly socket: Socket; readonly atMs: number }>();
  readonly #bound = new Map<string, Set<Life>>();
  /** By UDP socket: its key in `#bound`. A new row may have another process. */
  readonly #boundKeys = new Map<Life, string>();

  /** Adds a life, or applies its new row. */
  set(life: Life): void {
    const { row } = life;
    if (row.protocol === 'tcp') {
      if (row.remote !== null) this.#connections.set(keyOf(row), life);
      return;
    }
    const key = boundKeyOf(row);
    if (this.#boundKeys.get(life) === key) return;
    this.#removeBound(life);
    this.#boundKeys.set(life, key);
    const lives = this.#bound.get(key);
    if (lives) lives.add(life);
    else this.#bound.set(key, new Set([life]));
  }

  /** Removes a life that has left its table. */
  remove(life: Life, atMs: number): void {
    const { row, socket } = life;
    if (row.protocol === 'udp') {
      this.#removeBound(life);
      return;
    }
    const key = keyOf(row);
    if (this.#connections.get(key) === life) this.#connections.delete(key);
    if (socket === undefined || row.remote === null) return;
    this.#left.delete(key);
    this.#left.set(key, { socket, atMs });
  }

  /** Forgets the sockets that left their table `KEPT_MS` ago. */
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

  /** Removes and returns the last socket with a key that has left its table. */
  takeLeft(key: string): Socket | undefined {
    const left = this.#left.get(key)?.socket;
    this.#left.delete(key);
    return left;
  }

  /**
   * Returns the UDP socket of packets: one that is bound to their address before one bound to any address; undefined if
   * there is none.
   */
  boundTo({ pid, family, local: { address, port } }: PacketEndpoint): Life | undefined {
    const find = (of: Family, bound: string): Life | undefined =>
      this.#bound
        .get(boundKeyOf({ pid, family: of, local: { address: bound, port } }))
        ?.values()
        .next().value;
    return (
      find(family, address) ??
      (family === 'ipv4' ? find('ipv4', '0.0.0.0') : undefined) ??
      // An IPv6 socket bound to any address may also have packets of IPv4.
      find('ipv6', '::')
    );
  }

  #removeBound(life: Life): void {
    const key = this.#boundKeys.get(life);
    if (key === undefined) return;
    this.#boundKeys.delete(life);
    const lives = this.#bound.get(key);
    lives?.delete(life);
    if (lives?.size === 0) this.#bound.delete(key);
  }
}
