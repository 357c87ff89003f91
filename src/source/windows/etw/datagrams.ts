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

/** The process and the local endpoint of packets. */
export interface PacketEndpoint {
  readonly family: Family;
  readonly pid: number;
  readonly local: Endpoint;
}

/** Packets of a process at one local endpoint, since the last poll. */
interface Counted extends PacketEndpoint {
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
   * Assigns the packets counted since the last call to sockets. Packets without a socket are dropped.
   * @param socketOf returns the UDP socket of packets; undefined if there is none
   * @param add gets each socket with its packets
   */
  assign<T extends object>(
    socketOf: (endpoint: PacketEndpoint) => T | undefined,
    add: (socket: T, packets: Datagrams) => void,
  ): void {
    for (const counted of this.#counts.values()) {
      const socket = socketOf(counted);
      if (socket) add(socket, counted);
    }
    this.#counts = new Map();
  }
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
