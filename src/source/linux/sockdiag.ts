import type { Degradation, Snapshot } from '../../model/batch.ts';
import { isAnyAddress } from '../../model/address.ts';
import type { Endpoint, Owner, Protocol, Socket, TcpInfo, Timer, Traffic } from '../../model/socket.ts';
import type { Source, SourceOptions } from '../types.ts';
import { Attribution, isHidden, type Listeners, type Owned } from './attribution.ts';
import { Namespaces } from './namespaces.ts';
import {
  decodeAddresses,
  decodeDetails,
  decodeTimer,
  decodeTraffic,
  INET,
  type InetAddresses,
} from './netlink/inet.ts';
import { OTHERS, type OtherMessage } from './netlink/others.ts';
import { cookieId, SIGHT, Slots } from './netlink/slots.ts';
import { isForbidden, type NetlinkSystem } from './netlink/system.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer } from './netlink/wire.ts';
import { Network, type NetworkReading } from './network.ts';
import { OtherSockets } from './other-sockets.ts';
import type { Proc } from './proc.ts';
import { isLinkLocal } from './table.ts';

export interface SockDiagOptions extends SourceOptions {
  readonly system: NetlinkSystem;
  readonly proc: Proc;
  /** User names by uid, below the proc file system. */
  readonly passwdPath: string;
  /** Where /run and /var are. */
  readonly root: string;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** Wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly isRoot: boolean;
}

/** What a reading said of a socket that it had not said before; without addresses they are as they were. */
interface News {
  readonly slot: number;
  readonly network: Network;
  readonly protocol: Protocol;
  readonly id: string;
  readonly addresses: InetAddresses | undefined;
  readonly uid: number;
  readonly inode: number;
  readonly interfaceIndex: number;
  readonly traffic: Traffic;
  readonly timer: Timer | undefined;
  readonly tcp: TcpInfo | undefined;
}

/**
 * Every socket of every network namespace that this user may enter, with what has gone through each, from sock_diag(7)
 * over netlink; the programs behind them from /proc/PID.
 */
export class SockDiagSource implements Source {
  readonly name = 'sock_diag';
  readonly #options: SockDiagOptions;
  readonly #attribution: Attribution;
  readonly #namespaces: Namespaces;
  readonly #networks = new Map<number, Network>();
  /** Inodes of namespaces that could not be entered. */
  readonly #closed = new Map<number, string>();
  readonly #slots = new Slots();
  /** By slot: the socket, and the namespace that it is in. */
  readonly #bySlot: (Socket | undefined)[] = [];
  readonly #networkOf: (Network | undefined)[] = [];
  readonly #slotOfInode = new Map<number, number>();
  /** Slots of sockets whose owners are those of another socket: the listener's. */
  readonly #derived = new Set<number>();
  readonly #others: OtherSockets;
  #news: News[] = [];
  #problems = 0;
  #nowWallMs = 0;
  #sockets: ReadonlyMap<string, Socket> = new Map();
  #hidden: ReadonlyMap<string, number> = new Map();
  #isFirst = true;
  readonly #versions = new Map<Network, number>();

  constructor(options: SockDiagOptions) {
    this.#options = options;
    const { proc, passwdPath, root, nowMs, isRoot } = options;
    this.#attribution = new Attribution({ proc, passwdPath, nowMs, isRoot });
    this.#namespaces = new Namespaces({ proc, root });
    this.#others = new OtherSockets(proc, this.#attribution);
  }

