import { isAnyAddress, unmapped } from '../../../model/address.ts';
import type { Endpoint, Family, Owner } from '../../../model/socket.ts';
import type { RouteRecord } from '../trace/records.ts';

/** Maximum number of source endpoints kept: more than short-lived sockets use at a time. */
const MAX_ENDPOINTS = 10_000;

/** Maximum number of senders kept of one source endpoint, and of peers of each sender. */
const MAX_SENDERS = 8;
const MAX_PEERS = 16;

/** A closed UDP socket, from the kernel's close message. */
export interface UdpSocket {
  /** Inode of its network namespace. */
  readonly netns: number;
  readonly family: Family;
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
}

/** A process that sent from a source endpoint, and its peers; `any` if there were more than `MAX_PEERS`. */
interface Sender {
  owners: readonly Owner[];
  /** The process has ended, and may have sent from another namespace than the one it started in. */
  readonly mayHaveMoved: boolean;
  readonly peers: Set<string> | 'any';
}

/** A namespace, port and address from which UDP packets were sent. */
interface SourceEndpoint {
  /** Namespace and port: a key of `#addresses`. */
  readonly netnsPort: string;
  readonly senders: Map<number, Sender>;
  /** More than `MAX_SENDERS` processes sent from it. */
  hasTooManySenders: boolean;
}

/**
 * Maximum number of traced route lookups per second, averaged over a second or more. At ten times as many, tracing
 * costs the sender a quarter of its speed.
 */
const MAX_LOOKUPS_PER_S = 20_000;

/** Key of senders whose namespace could not be read: they may be in any namespace. */
const UNKNOWN_NETNS = 0;

/** Returns true for a multicast address: 224.0.0.0/4 or ff00::/8. */
const isMulticast = (address: string): boolean => /^(?:2(?:2[4-9]|3\d)\.|ff..:)/.test(address);

/** Returns true if a route lookup of the socket can have `from` as its source address. */
function maySendFrom({ family, local, remote }: UdpSocket, from: string): boolean {
  const address = unmapped(local.address);
  if (from === address) return true;
  // A socket bound to any address may choose one per packet (IP_PKTINFO); an IPv6 socket may send IPv4.
  if (isAnyAddress(address)) return family === 'ipv6' || !from.includes(':');
  // The source address is still 0.0.0.0 or :: when connect(2) looks up the route, and if the socket is bound to a
  // multicast group.
  return from === (address.includes(':') ? '::' : '0.0.0.0') && (remote !== null || isMulticast(address));
}

const peerOf = ({ address, port }: Endpoint): string => `${unmapped(address)} ${port}`;

const asSender = ({ owners }: Sender): readonly Owner[] =>
  owners.map((owner) => ({ ...owner, knowledge: 'sender' }));

const GONE: readonly Owner[] = [{ knowledge: 'gone' }];
const unknown = (tried: string): readonly Owner[] => [{ knowledge: 'unknown', tried }];
const SEVERAL = unknown('several programs sent from its address and port');
const SHARED = unknown('a program sent from its address and port, but another socket uses them too');
const IN_UNKNOWN_NAMESPACE = unknown(
  'a program sent from its port, but its network namespace could not be read',
);

/**
 * The processes that sent UDP packets, by source endpoint: they name the owner of a UDP socket that closed before a poll
 * saw it. UDP has no states to trace, and no trace record links a packet to its socket. The trace of route lookups
 * (include/trace/events/fib.h) has the sending thread, the port and the addresses, but neither socket nor namespace; the
 * thread's namespace is used. The thread may use a socket of another namespace that was passed to it, so the owner is
 * never `exact`: it is `sender` if only one process sent from the same port and address in the same namespace, and no
 * other socket has them.
 */
export class Senders {
  /** By namespace, port and address; the most recently used last. */
  readonly #endpoints = new Map<string, SourceEndpoint>();
  /** Source addresses by namespace and port. */
  readonly #addresses = new Map<string, Set<string>>();
  /** Keys of endpoints whose last socket has closed. */
  readonly #released = new Set<string>();
  readonly #firstNetns: number | undefined;
  /** Route lookups since `#countedSinceMs`. */
  #lookups = 0;
  #countedSinceMs = 0;
  #isStopped = false;

  /** @param firstNetns inode of the machine's initial network namespace; undefined if unknown */
  constructor(firstNetns: number | undefined) {
    this.#firstNetns = firstNetns;
  }

  /** True after too many lookups: senders are no longer tracked. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Counts a route lookup, of a program or of the kernel. */
  countLookup(): void {
    this.#lookups++;
  }

