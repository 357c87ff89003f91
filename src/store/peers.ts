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

/** The sockets at one end: none, the id of the only one, or the ids of several. */
type End = undefined | string | Set<string>;

/** Returns the end with one more socket. One id needs no set: V8 is slow to collect many small ones. */
function withId(end: End, id: string): End {
  if (end === undefined) return id;
  return typeof end === 'string' ? new Set([end, id]) : end.add(id);
}

/** Returns the end without a socket of it. */
function withoutId(end: End, id: string): End {
  if (typeof end !== 'object') return undefined;
  end.delete(id);
  if (end.size > 1) return end;
  const [only] = end;
  return only;
}

/** The open sockets with the same two endpoints. */
interface Pair {
  readonly key: string;
  /** Those whose local endpoint sorts first, and the others. */
  lower: End;
  upper: End;
}

/** Where a socket belongs: the key of its pair, and its end of it. */
interface Place {
  readonly key: string;
  readonly side: 'lower' | 'upper';
}

const isAt = (end: End, id: string): boolean => (typeof end === 'object' ? end.has(id) : end === id);

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
  /** Pairs by endpoints. */
  readonly #pairs = new Map<string, Pair>();
  /** Pairs by the id of a socket. */
  readonly #pairOf = new Map<string, Pair>();
  #hasNamespaces = false;
  readonly #onPair: (id: string, peer: string, isPair: boolean) => void;

  /** @param onPair called with two ids that became the ends of one connection, or that no longer certainly are */
  constructor(onPair: (id: string, peer: string, isPair: boolean) => void) {
    this.#onPair = onPair;
  }

  /** Takes a new socket, or one whose endpoints, state or namespace may have changed. Its row must exist. */
  take(socket: Socket): void {
    const { id } = socket;
    const place = this.#placeOf(socket);
    const before = this.#pairOf.get(id);
    if (before?.key === place?.key && (!before || !place || isAt(before[place.side], id))) return;
    // A connection in TIME_WAIT was a connection to its peer, as a closed one was.
    this.#remove(id, place !== undefined);
    if (place === undefined) return;
    const { key, side } = place;
    const pair = this.#pairs.get(key) ?? { key, lower: undefined, upper: undefined };
    this.#report(pair, false);
    pair[side] = withId(pair[side], id);
    this.#pairs.set(key, pair);
    this.#pairOf.set(id, pair);
    this.#report(pair, true);
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
      if (mark !== 'closed' && socket.remote !== null && !this.#pairOf.has(socket.id)) this.take(socket);
    }
  }

  #remove(id: string, isReported: boolean): void {
    const pair = this.#pairOf.get(id);
    if (pair === undefined) return;
    if (isReported) this.#report(pair, false);
    this.#pairOf.delete(id);
    if (isAt(pair.lower, id)) pair.lower = withoutId(pair.lower, id);
    else pair.upper = withoutId(pair.upper, id);
    if (pair.lower === undefined && pair.upper === undefined) this.#pairs.delete(pair.key);
    this.#report(pair, true);
  }

  /** Reports the two sockets of a pair, if there is one at each end. */
  #report({ lower, upper }: Pair, isPair: boolean): void {
    if (typeof lower === 'string' && typeof upper === 'string') this.#onPair(lower, upper, isPair);
  }

  /** Returns the place of a connection whose peer may be a socket here; undefined for any other socket. */
  #placeOf(socket: Socket): Place | undefined {
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
    // A socket connected to itself has no peer.
    if (near === far && local.port === remote.port) return undefined;
    const isLower = near === far ? local.port < remote.port : near < far;
    const ends = [near, local.port, far, remote.port];
    // `join` makes one flat string: see `sampler/merge/by-endpoints.ts`.
    return {
      key: [protocol, inode, ...(isLower ? ends : [...ends.slice(2), ...ends.slice(0, 2)])].join(' '),
      side: isLower ? 'lower' : 'upper',
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