  /** Rejects when the sockets of our own namespace cannot be read the first time; later the last ones stay. */
  async read(): Promise<Snapshot> {
    const { nowMs, wallMs, ownerBudgetMs } = this.#options;
    const startMs = nowMs();
    this.#nowWallMs = wallMs();
    this.#followNamespaces();
    const readings = this.#readSockets();
    const failure = readings.find(([network, { failure }]) => network.isOwn && failure !== undefined)?.[1]
      .failure;
    if (failure !== undefined && this.#isFirst)
      throw new Error(`cannot read the sockets of this machine: ${failure}`);
    this.#isFirst = false;
    const interfaces = [...this.#networks.values()].flatMap((network) => network.readInterfaces());
    const gone = this.#slots.end(readings.every(([, { isComplete }]) => isComplete));
    const readMs = nowMs();
    const { added, removed } = this.#inodes(gone);
    this.#attribution.owners.refresh(added, removed, ownerBudgetMs);
    const ownersMs = nowMs();
    this.#settle(gone);
    return {
      sockets: this.#sockets,
      interfaces,
      degradations: this.#degradations(readings),
      sampleMs: readMs - startMs + (nowMs() - ownersMs),
      ownersMs: ownersMs - readMs,
    };
  }

  /** Opens the namespaces that have come, and closes those that have gone. */
  #followNamespaces(): void {
    const { pids } = this.#attribution.owners;
    const found = this.#namespaces.refresh(pids.length > 0 ? pids : undefined);
    const inodes = new Set(found.map(({ inode }) => inode));
    for (const [inode, network] of this.#networks) {
      if (inodes.has(inode)) continue;
      network.close();
      this.#networks.delete(inode);
      this.#versions.delete(network);
    }
    for (const inode of this.#closed.keys()) if (!inodes.has(inode)) this.#closed.delete(inode);
    for (const namespace of found) {
      const known = this.#networks.get(namespace.inode);
      if (known) known.follow(namespace);
      else if (namespace.isOwn || !this.#closed.has(namespace.inode)) this.#enter(namespace);
    }
  }

  #enter(found: ConstructorParameters<typeof Network>[1]): void {
    try {
      this.#networks.set(found.inode, new Network(this.#options.system, found, this.#options));
    } catch (error) {
      if (found.isOwn) throw error;
      // One that went while it was being entered is simply gone; where it is forbidden it stays so.
      if (isForbidden(error)) this.#closed.set(found.inode, error instanceof Error ? error.message : '');
    }
  }

  #readSockets(): [Network, NetworkReading][] {
    this.#problems = 0;
    this.#news = [];
    this.#slots.begin();
    this.#others.begin();
    return [...this.#networks.values()].map((network) => {
      const reading = network.readSockets(this.#onSocket);
      this.#others.readPing(network);
      return [network, reading];
    });
  }

  readonly #onSocket = (
    network: Network,
    protocol: Protocol,
    buffer: NetlinkBuffer,
    start: number,
    end: number,
  ): void => {
    if (protocol in OTHERS) {
      const message = OTHERS[protocol as keyof typeof OTHERS].decode(buffer, start, end) as
        OtherMessage | undefined;
      if (message) this.#others.add(message, network);
      else this.#problems++;
      return;
    }
    if (end - start < INET.length) {
      this.#problems++;
      return;
    }
    const sight = this.#slots.see(buffer, start, end, this.#nowWallMs);
    if (sight !== SIGHT.same) this.#note(network, protocol, buffer, start, end, sight === SIGHT.traffic);
  };

