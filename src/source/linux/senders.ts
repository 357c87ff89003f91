import { isAnyAddress, unmapped } from '../../model/address.ts';
import type { Endpoint, Family, Owner } from '../../model/socket.ts';
import type { RouteRecord } from './trace/records.ts';

/** Maximum number of ports with their addresses: more than short sockets have at a time. */
const MOST_PLACES = 10_000;

/** Maximum number of programs, and of peers of each, at one port and address. */
const MOST_PROGRAMS = 8;
const MOST_PEERS = 16;

/** A UDP socket, as the kernel's last message has it. */
export interface UdpSocket {
  /** Inode of its network namespace. */
  readonly netns: number;
  readonly family: Family;
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
}

/** A program that sent from a port and address, and where to; more peers than are kept are any. */
interface Sender {
  owners: readonly Owner[];
  /** It has ended: it may have left the namespace that it began in. */
  readonly mayHaveMoved: boolean;
  readonly peers: Set<string> | 'any';
}

interface Place {
  readonly port: string;
  readonly senders: Map<number, Sender>;
  /** More programs sent from here than are kept. */
  isCrowded: boolean;
}

/**
 * Packets of UDP a second that may be looked up, averaged over a second: at ten times as many the sender loses a quarter
 * of its speed.
 */
const MOST_ROUTES = 20_000;

/** A sender in a namespace that could not be read may be in any of them. */
const UNREAD = 0;

/** A group to which packets are sent: 224.0.0.0/4 and ff00::/8. */
const isMulticast = (address: string): boolean => /^(?:2(?:2[4-9]|3\d)\.|ff..:)/.test(address);

/** Returns true where a socket with this address may send from that one, which a look-up of its route then has. */
function maySendFrom({ family, local, remote }: UdpSocket, from: string): boolean {
  const address = unmapped(local.address);
  if (from === address) return true;
  // A socket on any address may give each packet one (IP_PKTINFO); one of IPv6 may speak IPv4.
  if (isAnyAddress(address)) return family === 'ipv6' || !from.includes(':');
  // One that connects has its route looked up before it has an address; one on a group has none of its own.
  return from === (address.includes(':') ? '::' : '0.0.0.0') && (remote !== null || isMulticast(address));
}

const peerOf = ({ address, port }: Endpoint): string => `${unmapped(address)} ${port}`;

const asSender = ({ owners }: Sender): readonly Owner[] =>
  owners.map((owner) => ({ ...owner, knowledge: 'sender' }));

const NOBODY: readonly Owner[] = [{ knowledge: 'gone' }];
const unknown = (tried: string): readonly Owner[] => [{ knowledge: 'unknown', tried }];
const SEVERAL = unknown('several programs sent from its port and address');
const SHARED = unknown('a program sent from its port and address, which another socket has too');
const UNPLACED = unknown('a program sent from its port, in a network namespace that could not be read');

/**
 * Who sent by UDP from which port, which tells whose a short socket was: UDP has no states to trace, and no record ties
 * a packet to its socket. The kernel's trace of route look-ups has the sending thread, the port and the addresses
 * (include/trace/events/fib.h), but neither socket nor namespace; the namespace is that of the thread. A socket of
 * another namespace may be passed to it, so the answer is never `exact`: it is `sender` where only one program sent from
 * the same port and address in the same namespace, and no other socket has them.
 */
export class Senders {
  /** By namespace, port and address; those that sent last come last. */
  readonly #places = new Map<string, Place>();
  /** Addresses of the places, by namespace and port. */
  readonly #addresses = new Map<string, Set<string>>();
  /** Places that no socket has any more. */
  readonly #left = new Set<string>();
  readonly #firstNetns: number | undefined;
  /** Look-ups since then. */
  #count = 0;
  #sinceMs = 0;
  #isStopped = false;

  /** @param firstNetns inode of the first network namespace of the machine; undefined where it is not known */
  constructor(firstNetns: number | undefined) {
    this.#firstNetns = firstNetns;
  }

  /** There were too many look-ups: who sends is not followed any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** A route was looked up, by a program or by the kernel. */
  count(): void {
    this.#count++;
  }

