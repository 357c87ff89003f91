import { unmapped } from '../model/address.ts';
import type { Endpoint, Protocol, Socket } from '../model/socket.ts';
import { isConnection } from './listeners.ts';
import { ACROSS, type End, type Endpoints, hasEndpoints, type Pair, PairIndex } from './pair-index.ts';
import type { Row } from './row.ts';

/** An end of a connection: a row, or anything else with a socket and a peer. */
type Peered = Pick<Row, 'socket' | 'peer'>;

/**
 * Returns the row of the peer of a local connection; undefined if it is not known, or no longer in these rows. It
 * may be closed already.
 */
export function peerOf<T extends Peered>(
  rows: ReadonlyMap<string, T>,
  { socket, peer }: Peered,
): T | undefined {
  const row = peer === undefined ? undefined : rows.get(peer);
  return row?.peer === socket.id ? row : undefined;
}

/** Rank of the end that is shown when both ends are one row: the one that opened the connection. */
const rankOf = ({ direction }: Row): number => (direction === 'out' ? 0 : direction === undefined ? 1 : 2);

/** Returns true for the end that is shown when both ends are one row; exactly one of two ends is. */
export const isMainEnd = (row: Row, peer: Row): boolean =>
  rankOf(row) === rankOf(peer) ? row.id < peer.id : rankOf(row) < rankOf(peer);

/** Maximum number of own addresses of all namespaces; beyond it, new ones do not count as own until the next renewal. */
const MAX_OWN_ADDRESSES = 10_000;
/** Number of batches between two renewals of the own addresses, each of which reads all rows. */
export const RENEWAL_BATCHES = 100;

/** The inode for sockets without a known namespace. */
const NO_NAMESPACE = -1;

/** Returns true for a link-local address (RFC 3927, RFC 4291): each link may have it. */
const isLinkLocal = (address: string): boolean => /^(?:fe[89ab]|169\.254\.)/i.test(address);

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** Returns true for a connection, but not for its remnant: the kernel has freed its socket, and the peer closed before. */
const mayHavePeer = (socket: Socket): boolean => socket.state !== 'TIME_WAIT' && isConnection(socket);

/** Returns the end with one more socket. One id needs no set: V8 is slow to collect many small ones. */
function withId(end: End, id: string): End {
  if (end === undefined || end === id) return id;
  return typeof end === 'string' ? new Set([end, id]) : end.add(id);
}

/** Returns the end without one of its sockets. */
function withoutId(end: End, id: string): End {
  if (typeof end !== 'object') return undefined;
  end.delete(id);
  if (end.size > 1) return end;
  const [only] = end;
  return only;
}

/** The place of a socket in a pair: the endpoints of the pair, and the side that is the local endpoint of the socket. */
interface Place extends Endpoints {
  readonly side: 'lower' | 'upper';
}

function placeIn(scope: number, protocol: Protocol, local: Endpoint, remote: Endpoint): Place {
  const near = unmapped(local.address);
  const far = unmapped(remote.address);
  const isLower = near === far ? local.port < remote.port : near < far;
  return {
    protocol,
    scope,
    side: isLower ? 'lower' : 'upper',
    lowerAddress: isLower ? near : far,
    lowerPort: isLower ? local.port : remote.port,
    upperAddress: isLower ? far : near,
    upperPort: isLower ? remote.port : local.port,
  };
}

const isAt = (end: End, id: string): boolean => (typeof end === 'object' ? end.has(id) : end === id);

/**
 * Finds the peer of each local connection: the only open socket of the same protocol that has the same endpoints
 * swapped. If several sockets have the same endpoints, none of them has a peer: it would be a guess.
 *
 * A connection to an address of its own namespace stays there. Any other one may lead to another namespace of this
 * machine, such as from a container to its host: then no other socket of any namespace may have these endpoints.
 * Loopback and link-local addresses say nothing of another namespace, and address translation hides the peer.
 *
 *     take ─▶ its remote address is of its own namespace? ── yes ─▶ kept by namespace and endpoints ──┐
 *                  │ no                                                                               ▼
 *             endBatch ─▶ of another namespace? ── yes ─▶ kept by endpoints ─▶ one socket at each end ─▶ `onPair`
 *                              └── no ─▶ not kept
 *
 * Work is constant per socket, whatever the endpoints. Only connections to own addresses need memory. An own address
 * seen after a connection to it makes `endBatch` read all rows once.
 */
