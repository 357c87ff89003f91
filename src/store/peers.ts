import { unmapped } from '../model/address.ts';
import type { Socket } from '../model/socket.ts';
import { isConnection } from './listeners.ts';
import type { Row } from './row.ts';

/**
 * Returns the row of the peer of a local connection; undefined if it is not known, or no longer in these rows. It
 * may be closed already.
 */
export function peerOf(rows: ReadonlyMap<string, Row>, { id, peer }: Row): Row | undefined {
  const row = peer === undefined ? undefined : rows.get(peer);
  return row?.peer === id ? row : undefined;
}

/** Rank of the end that is shown when both ends are one row: the one that opened the connection. */
const rankOf = ({ direction }: Row): number => (direction === 'out' ? 0 : direction === undefined ? 1 : 2);

/** Returns true for the end that is shown when both ends are one row; exactly one of two ends is. */
export const isMainEnd = (row: Row, peer: Row): boolean =>
  rankOf(row) === rankOf(peer) ? row.id < peer.id : rankOf(row) < rankOf(peer);

/** Maximum number of own addresses of all namespaces; beyond it, new ones do not count as own. */
const MAX_OWN_ADDRESSES = 10_000;

/** The inode for sockets without a known namespace. */
const NO_NAMESPACE = -1;

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** Endpoints of a connection as a text, and those of its peer. */
interface Ends {
  readonly own: string;
  readonly other: string;
}

/**
 * Finds the peer of each local connection: the only open socket of the same protocol and namespace that has the
 * same endpoints swapped. If several sockets have the same endpoints, none of them has a peer: it would be a guess.
 * Ends in two namespaces are not matched, because address translation and equal private addresses prove nothing.
 *
 *     take ─▶ its remote address is an own one? ── no ─▶ not kept
 *                  │ yes
 *                  ▼
 *             kept by endpoints ─▶ the swapped endpoints have one socket? ─▶ `onPair`
 *
 * Work is constant per socket, whatever the endpoints. Only connections to own addresses need memory. An own address
 * seen after a connection to it makes `endBatch` read all rows once.
 */
export class Peers {
  /** Local addresses of connections, by the inode of the namespace. */
  readonly #ownAddresses = new Map<number, Set<string>>();
  #ownCount = 0;
  /** True if an own address was seen since the last `endBatch`. */
  #hasNewAddress = false;
  /** Ids of sockets by endpoints. */
  readonly #ids = new Map<string, Set<string>>();
  /** Endpoints by id. */
  readonly #ends = new Map<string, Ends>();
  #hasNamespaces = false;
  readonly #onPair: (id: string, peer: string, isPair: boolean) => void;

  /** @param onPair called with two ids that became the ends of one connection, or that no longer certainly are */
  constructor(onPair: (id: string, peer: string, isPair: boolean) => void) {
    this.#onPair = onPair;
  }

  /** Takes a new socket, or one whose endpoints, state or namespace may have changed. Its row must exist. */
  take(socket: Socket): void {
    const { id } = socket;
    const ends = this.#endsOf(socket);
    if (this.#ends.get(id)?.own === ends?.own) return;
    // A connection in TIME_WAIT was a connection to its peer, as a closed one was.
    this.#remove(id, ends !== undefined);
    if (ends === undefined) return;
    const { own, other } = ends;
    this.#report(own, other, false);
    this.#ends.set(id, ends);
    const ids = this.#ids.get(own);
    if (ids) ids.add(id);
    else this.#ids.set(own, new Set([id]));
    this.#report(own, other, true);
  }

  /** Removes a socket that has closed. It remains the peer of the other socket, as long as its row is shown. */
  drop(id: string): void {
    this.#remove(id, false);
  }

  /** Ends a batch: takes the connections to own addresses that were not known as such. @param rows all rows */
  endBatch(rows: ReadonlyMap<string, Row>): void {
    if (!this.#hasNewAddress) return;
    this.#hasNewAddress = false;
    for (const { socket, mark } of rows.values()) {
      if (mark !== 'closed' && socket.remote !== null && !this.#ends.has(socket.id)) this.take(socket);
    }
  }

  #remove(id: string, isReported: boolean): void {
    const ends = this.#ends.get(id);
    if (ends === undefined) return;
    const { own, other } = ends;
    if (isReported) this.#report(own, other, false);
    this.#ends.delete(id);
    const ids = this.#ids.get(own);
    ids?.delete(id);
    if (ids?.size === 0) this.#ids.delete(own);
    this.#report(own, other, true);
  }

  /** Reports the sockets with these endpoints, if they are a pair. */
  #report(own: string, other: string, isPair: boolean): void {
    const [ids, peers] = [this.#ids.get(own), this.#ids.get(other)];
    // A socket connected to itself has no peer.
    if (ids?.size !== 1 || peers?.size !== 1 || ids === peers) return;
    const [[id], [peer]] = [ids, peers];
    if (id !== undefined && peer !== undefined) this.#onPair(id, peer, isPair);
  }

  /** Returns the endpoints of a connection whose peer may be a socket here; undefined for any other socket. */
  #endsOf(socket: Socket): Ends | undefined {
    const { protocol, local, remote, netns, state } = socket;
    // The kernel has freed a socket in TIME_WAIT, and its peer has closed before.
    if (remote === null || state === 'TIME_WAIT' || !isConnection(socket)) return undefined;
    if (netns) this.#hasNamespaces = true;
    // Its namespace is not known yet.
    else if (this.#hasNamespaces) return undefined;
    const inode = netns?.inode ?? NO_NAMESPACE;
    const [near, far] = [unmapped(local.address), unmapped(remote.address)];
    const own = this.#noteOwn(inode, near);
    if (near !== far && !isLoopback(far) && !own.has(far)) return undefined;
    // `join` makes one flat string: see `sampler/merge/by-endpoints.ts`.
    return {
      own: [protocol, inode, near, local.port, far, remote.port].join(' '),
      other: [protocol, inode, far, remote.port, near, local.port].join(' '),
    };
  }

  /** Notes an own address. Returns those of the namespace. */
  #noteOwn(inode: number, address: string): ReadonlySet<string> {
    let own = this.#ownAddresses.get(inode);
    if (own === undefined) {
      own = new Set();
      this.#ownAddresses.set(inode, own);
    }
    if (!own.has(address) && !isLoopback(address) && this.#ownCount < MAX_OWN_ADDRESSES) {
      own.add(address);
      this.#ownCount++;
      this.#hasNewAddress = true;
    }
    return own;
  }
}