  /**
   * Looks once a second how many look-ups there are: a server that sends many packets is not to be slowed by being
   * followed. @returns true where they are to be stopped
   */
  isTooMuch(nowMs: number): boolean {
    if (this.#isStopped || nowMs - this.#sinceMs < 1000) return false;
    const perSecond = (this.#count / (nowMs - this.#sinceMs)) * 1000;
    const isFirst = this.#sinceMs === 0;
    [this.#count, this.#sinceMs] = [0, nowMs];
    if (isFirst || perSecond < MOST_ROUTES) return false;
    this.#isStopped = true;
    this.clear();
    return true;
  }

  /** @param network the namespace of the thread, as `Actors.networkOf` has it; undefined where it could not be read */
  add(
    { localPort, localAddress, remoteAddress, remotePort }: RouteRecord,
    owners: readonly Owner[],
    network: { readonly netns: number; readonly mayHaveMoved: boolean } = {
      netns: UNREAD,
      mayHaveMoved: false,
    },
  ): void {
    const pid = owners[0]?.pid;
    if (pid === undefined || localPort === 0) return;
    const { netns, mayHaveMoved } = network;
    const place = this.#placeAt(`${netns} ${localPort}`, unmapped(localAddress));
    const peer = peerOf({ address: remoteAddress, port: remotePort });
    const known = place.senders.get(pid);
    if (known) {
      known.owners = owners;
      if (known.peers === 'any' || known.peers.has(peer)) return;
      if (known.peers.size < MOST_PEERS) known.peers.add(peer);
      else place.senders.set(pid, { ...known, peers: 'any' });
    } else if (place.senders.size < MOST_PROGRAMS)
      place.senders.set(pid, { owners, mayHaveMoved, peers: new Set([peer]) });
    else place.isCrowded = true;
  }

  #placeAt(port: string, address: string): Place {
    const key = `${port} ${address}`;
    const place = this.#places.get(key) ?? { port, senders: new Map<number, Sender>(), isCrowded: false };
    this.#places.delete(key);
    this.#places.set(key, place);
    const addresses = this.#addresses.get(port);
    if (addresses) addresses.add(address);
    else this.#addresses.set(port, new Set([address]));
    const [oldest] = this.#places.keys();
    if (this.#places.size > MOST_PLACES && oldest !== undefined) this.#delete(oldest);
    return place;
  }

  #delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    const addresses = this.#addresses.get(place.port);
    addresses?.delete(key.slice(place.port.length + 1));
    if (addresses?.size === 0) this.#addresses.delete(place.port);
  }

  /**
   * Returns who is behind a UDP socket that has ended. With `settle` who sent from there is forgotten, for the next
   * socket is another's, unless a socket with its port and address is still there.
   * @param isShared whether there is one; asked only where somebody sent
   */
  take(socket: UdpSocket, isShared: () => boolean): readonly Owner[] {
    const here = this.#sendersOf(socket, socket.netns);
    const elsewhere = this.#sendersOf(socket, UNREAD);
    const pids = new Set([...here.senders, ...elsewhere.senders].map(({ owners }) => owners[0]?.pid));
    const isCrowded = here.isCrowded || elsewhere.isCrowded;
    if (pids.size === 0 && !isCrowded) return this.#takeMoved(socket) ?? NOBODY;
    const isAlone = !isShared();
    if (isAlone) for (const key of [...here.keys, ...elsewhere.keys]) this.#left.add(key);
    if (pids.size > 1 || isCrowded) return SEVERAL;
    const [only] = here.senders;
    if (only === undefined) return UNPLACED;
    if (!isAlone) return SHARED;
    return asSender(only);
  }

  /**
   * The one process that began in the first namespace and has ended, where it sent from the same port and address:
   * ip-netns(8), nsenter(1) and container engines enter another namespace before they run a program. No user can do it
   * the other way round: to enter a namespace takes CAP_SYS_ADMIN over it (setns(2)).
   */
  #takeMoved(socket: UdpSocket): readonly Owner[] | undefined {
    if (this.#firstNetns === undefined || socket.netns === this.#firstNetns) return undefined;
    const { senders, keys } = this.#sendersOf(socket, this.#firstNetns);
    const [moved, ...others] = senders.filter(({ mayHaveMoved }) => mayHaveMoved);
    if (moved === undefined) return undefined;
    if (others.some(({ owners }) => owners[0]?.pid !== moved.owners[0]?.pid)) return SEVERAL;
    for (const key of keys) {
      const place = this.#places.get(key);
      for (const [pid, sender] of place?.senders ?? []) if (sender === moved) place?.senders.delete(pid);
    }
    return asSender(moved);
  }

  /** Returns the senders that may have used a socket, and the keys of their places. */
  #sendersOf(socket: UdpSocket, netns: number) {
    const port = `${netns} ${socket.local.port}`;
    const peer = socket.remote && peerOf(socket.remote);
    const keys: string[] = [];
    const senders: Sender[] = [];
    let isCrowded = false;
    for (const from of this.#addresses.get(port) ?? []) {
      if (!maySendFrom(socket, from)) continue;
      const key = `${port} ${from}`;
      const place = this.#places.get(key);
      const found = [...(place?.senders.values() ?? [])].filter(
        ({ peers }) => peer === null || peers === 'any' || peers.has(peer),
      );
      keys.push(key);
      senders.push(...found);
      isCrowded ||= place?.isCrowded ?? false;
    }
    return { keys, senders, isCrowded };
  }

  /**
   * Forgets who sent from where a socket has ended, at the end of a drain: several may have ended one after the other at
   * one port since the last one, and each of them may be any sender's.
   */
  settle(): void {
    for (const key of this.#left) this.#delete(key);
    this.#left.clear();
  }

  clear(): void {
    this.#places.clear();
    this.#addresses.clear();
  }
}