  /** Decodes what is new; the buffer is overwritten by the next message. */
  #note(
    network: Network,
    protocol: Protocol,
    buffer: NetlinkBuffer,
    start: number,
    end: number,
    isTraffic: boolean,
  ): void {
    const { slot, info } = this.#slots;
    const { view } = buffer;
    const addresses = isTraffic ? undefined : decodeAddresses(buffer, start, protocol);
    if (addresses === undefined && !isTraffic) {
      this.#problems++;
      return;
    }
    const isTcp = protocol === 'tcp' || protocol === 'mptcp';
    this.#networkOf[slot] = network;
    this.#news.push({
      slot,
      network,
      protocol,
      id: isTraffic ? '' : cookieId(buffer, start + INET.cookie),
      addresses,
      uid: view.getUint32(start + INET.uid, LITTLE_ENDIAN),
      inode: view.getUint32(start + INET.inode, LITTLE_ENDIAN),
      interfaceIndex: view.getUint32(start + INET.interface, LITTLE_ENDIAN),
      traffic: decodeTraffic(buffer, start, info, this.#nowWallMs),
      timer: isTcp ? decodeTimer(buffer, start, this.#nowWallMs) : undefined,
      tcp: isTcp && this.#options.tcpDetails ? decodeDetails(buffer, start, end) : undefined,
    });
  }

  /** Inodes of sockets that have come and that have gone since the last reading. */
  #inodes(gone: readonly number[]): { added: number[]; removed: number[] } {
    const added = this.#others.added;
    const removed = this.#others.removed();
    for (const slot of gone) {
      const inode = this.#bySlot[slot]?.inode;
      if (inode !== undefined) removed.push(inode);
    }
    for (const { slot, inode, addresses } of this.#news) {
      const before = this.#bySlot[slot]?.inode ?? 0;
      if (addresses === undefined || before === inode) continue;
      if (before > 0) removed.push(before);
      if (inode > 0) added.push(inode);
    }
    if (removed.length === 0 || added.length === 0) return { added, removed };
    // One that another socket has by now is not gone: the kernel gives numbers anew.
    const present = new Set(added);
    return { added, removed: removed.filter((inode) => !present.has(inode)) };
  }

  /** Makes the sockets of this reading out of those of the last one and of what is new. */
  #settle(gone: readonly number[]): void {
    let listeners: Listeners | undefined;
    const listenersNow = () => (listeners ??= this.#attribution.listeners(this.#owned()));
    let isChanged = gone.length > 0 || this.#news.length > 0;
    for (const slot of gone) this.#forget(slot);
    const stale = this.#stale();
    for (const news of this.#news) {
      const { slot, addresses, inode } = news;
      const before = this.#bySlot[slot];
      let owners = before?.owners ?? NO_OWNERS;
      // Where nobody holds the socket the owner may be a listener's, which may come later in this list.
      if (addresses && inode === 0) stale.add(slot);
      else if (addresses) {
        owners = this.#attribution.ownersOf(
          { ...addresses, protocol: news.protocol, inode },
          before?.owners,
          listenersNow,
        );
        stale.delete(slot);
      }
      this.#put(slot, makeSocket(news, before, owners, this.#attribution));
    }
    for (const slot of stale) if (this.#reown(slot, listenersNow)) isChanged = true;
    if (this.#relabel()) isChanged = true;
    if (this.#others.settle(listenersNow)) isChanged = true;
    if (isChanged) this.#collect();
  }

  /** Asks anew for the owners of a socket. @returns true when they are others than before */
  #reown(slot: number, listeners: () => Listeners): boolean {
    const socket = this.#bySlot[slot];
    const network = this.#networkOf[slot];
    if (!socket || !network) return false;
    const lastKnown = socket.owners.length > 0 ? socket.owners : undefined;
    const owners = this.#attribution.ownersOf({ ...socket, netns: network.inode }, lastKnown, listeners);
    if (socket.inode === undefined && owners[0]?.knowledge !== 'inherited') this.#derived.add(slot);
    else this.#derived.delete(slot);
    if (owners === socket.owners) return false;
    this.#bySlot[slot] = { ...socket, owners };
    return true;
  }

  #put(slot: number, socket: Socket): void {
    const before = this.#bySlot[slot]?.inode;
    if (before !== socket.inode) {
      if (before !== undefined && this.#slotOfInode.get(before) === slot) this.#slotOfInode.delete(before);
      if (socket.inode !== undefined) this.#slotOfInode.set(socket.inode, slot);
    }
    this.#bySlot[slot] = socket;
  }

  #forget(slot: number): void {
    const inode = this.#bySlot[slot]?.inode;
    if (inode !== undefined && this.#slotOfInode.get(inode) === slot) this.#slotOfInode.delete(inode);
    this.#bySlot[slot] = undefined;
    this.#networkOf[slot] = undefined;
    this.#derived.delete(slot);
  }

  /** Slots of sockets whose owners may be others than they were. */
  #stale(): Set<number> {
    const { changed } = this.#attribution.owners;
    const slots = new Set<number>();
    for (const inode of changed) {
      const slot = this.#slotOfInode.get(inode);
      if (slot !== undefined) slots.add(slot);
    }
    if (changed.size > 0) for (const slot of this.#derived) slots.add(slot);
    return slots;
  }

  *#owned(): Generator<Owned> {
    for (const [slot, socket] of this.#bySlot.entries()) {
      const netns = this.#networkOf[slot]?.inode;
      if (socket?.state === 'LISTEN') yield { ...socket, netns };
    }
  }

  /** Where the name or the interfaces of a namespace are others, all its sockets say so. */
  #relabel(): boolean {
    const relabelled = new Set<Network>();
    for (const network of this.#networks.values()) {
      const before = this.#versions.get(network);
      this.#versions.set(network, network.version);
      if (before !== undefined && before !== network.version) relabelled.add(network);
    }
    if (relabelled.size === 0) return false;
    for (const [slot, socket] of this.#bySlot.entries()) {
      const network = this.#networkOf[slot];
      if (!socket || !network || !relabelled.has(network)) continue;
      const { interface: _, ...rest } = socket;
      const name = socket.interface ?? network.interfaces.ofAddress(socket.local.address);
      this.#bySlot[slot] = { ...rest, netns: network.netns, ...(name !== undefined && { interface: name }) };
    }
    return true;
  }

  #collect(): void {
    const sockets = new Map<string, Socket>();
    const hidden = new Map<string, number>();
    const take = (socket: Socket): void => {
      sockets.set(socket.id, socket);
      if (!isHidden(socket.owners)) return;
      const user = socket.user ?? `user ${socket.uid ?? '?'}`;
      hidden.set(user, (hidden.get(user) ?? 0) + 1);
    };
    for (const socket of this.#bySlot) if (socket) take(socket);
    for (const socket of this.#others.sockets()) take(socket);
    this.#sockets = sockets;
    this.#hidden = hidden;
  }

  #degradations(readings: readonly (readonly [Network, NetworkReading])[]): Degradation[] {
    const hidden = this.#attribution.hiddenNotice(this.#hidden);
    const sum = (of: (reading: NetworkReading) => number) =>
      readings.reduce((total, [, reading]) => total + of(reading), 0);
    const problems = this.#problems + sum((reading) => reading.problems);
    const interrupted = sum((reading) => reading.interrupted);
    const failures = readings.filter(([, { isComplete }]) => !isComplete).length;
    const missing = new Set(readings.flatMap(([network, reading]) => (network.isOwn ? reading.missing : [])));
    return [
      ...(hidden ? [hidden] : []),
      ...(this.#options.isRoot ? [] : [ONE_NAMESPACE]),
      ...(this.#closed.size > 0 ? [closedNamespaces(this.#closed.size)] : []),
      ...(failures > 0 ? [STALE] : []),
      ...(problems > 0 ? [unreadableMessages(problems)] : []),
      ...(interrupted > 0 ? [interruptedDumps(interrupted)] : []),
      ...(missing.size > 0 ? [missingKinds([...missing])] : []),
    ];
  }
}

/** The socket after some news. */
function makeSocket(
  news: News,
  before: Socket | undefined,
  owners: readonly Owner[],
  attribution: Attribution,
): Socket {
  const { addresses, network, timer, tcp } = news;
  // After the end of a connection the kernel tells no counters any more: the last known ones are still true.
  const traffic = before?.traffic ? { ...before.traffic, ...news.traffic } : news.traffic;
  if (addresses === undefined && before) {
    const { timer: _, ...rest } = before;
    return { ...rest, traffic, ...(timer && { timer }), ...(tcp && { tcp }) };
  }
  if (addresses === undefined) throw new Error('news without addresses are of a socket that is known');
  const { local, remote, state } = addresses;
  const { interfaces } = network;
  const bound = news.interfaceIndex > 0 ? interfaces.nameOf(news.interfaceIndex) : undefined;
  const name = bound ?? (isAnyAddress(local.address) ? undefined : interfaces.ofAddress(local.address));
  const inode = news.inode > 0 ? news.inode : undefined;
  // Once nobody holds the socket the kernel says 0, whoever it was.
  const uid = news.inode > 0 || news.uid > 0 ? news.uid : before?.uid;
  const user = uid === undefined ? undefined : attribution.userOf(uid);
  const { id, protocol } = news;
  const { family } = addresses;
  const { netns } = network;
  const ends = { local: scoped(local, name), remote: remote && scoped(remote, name) };
  if (
    state !== undefined &&
    inode !== undefined &&
    uid !== undefined &&
    user !== undefined &&
    name !== undefined &&
    !timer &&
    !tcp
  ) {
    // Nearly every connection: made in one piece, an object is smaller than one that grew.
    const { local, remote } = ends;
    return {
      id,
      protocol,
      family,
      local,
      remote,
      state,
      inode,
      uid,
      user,
      interface: name,
      netns,
      traffic,
      owners,
    };
  }
  return {
    id,
    protocol,
    family,
    ...ends,
    ...(state !== undefined && { state }),
    ...(inode !== undefined && { inode }),
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    ...(name !== undefined && { interface: name }),
    netns,
    traffic,
    ...(timer && { timer }),
    ...(tcp && { tcp }),
    owners,
  };
}

const NO_OWNERS: readonly Owner[] = [];

/** A link-local address means something only together with its link; both ends are on one. */
const scoped = (endpoint: Endpoint, name: string | undefined): Endpoint =>
  name !== undefined && isLinkLocal(endpoint.address)
    ? { ...endpoint, address: `${endpoint.address}%${name}` }
    : endpoint;

const ONE_NAMESPACE: Degradation = {
  code: 'one-namespace',
  text: 'only the network namespace that netpane runs in is shown: run with sudo to see those of containers too',
  short: 'one namespace: sudo',
};

const STALE: Degradation = {
  code: 'stale',
  text: 'the kernel broke off a list of sockets: what is missing in it is shown as it was a while ago',
  short: 'partly stale',
};

const closedNamespaces = (count: number): Degradation => ({
  code: 'namespaces-closed',
  text: `${count} network ${count === 1 ? 'namespace' : 'namespaces'} may not be entered, and ${count === 1 ? 'its sockets are' : 'their sockets are'} not shown: the right CAP_SYS_ADMIN is missing`,
  short: `${count} namespaces closed`,
});

const unreadableMessages = (count: number): Degradation => ({
  code: 'unreadable-messages',
  text: `${count} ${count === 1 ? 'message' : 'messages'} of the kernel could not be read`,
  short: `${count} messages unreadable`,
});

const interruptedDumps = (count: number): Degradation => ({
  code: 'interrupted-dumps',
  text: `${count} of the kernel's lists changed each time they were read: a socket may be missing, or shown a moment too long`,
  short: `${count} lists inconsistent`,
});

const missingKinds = (kinds: readonly Protocol[]): Degradation => ({
  code: 'missing-kinds',
  text: `this kernel tells nothing of ${kinds.join(', ')} sockets`,
  short: `no ${kinds.join(', ')}`,
});