export class Peers {
  /** Local addresses of connections, by the inode of the namespace. */
  readonly #ownAddresses = new Map<number, Set<string>>();
  /** The same addresses of all namespaces. */
  readonly #allAddresses = new Set<string>();
  #ownCount = 0;
  /** True if an own address had no room since the last renewal. */
  #isFull = false;
  #batchesSinceRenewal = 0;
  /** True if an own address was seen since the last `endBatch`. */
  #hasNewAddress = false;
  /**
   * Sockets whose peer may be in another namespace: `endBatch` decides, because all own addresses are known then. By id; the
   * value is the earlier version of the socket that may still be in a pair.
   */
  readonly #waiting = new Map<string, Socket | undefined>();
  readonly #pairs = new PairIndex();
  #hasNamespaces = false;
  readonly #onPair: (one: string, other: string, isPair: boolean) => void;

  /** @param onPair called with the ids of both ends of a connection; `isPair` is false once they may be no pair */
  constructor(onPair: (one: string, other: string, isPair: boolean) => void) {
    this.#onPair = onPair;
  }

  /**
   * Takes a new socket, or one whose endpoints, state or namespace may have changed.
   * @param before the version that was taken before; undefined for a new socket
   */
  take(socket: Socket, before: Socket | undefined): void {
    const { id } = socket;
    const place = this.#placeOf(socket);
    const placed = this.#waiting.get(id) ?? before;
    if (place?.scope === ACROSS) {
      this.#waiting.set(id, placed);
      return;
    }
    this.#waiting.delete(id);
    this.#put(id, place, placed && this.#pairOf(placed));
  }

  /** Removes a socket that has closed. It remains the peer of the other socket, as long as its row is shown. */
  drop(socket: Socket): void {
    const { id } = socket;
    const pair = this.#pairOf(this.#waiting.get(id) ?? socket);
    this.#waiting.delete(id);
    if (pair) this.#remove(pair, id, false);
  }

  /**
   * Ends a batch: takes the connections to other namespaces, and those to addresses that were not known to be own ones.
   * @param rows all rows
   */
  endBatch(rows: ReadonlyMap<string, Pick<Row, 'socket' | 'mark'>>): void {
    this.#batchesSinceRenewal++;
    if (this.#isFull && this.#batchesSinceRenewal >= RENEWAL_BATCHES) this.#renewOwnAddresses(rows);
    if (this.#hasNewAddress)
      for (const { socket, mark } of rows.values()) {
        if (mark === 'closed' || socket.remote === null || this.#waiting.has(socket.id)) continue;
        const pair = this.#pairOf(socket);
        // A pair within a namespace is certain.
        if (pair === undefined || pair.scope === ACROSS) this.#put(socket.id, this.#placeOf(socket), pair);
      }
    this.#hasNewAddress = false;
    for (const [id, placed] of this.#waiting) {
      const row = rows.get(id);
      if (row) this.#put(id, this.#placeOf(row.socket), placed && this.#pairOf(placed));
    }
    this.#waiting.clear();
  }

  /** Puts a socket into its pair. @param before the pair that it is in now */
  #put(id: string, place: Place | undefined, before: Pair | undefined): void {
    if (before) {
      if (place && hasEndpoints(before, place) && isAt(before[place.side], id)) return;
      // A remnant keeps its peer, as a closed connection does: the end of its pair is not reported.
      this.#remove(before, id, place !== undefined);
    }
    if (place === undefined) return;
    const pair = this.#pairs.findOrAdd(place);
    this.#report(pair, false);
    pair[place.side] = withId(pair[place.side], id);
    this.#report(pair, true);
  }

  #remove(pair: Pair, id: string, isReported: boolean): void {
    if (isReported) this.#report(pair, false);
    if (isAt(pair.lower, id)) pair.lower = withoutId(pair.lower, id);
    else pair.upper = withoutId(pair.upper, id);
    if (pair.lower === undefined && pair.upper === undefined) this.#pairs.delete(pair);
    this.#report(pair, true);
  }

  /** Returns the pair that this version of a socket is in; undefined if it is in none. */
  #pairOf({ id, protocol, local, remote, netns }: Socket): Pair | undefined {
    if (remote === null) return undefined;
    for (const scope of [netns?.inode ?? NO_NAMESPACE, ACROSS]) {
      const place = placeIn(scope, protocol, local, remote);
      const pair = this.#pairs.find(place);
      if (pair && isAt(pair[place.side], id)) return pair;
    }
    return undefined;
  }

