import { isAnyAddress } from '../../../model/address.ts';
import { type Endpoint, type Family, sameEndpoint } from '../../../model/socket.ts';
import { endpointKey, endpointOf, familyOf, numberAt } from './endpoints.ts';
import { EVENT_ID } from './layout.ts';
import { SLOT } from './ring.ts';

/** Maximum number of local endpoints that are counted between two polls. */
const MAX_ENDPOINTS = 2 ** 16;

/** Number of peers that are kept, as `Socket.peers`. */
const MAX_PEERS = 4;

/** Counted packets of one UDP socket. */
export interface Datagrams {
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxSegments: number;
  readonly txSegments: number;
  /** The last peers, the latest new one first. */
  readonly peers: readonly Endpoint[];
}

export const NO_DATAGRAMS: Datagrams = { rxBytes: 0, txBytes: 0, rxSegments: 0, txSegments: 0, peers: [] };

/** Packets of a process at one local endpoint, since the last poll. */
interface Counted {
  readonly family: Family;
  readonly pid: number;
  readonly local: Endpoint;
  rxBytes: number;
  txBytes: number;
  rxSegments: number;
  txSegments: number;
  peers: readonly Endpoint[];
  /** Key of the last peer: most packets have the same. */
  lastPeer: string;
}

/** Counts the UDP packets of each process and local endpoint, between two polls. */
export class DatagramCounts {
  #counts = new Map<string, Counted>();
  #omitted = 0;

  /** Applies an event of UDP. */
  apply(words: Int32Array, at: number): void {
    const pid = numberAt(words, at, SLOT.pid);
    const key = `${pid} ${endpointKey(words, at, 'local')}`;
    let counted = this.#counts.get(key);
    if (counted === undefined) {
      if (this.#counts.size >= MAX_ENDPOINTS) {
        this.#omitted++;
        return;
      }
      const local = endpointOf(words, at, 'local');
      counted = { family: familyOf(words, at), pid, local, ...NO_DATAGRAMS, lastPeer: '' };
      this.#counts.set(key, counted);
    }
    const size = numberAt(words, at, SLOT.size);
    if (words[at + SLOT.id] === EVENT_ID.udpSent) {
      counted.txBytes += size;
      counted.txSegments++;
    } else {
      counted.rxBytes += size;
      counted.rxSegments++;
    }
    const peer = endpointKey(words, at, 'remote');
    if (peer === counted.lastPeer) return;
    counted.lastPeer = peer;
    counted.peers = withPeer(counted.peers, endpointOf(words, at, 'remote'));
  }

  /** Returns the number of events that had no room since the last call. */
  takeOmitted(): number {
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }

  /**
   * Assigns what was counted since the last call to sockets, and forgets the rest.
   * @param socketsAt returns the UDP sockets that are bound to a port
   * @param add gets each socket with its packets
   */
  assign<T extends BoundSocket>(
    socketsAt: (port: number) => Iterable<T>,
    add: (socket: T, packets: Datagrams) => void,
  ): void {
    for (const counted of this.#counts.values()) {
      const socket = socketOf(counted, socketsAt(counted.local.port));
      if (socket) add(socket, counted);
    }
    this.#counts = new Map();
  }
}

/** A UDP socket that packets may belong to. */
export interface BoundSocket {
  readonly pid: number;
  readonly family: Family;
  /** Without a scope. */
  readonly address: string;
}

/** Returns the socket of packets: that with their address before one of any address; undefined if there is none. */
function socketOf<T extends BoundSocket>(
  { pid, family, local: { address } }: Counted,
  sockets: Iterable<T>,
): T | undefined {
  let ofAnyAddress: T | undefined;
  for (const it of sockets) {
    if (it.pid !== pid) continue;
    if (it.address === address && it.family === family) return it;
    // A socket of IPv6 for any address may also have packets of IPv4.
    if (isAnyAddress(it.address) && (it.family === family || (it.family === 'ipv6' && !ofAnyAddress)))
      ofAnyAddress = it;
  }
  return ofAnyAddress;
}

/** Returns the sum of packets of one socket. */
export const sumOf = (before: Datagrams, more: Datagrams): Datagrams => ({
  rxBytes: before.rxBytes + more.rxBytes,
  txBytes: before.txBytes + more.txBytes,
  rxSegments: before.rxSegments + more.rxSegments,
  txSegments: before.txSegments + more.txSegments,
  peers: more.peers.toReversed().reduce(withPeer, before.peers),
});

/** Returns the peers with one that is first unless it is known. */
const withPeer = (peers: readonly Endpoint[], peer: Endpoint): readonly Endpoint[] =>
  peers.some((it) => sameEndpoint(it, peer)) ? peers : [peer, ...peers].slice(0, MAX_PEERS);