  /**
   * Returns true if the lookups of the last second exceed the limit: tracing would slow down a server that sends many
   * packets. Checked at most once per second; the first call only starts the count. True only once.
   */
  shouldStop(nowMs: number): boolean {
    if (this.#isStopped || nowMs - this.#countedSinceMs < 1000) return false;
    const perSecond = (this.#lookups / (nowMs - this.#countedSinceMs)) * 1000;
    const isFirst = this.#countedSinceMs === 0;
    [this.#lookups, this.#countedSinceMs] = [0, nowMs];
    if (isFirst || perSecond < MAX_LOOKUPS_PER_S) return false;
    this.#isStopped = true;
    this.clear();
    return true;
  }

  /**
   * Adds the sender of a route lookup.
   * @param network namespace of the thread, from `Actors.networkOf`; undefined if it could not be read
   */
  add(
    { localPort, localAddress, remoteAddress, remotePort }: RouteRecord,
    owners: readonly Owner[],
    network: { readonly netns: number; readonly mayHaveMoved: boolean } = {
      netns: UNKNOWN_NETNS,
      mayHaveMoved: false,
    },
  ): void {
    const pid = owners[0]?.pid;
    if (pid === undefined || localPort === 0) return;
    const { netns, mayHaveMoved } = network;
    const endpoint = this.#endpointAt(`${netns} ${localPort}`, unmapped(localAddress));
    const peer = peerOf({ address: remoteAddress, port: remotePort });
    const known = endpoint.senders.get(pid);
    if (known) {
      known.owners = owners;
      if (known.peers === 'any' || known.peers.has(peer)) return;
      if (known.peers.size < MAX_PEERS) known.peers.add(peer);
      else endpoint.senders.set(pid, { ...known, peers: 'any' });
    } else if (endpoint.senders.size < MAX_SENDERS)
      endpoint.senders.set(pid, { owners, mayHaveMoved, peers: new Set([peer]) });
    else endpoint.hasTooManySenders = true;
  }

  #endpointAt(netnsPort: string, address: string): SourceEndpoint {
    const key = `${netnsPort} ${address}`;
    const endpoint = this.#endpoints.get(key) ?? {
      netnsPort,
      senders: new Map<number, Sender>(),
      hasTooManySenders: false,
    };
    this.#endpoints.delete(key);
    this.#endpoints.set(key, endpoint);
    const addresses = this.#addresses.get(netnsPort);
    if (addresses) addresses.add(address);
    else this.#addresses.set(netnsPort, new Set([address]));
    const [oldest] = this.#endpoints.keys();
    if (this.#endpoints.size > MAX_ENDPOINTS && oldest !== undefined) this.#delete(oldest);
    return endpoint;
  }

  #delete(key: string): void {
    const endpoint = this.#endpoints.get(key);
    if (endpoint === undefined) return;
    this.#endpoints.delete(key);
    const addresses = this.#addresses.get(endpoint.netnsPort);
    addresses?.delete(key.slice(endpoint.netnsPort.length + 1));
    if (addresses?.size === 0) this.#addresses.delete(endpoint.netnsPort);
  }

  /**
   * Returns the owners of a closed UDP socket. `removeReleased` then removes the senders of its endpoint, unless another
   * socket has the same port and address.
   * @param isShared returns true if another socket has them; called only if there are senders
   */
  takeOwners(socket: UdpSocket, isShared: () => boolean): readonly Owner[] {
    const here = this.#sendersOf(socket, socket.netns);
    const elsewhere = this.#sendersOf(socket, UNKNOWN_NETNS);
    const pids = new Set([...here.senders, ...elsewhere.senders].map(({ owners }) => owners[0]?.pid));
    const hasTooManySenders = here.hasTooManySenders || elsewhere.hasTooManySenders;
    if (pids.size === 0 && !hasTooManySenders) return this.#takeMovedSender(socket) ?? GONE;
    const isAlone = !isShared();
    if (isAlone) for (const key of [...here.keys, ...elsewhere.keys]) this.#released.add(key);
    if (pids.size > 1 || hasTooManySenders) return SEVERAL;
    const [only] = here.senders;
    if (only === undefined) return IN_UNKNOWN_NAMESPACE;
    if (!isAlone) return SHARED;
    return asSender(only);
  }

  /**
   * Returns the owners of the only ended process that started in the initial namespace and sent from the same port and
   * address, and removes it; `SEVERAL` for more than one, undefined for none. ip-netns(8), nsenter(1) and container
   * engines enter another namespace before they run a program. The opposite direction is not searched: it needs
   * CAP_SYS_ADMIN over the initial namespace (setns(2)), which ordinary users do not have.
   */
  #takeMovedSender(socket: UdpSocket): readonly Owner[] | undefined {
    if (this.#firstNetns === undefined || socket.netns === this.#firstNetns) return undefined;
    const { senders, keys } = this.#sendersOf(socket, this.#firstNetns);
    const [moved, ...others] = senders.filter(({ mayHaveMoved }) => mayHaveMoved);
    if (moved === undefined) return undefined;
    if (others.some(({ owners }) => owners[0]?.pid !== moved.owners[0]?.pid)) return SEVERAL;
    for (const key of keys) {
      const endpoint = this.#endpoints.get(key);
      for (const [pid, sender] of endpoint?.senders ?? [])
        if (sender === moved) endpoint?.senders.delete(pid);
    }
    return asSender(moved);
  }

  /** Returns the senders that may have used a socket, and the keys of all endpoints it may have sent from. */
  #sendersOf(socket: UdpSocket, netns: number) {
    const netnsPort = `${netns} ${socket.local.port}`;
    const peer = socket.remote && peerOf(socket.remote);
    const keys: string[] = [];
    const senders: Sender[] = [];
    let hasTooManySenders = false;
    for (const from of this.#addresses.get(netnsPort) ?? []) {
      if (!maySendFrom(socket, from)) continue;
      const key = `${netnsPort} ${from}`;
      const endpoint = this.#endpoints.get(key);
      const found = [...(endpoint?.senders.values() ?? [])].filter(
        ({ peers }) => peer === null || peers === 'any' || peers.has(peer),
      );
      keys.push(key);
      senders.push(...found);
      hasTooManySenders ||= endpoint?.hasTooManySenders ?? false;
    }
    return { keys, senders, hasTooManySenders };
  }

  /**
   * Removes the endpoints of closed sockets, at the end of a drain: several sockets may have used one port since the last
   * drain, and each of them may belong to any of its senders.
   */
  removeReleased(): void {
    for (const key of this.#released) this.#delete(key);
    this.#released.clear();
  }

  clear(): void {
    this.#endpoints.clear();
    this.#addresses.clear();
  }
}