  /** Reports the two sockets of a pair, if there is one at each end. */
  #report({ lower, upper }: Pair, isPair: boolean): void {
    if (typeof lower !== 'string' || typeof upper !== 'string') return;
    this.#onPair(lower, upper, isPair);
  }

  /** Returns the place of a connection whose peer may be on this machine; undefined for any other socket. */
  #placeOf(socket: Socket): Place | undefined {
    const { protocol, local, remote, netns } = socket;
    if (remote === null || !mayHavePeer(socket)) return undefined;
    if (netns) this.#hasNamespaces = true;
    // Its namespace is not known yet.
    else if (this.#hasNamespaces) return undefined;
    const inode = netns?.inode ?? NO_NAMESPACE;
    const near = unmapped(local.address);
    const far = unmapped(remote.address);
    this.#noteOwn(inode, near);
    const isAcross = near !== far && !isLoopback(far) && !this.#isOwn(inode, far);
    if (isAcross && !this.#mayLeadAcross(socket, near, far)) return undefined;
    // A socket connected to itself has no peer.
    if (near === far && local.port === remote.port) return undefined;
    return placeIn(isAcross ? ACROSS : inode, protocol, local, remote);
  }

  /** Returns true if another namespace has the remote address. */
  #mayLeadAcross({ netns, family }: Socket, near: string, far: string): boolean {
    const isIp = family === 'ipv4' || family === 'ipv6';
    if (!isIp || netns === undefined || this.#ownAddresses.size < 2) return false;
    return this.#allAddresses.has(far) && !isLoopback(near) && !isLinkLocal(near) && !isLinkLocal(far);
  }

  #isOwn(inode: number, address: string): boolean {
    return this.#ownAddresses.get(inode)?.has(address) === true;
  }

  /** Notes an own address of a namespace. */
  #noteOwn(inode: number, address: string): void {
    if (isLoopback(address)) return;
    const own = this.#ownAddresses.get(inode);
    if (own?.has(address)) return;
    if (this.#ownCount >= MAX_OWN_ADDRESSES) {
      this.#isFull = true;
      return;
    }
    if (own) own.add(address);
    else this.#ownAddresses.set(inode, new Set([address]));
    this.#allAddresses.add(address);
    this.#ownCount++;
    this.#hasNewAddress = true;
  }

  /** Replaces the own addresses by those of the open connections: namespaces and their addresses come and go. */
  #renewOwnAddresses(rows: ReadonlyMap<string, Pick<Row, 'socket' | 'mark'>>): void {
    this.#ownAddresses.clear();
    this.#allAddresses.clear();
    this.#ownCount = 0;
    this.#isFull = false;
    this.#batchesSinceRenewal = 0;
    for (const { socket, mark } of rows.values()) {
      const { netns, local } = socket;
      if (mark !== 'closed' && mayHavePeer(socket) && (netns || !this.#hasNamespaces))
        this.#noteOwn(netns?.inode ?? NO_NAMESPACE, unmapped(local.address));
    }
  }
}
