import type { Degradation, Snapshot } from '../../model/batch.ts';
import type { Owner, Protocol, Socket, SocketState } from '../../model/socket.ts';
import { SocketLimiter, type NewSocketKind } from '../socket-limiter.ts';
import type { Leftovers, Source, SourceOptions } from '../types.ts';
import { Attribution, isHidden, Listeners, type OwnedSocket } from './owners/attribution.ts';
import { LinuxEvents, type TraceReader } from './events/events.ts';
import { InodeSlots } from './sockets/inode-slots.ts';
import { NamespaceSearch } from './namespaces/namespace-search.ts';
import { Namespaces } from './namespaces/namespaces.ts';
import {
  AF_INET,
  decodeAddresses,
  decodeDetails,
  decodeTimer,
  decodeTraffic,
  INET,
  isRemnantAt,
  sockIdAt,
  STATES,
} from './netlink/inet.ts';
import { decodeOpened } from './netlink/opened.ts';
import { OTHERS } from './netlink/others.ts';
import { cookieId, CHANGE, Slots } from './netlink/slots.ts';
import type { NetlinkSystem } from './netlink/system.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer } from './netlink/wire.ts';
import type { Network, NetworkPoll } from './namespaces/network.ts';
import { Networks } from './namespaces/networks.ts';
import { interfaceOf, makeSocket, type SocketMessage, scoped, unscoped } from './sockets/make-socket.ts';
import { OtherSockets } from './sockets/other-sockets.ts';
import type { Proc } from './proc/proc.ts';
import { RollingMap } from './sockets/rolling-map.ts';
import { namespaceNotices } from './namespaces/namespace-notices.ts';
import { TcpSurplus } from './namespaces/tcp-surplus.ts';
import {
  interruptedDumps,
  missingKinds,
  STALE,
  tablesUnread,
  unreadableMessages,
} from './sockdiag-notices.ts';

/** Maximum time that the first poll spends searching for namespaces without a process, milliseconds. */
const FIRST_SEARCH_MS = 1000;

export interface SockDiagOptions extends SourceOptions {
  readonly system: NetlinkSystem;
  readonly proc: Proc;
  /** Path of passwd(5), relative to the proc file system. */
  readonly passwdPath: string;
  /** Folder that contains `run` and `var`; `/` outside tests. */
  readonly root: string;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** Wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly isRoot: boolean;
  /** See `OtherHolders`. */
  readonly hasRingPaths?: boolean;
  /** Opens the kernel's trace; returns the reason (a clause without a full stop) if that is not possible. */
  readonly openTrace?: () => TraceReader | string;
}

/**
 * The source `sock_diag`: reads all sockets of all network namespaces that this user may enter, with their traffic,
 * from sock_diag(7) over netlink, and their owners from /proc/PID.
 *
 *     namespaces → networks → dumps → slots (changes) → owners → sockets → snapshot
 *
 * A `Network` is a namespace with its netlink sockets. Each socket has a slot, whose number is an index into the arrays
 * of this class.
 */
export class SockDiagSource implements Source {
  readonly name = 'sock_diag';
  readonly events?: LinuxEvents;
  readonly #options: SockDiagOptions;
  readonly #attribution: Attribution;
  readonly #namespaces: Namespaces;
  readonly #networks: Networks;
  readonly #search: NamespaceSearch;
  readonly #surplus = new TcpSurplus();
  readonly #slots = new Slots();
  /** By slot: socket and namespace; undefined for a free slot. */
  readonly #bySlot: (Socket | undefined)[] = [];
  readonly #networkOf: (Network | undefined)[] = [];
  /** By slot: index of the interface that the socket is bound to, 0 for none. */
  readonly #interfaceIndex: number[] = [];
  /** By slot: inode in the last message of this poll; -1 after `#changedInodes` has processed it. */
  readonly #newInode: number[] = [];
  readonly #slotsOfInode = new InodeSlots();
  /** Slots of sockets with an unknown state or family. */
  readonly #undecodable = new Set<number>();
  /** Slots of sockets without an inode: their owners are those of the listener. */
  readonly #ownedByListener = new Set<number>();
  /** Sockets without a slot: Unix, packet and other rare kinds, and those read from /proc/net. */
  readonly #others: OtherSockets;
  readonly #limiter: SocketLimiter;
  /** Decoded messages of this poll about new and changed sockets. */
  #messages: SocketMessage[] = [];
  /** Connection requests (SYN_RECV) that are new in the namespace being read: see `#resolveRequests`. */
  #connectionRequests: { readonly family: 'ipv4' | 'ipv6'; readonly sockId: Uint8Array }[] = [];
  /** Number of malformed messages and lines in this poll. */
  #problems = 0;
  /** Protocols that netlink does not list and whose tables in /proc/net could not be read in this poll. */
  readonly #unreadTables = new Set<Protocol>();
  /** Wall-clock start of this poll. */
  #nowWallMs = 0;
  /** All sockets by id, as changed by this poll, and as returned by the last one. */
  readonly #sockets = new RollingMap<Socket>();
  #published: ReadonlyMap<string, Socket> = new Map();
  /** Number of sockets with a hidden owner, by user. */
  #hiddenByUser: ReadonlyMap<string, number> = new Map();
  /** True until the first poll has read the sockets. */
  #isFirst = true;
  /** Listeners of the last poll; undefined until needed. */
  #listeners: Listeners | undefined;
  /** `Network.version` of the namespace name and interface names that the sockets show: see `#relabelSockets`. */
  readonly #versions = new Map<Network, number>();

  constructor(options: SockDiagOptions) {
    this.#options = options;
    const { proc, root, nowMs, system } = options;
    this.#attribution = new Attribution({
      ...options,
      isKernelPort: (netns, port) => this.#networks.get(netns)?.interfaces.isTunnelPort(port) ?? false,
    });
    this.#search = new NamespaceSearch(proc, nowMs, system);
    this.#namespaces = new Namespaces({ proc, root, search: this.#search });
    this.#networks = new Networks(system, this.#namespaces, options, () => this.#networksInUse());
    this.#limiter = new SocketLimiter(options.bounds);
    this.#others = new OtherSockets(proc, this.#attribution, this.#limiter);
    if (!options.events) return;
    // Opens the netlink sockets that report closes, so that no close from now on is missed.
    this.#refreshNetworks();
    this.events = new LinuxEvents({
      ...options,
      networks: () => this.#networks.values(),
      namespaceOf: (pid) => this.#namespaces.namespaceOf(pid),
      attribution: this.#attribution,
      listeners: () => (this.#listeners ??= this.#attribution.listeners(this.#listeningSockets())),
      trace: options.openTrace?.() ?? 'no tracing requested',
    });
  }

  get leftovers(): Leftovers | undefined {
    return this.events?.leftovers;
  }

  close(): void {
    this.events?.close();
    this.#networks.close();
  }

  /**
   * Returns a snapshot. If the sockets of netpane's own namespace cannot be read, the first call rejects, and a later
   * call returns the last known ones.
   */
  async read(): Promise<Snapshot> {
    const { nowMs, wallMs, ownerBudgetMs } = this.#options;
    const startMs = nowMs();
    this.#nowWallMs = wallMs();
    this.#refreshNetworks();
    const polls = this.#readSockets();
    const failure = [...polls].find(([network, { failure }]) => network.isOwn && failure !== undefined)?.[1]
      .failure;
    if (failure !== undefined && this.#isFirst)
      throw new Error(`cannot read the sockets of this machine: ${failure}`);
    this.#isFirst = false;
    const interfaces = [...this.#networks.values()].flatMap((network) => network.readInterfaces());
    const closedSlots = this.#slots.endPoll((slot) => this.#isUnfinished(slot, polls));
    const readMs = nowMs();
    const { added, removed } = this.#changedInodes(closedSlots);
    this.#attribution.owners.refresh(added, removed, ownerBudgetMs);
    const ownersMs = nowMs();
    this.#buildSockets(closedSlots);
    // Only now is it known in which namespaces a process holds a socket: close those that nothing uses.
    for (const network of this.#networks.closeUnused()) this.#versions.delete(network);
    const before = this.#published;
    this.#surplus.endPoll(this.#options.proc, this.#limiter.omitted > 0 ? undefined : this.#search.result);
    this.#published = this.#sockets.publish();
    if (this.#published !== before) this.#countHidden(this.#published);
    return {
      sockets: this.#published,
      interfaces,
      degradations: this.#degradations(polls),
      sampleMs: readMs - startMs + (nowMs() - ownersMs),
      ownersMs: ownersMs - readMs,
    };
  }

  #refreshNetworks(): void {
    const { pids } = this.#attribution.owners;
    for (const network of this.#networks.refresh(pids.length > 0 ? pids : undefined))
      this.#versions.delete(network);
  }

  /** Reads the sockets of every namespace into `#messages` and `#others`. */
  #readSockets(): ReadonlyMap<Network, NetworkPoll> {
    this.#problems = 0;
    this.#unreadTables.clear();
    this.#messages = [];
    this.#slots.beginPoll();
    this.#others.beginPoll();
    this.#limiter.begin();
    this.#surplus.beginPoll(this.#options.proc);
    const polls = new Map<Network, NetworkPoll>();
    for (const network of this.#networks.values()) this.#readNetwork(network, polls);
    if (this.#searchNamespaces()) {
      this.#refreshNetworks();
      for (const network of this.#networks.values())
        if (!polls.has(network)) this.#readNetwork(network, polls);
    }
    return polls;
  }

  #readNetwork(network: Network, polls: Map<Network, NetworkPoll>): void {
    const poll = network.readSockets(this.#onSocket, this.#collectEvents);
    this.#resolveRequests(network);
    for (const protocol of poll.unfinished) this.#others.keepPrevious(network, protocol);
    this.#readTables(network, poll.withoutDiag);
    polls.set(network, poll);
  }

  /** Continues the search for namespaces without a process. @returns true if one was found */
  #searchNamespaces(): boolean {
    if (this.#attribution.privileges.procFailure !== undefined) return false;
    let newInodes: Set<number> | undefined;
    const known = {
      isNamespace: (inode: number) => this.#namespaces.isKnown(inode),
      isSocket: (inode: number) => {
        newInodes ??= new Set([...this.#messages.map((message) => message.inode), ...this.#others.inodes()]);
        return this.#slotsOfInode.count(inode) > 0 || newInodes.has(inode);
      },
    };
    const budgetMs = this.#isFirst ? Math.min(this.#options.ownerBudgetMs, FIRST_SEARCH_MS) : undefined;
    return this.#search.step(() => this.#namespaces.pids(), known, budgetMs);
  }

  /** Returns the namespaces in which a process holds a socket. A socket keeps its namespace alive without a process. */
  #networksInUse(): ReadonlySet<Network> {
    const inUse = new Set<Network>();
    for (const [slot, socket] of this.#bySlot.entries()) {
      const network = this.#networkOf[slot];
      const knowledge = socket?.owners[0]?.knowledge;
      if (network && (knowledge === 'exact' || knowledge === 'pending')) inUse.add(network);
    }
    return inUse;
  }

  /** Reads from /proc the sockets of a namespace that netlink does not list. */
  #readTables(network: Network, withoutDiag: ReadonlySet<Protocol>): void {
    const read = (folder: string) => this.#others.readTables(network, folder, withoutDiag);
    try {
      let { problems, unread } = this.#inProcFolder(network, read);
      // The process whose folder was read may have ended: find another one.
      if (unread.size > 0) ({ problems, unread } = this.#inProcFolder(network, read, true));
      this.#problems += problems;
      for (const protocol of unread) this.#unreadTables.add(protocol);
    } catch {
      // The namespace has ended, or netpane cannot enter it, which another notice reports.
      for (const protocol of ['icmp', ...withoutDiag] as const) this.#others.keepPrevious(network, protocol);
    }
  }

  /**
   * Calls a function with the name of a folder in /proc that shows the namespace: `self`, or the pid of a process in
   * it. If there is none, this thread enters the namespace and the folder is `thread-self`. Throws if that fails.
   * @param checkNow true to check again that the process is in the namespace
   */
  #inProcFolder<T>(network: Network, act: (folder: string) => T, checkNow = false): T {
    if (network.isOwn) return act('self');
    const pid = network.inode === undefined ? undefined : this.#namespaces.processOf(network.inode, checkNow);
    return pid === undefined ? network.inside(() => act('thread-self')) : act(String(pid));
  }

  readonly #collectEvents = (): void => this.events?.collect();

  /** Returns true if the dump that should list a socket was incomplete: the socket may still be open. */
  #isUnfinished(slot: number, polls: ReadonlyMap<Network, NetworkPoll>): boolean {
    const network = this.#networkOf[slot];
    const protocol = this.#bySlot[slot]?.protocol;
    if (network === undefined || protocol === undefined) return false;
    return polls.get(network)?.unfinished.has(protocol) ?? false;
  }

  /** Handles a message of a dump about one socket. */
  readonly #onSocket = (
    network: Network,
    protocol: Protocol,
    buffer: NetlinkBuffer,
    start: number,
    end: number,
  ): void => {
    if (protocol in OTHERS) {
      const message = OTHERS[protocol as keyof typeof OTHERS].decode(buffer, start, end);
      if (message) this.#others.add(message, network);
      else this.#problems++;
      return;
    }
    if (end - start < INET.length) {
      this.#problems++;
      return;
    }
    if (!this.#limiter.hasRoomForEveryKind(this.#slots.size) && this.#omitIfFull(buffer, start)) return;
    if (protocol === 'tcp' && stateAt(buffer, start) === 'SYN_RECV' && !this.#slots.has(buffer, start)) {
      const family = buffer.bytes[start + INET.family] === AF_INET ? 'ipv4' : 'ipv6';
      this.#connectionRequests.push({ family, sockId: sockIdAt(buffer, start) });
      return;
    }
    this.#applyMessage(network, protocol, buffer, start, end);
  };

  /** If a socket is new and beyond the bound, counts it as omitted and returns true. */
  #omitIfFull(buffer: NetlinkBuffer, start: number): boolean {
    const kind = kindAt(buffer, start);
    if (this.#limiter.hasRoom(this.#slots.size, kind) || this.#slots.has(buffer, start)) return false;
    this.#limiter.countOmitted(kind);
    return true;
  }

  /**
   * Looks up each new connection request by its endpoints, and applies the socket that has them now, because the cookie
   * in the dump may belong to no socket. The kernel assigns a cookie when it first reports a socket. When the handshake
   * ends, the kernel creates the connection with the cookie of its request (net/ipv4/inet_connection_sock.c,
   * inet_csk_clone_lock). If the dump reports the request only after that, the request gets a new cookie, which the
   * connection does not have.
   */
  #resolveRequests(network: Network): void {
    for (const { family, sockId } of this.#connectionRequests) {
      network.findTcp(family, sockId, (buffer, start, end) => {
        // If the request is gone, the kernel returns the listener, which the dump contains anyway.
        if (stateAt(buffer, start) !== 'LISTEN') this.#applyMessage(network, 'tcp', buffer, start, end);
      });
      this.#collectEvents();
    }
    this.#connectionRequests = [];
  }

  #applyMessage(
    network: Network,
    protocol: Protocol,
    buffer: NetlinkBuffer,
    start: number,
    end: number,
  ): void {
    const change = this.#slots.applyMessage(buffer, start, end, this.#nowWallMs);
    if (change !== CHANGE.same)
      this.#decodeMessage(network, protocol, buffer, start, end, change === CHANGE.traffic);
  }

  /** Decodes a message about a new or changed socket into `#messages`. The next datagram overwrites the buffer. */
  #decodeMessage(
    network: Network,
    protocol: Protocol,
    buffer: NetlinkBuffer,
    start: number,
    end: number,
    isTrafficOnly: boolean,
  ): void {
    const { slot, info } = this.#slots;
    const { view } = buffer;
    const keepsAddresses = isTrafficOnly && !this.#undecodable.has(slot);
    const addresses = keepsAddresses ? undefined : decodeAddresses(buffer, start, protocol);
    if (addresses === undefined && !keepsAddresses) {
      this.#undecodable.add(slot);
      return;
    }
    this.#undecodable.delete(slot);
    const isTcp = protocol === 'tcp' || protocol === 'mptcp';
    const inode = view.getUint32(start + INET.inode, LITTLE_ENDIAN);
    this.#networkOf[slot] = network;
    this.#newInode[slot] = inode;
    this.#messages.push({
      slot,
      network,
      protocol,
      id: keepsAddresses ? '' : cookieId(buffer, start + INET.cookie),
      addresses,
      uid: view.getUint32(start + INET.uid, LITTLE_ENDIAN),
      inode,
      interfaceIndex: view.getUint32(start + INET.interface, LITTLE_ENDIAN),
      traffic: decodeTraffic(buffer, start, info, this.#nowWallMs),
      opened: protocol === 'tcp' ? decodeOpened(buffer, start, info) : undefined,
      timer: isTcp ? decodeTimer(buffer, start, this.#nowWallMs) : undefined,
      tcp: isTcp && this.#options.tcpDetails ? decodeDetails(buffer, start, end) : undefined,
    });
  }

  /** Returns the inodes that came and went since the last poll. */
  #changedInodes(closedSlots: readonly number[]): { added: number[]; removed: number[] } {
    const gained: number[] = [];
    const lost = new Map<number, number>();
    const countLost = (inode: number | undefined): void => {
      if (inode !== undefined) lost.set(inode, (lost.get(inode) ?? 0) + 1);
    };
    for (const slot of closedSlots) countLost(this.#bySlot[slot]?.inode);
    for (const { slot } of this.#messages) {
      // If a poll has several messages about a socket, the last one counts.
      const inode = this.#newInode[slot] ?? 0;
      const before = this.#bySlot[slot]?.inode;
      this.#newInode[slot] = -1;
      if (inode < 0 || (before ?? 0) === inode) continue;
      countLost(before);
      if (inode > 0) gained.push(inode);
    }
    const removed = new Set<number>(this.#others.removed());
    // An inode is gone when every slot that had it lost it.
    for (const [inode, count] of lost) if (this.#slotsOfInode.count(inode) <= count) removed.add(inode);
    // A removed inode that is also gained belongs to another socket now: the kernel reuses inodes.
    const isNew = (inode: number) => this.#slotsOfInode.count(inode) === 0 || removed.has(inode);
    return { added: [...this.#others.added, ...gained.filter(isNew)], removed: [...removed] };
  }

  /** Updates the sockets of the last poll with the messages of this one. */
  #buildSockets(closedSlots: readonly number[]): void {
    this.#listeners = undefined;
    const listenersNow = () => (this.#listeners ??= this.#attribution.listeners(this.#listeningSockets()));
    for (const slot of closedSlots) this.#removeSlot(slot);
    const stale = this.#staleSlots();
    for (const message of this.#messages) {
      const { slot, addresses, inode } = message;
      const before = this.#bySlot[slot];
      let owners = before?.owners ?? NO_OWNERS;
      // Without an inode, the owners are those of the listener, which may come later in `#messages`.
      if (addresses && inode === 0) stale.add(slot);
      else if (addresses) {
        owners = this.#attribution.ownersOf(
          { ...addresses, protocol: message.protocol, inode, netns: message.network.inode },
          before?.owners,
          listenersNow,
        );
        stale.delete(slot);
      }
      this.#interfaceIndex[slot] = message.interfaceIndex;
      this.#store(slot, makeSocket(message, before, owners, this.#attribution));
    }
    // Free the memory: in the first poll there is a message for every socket.
    this.#messages = [];
    for (const slot of stale) this.#updateOwners(slot, listenersNow);
    this.#relabelSockets();
    for (const { id, socket } of this.#others.buildSockets(listenersNow)) {
      if (socket) this.#sockets.set(id, socket);
      else this.#sockets.delete(id);
    }
  }

  /** Determines the owners of a socket again. */
  #updateOwners(slot: number, listeners: () => Listeners): void {
    const socket = this.#bySlot[slot];
    const network = this.#networkOf[slot];
    if (!socket || !network) return;
    const lastKnown = socket.owners.length > 0 ? socket.owners : undefined;
    const owners = this.#attribution.ownersOf({ ...socket, netns: network.inode }, lastKnown, listeners);
    if (socket.inode === undefined && owners[0]?.knowledge !== 'inherited') this.#ownedByListener.add(slot);
    else this.#ownedByListener.delete(slot);
    if (owners !== socket.owners) this.#store(slot, { ...socket, owners });
  }

  /** Stores a new version of the socket of a slot. */
  #store(slot: number, socket: Socket): void {
    this.#surplus.update(this.#bySlot[slot], socket);
    const before = this.#bySlot[slot]?.inode;
    if (before !== socket.inode) {
      if (before !== undefined) this.#slotsOfInode.delete(before, slot);
      if (socket.inode !== undefined) this.#slotsOfInode.add(socket.inode, slot);
    }
    this.#bySlot[slot] = socket;
    this.#sockets.set(socket.id, socket);
  }

  #removeSlot(slot: number): void {
    const socket = this.#bySlot[slot];
    if (socket?.inode !== undefined) this.#slotsOfInode.delete(socket.inode, slot);
    if (socket) {
      // After a malformed message, a socket of another kind may have the same id.
      const other = this.#others.get(socket.id);
      if (other) this.#sockets.set(other.id, other);
      else this.#sockets.delete(socket.id);
    }
    this.#surplus.update(socket, undefined);
    this.#undecodable.delete(slot);
    this.#bySlot[slot] = undefined;
    this.#networkOf[slot] = undefined;
    this.#ownedByListener.delete(slot);
  }

  /** Returns the slots of sockets whose owners may have changed. */
  #staleSlots(): Set<number> {
    const { changed } = this.#attribution.owners;
    const slots = new Set<number>();
    for (const inode of changed) for (const slot of this.#slotsOfInode.of(inode)) slots.add(slot);
    if (changed.size > 0) for (const slot of this.#ownedByListener) slots.add(slot);
    return slots;
  }

  *#listeningSockets(): Generator<OwnedSocket> {
    for (const [slot, socket] of this.#bySlot.entries()) {
      const netns = this.#networkOf[slot]?.inode;
      if (socket?.state === 'LISTEN' && socket.protocol !== 'sctp') yield { ...socket, netns };
    }
  }

  /** Updates the namespace name and interface name of sockets, in namespaces where these changed. */
  #relabelSockets(): void {
    const relabelled = new Set<Network>();
    for (const network of this.#networks.values()) {
      const before = this.#versions.get(network);
      this.#versions.set(network, network.version);
      if (before !== undefined && before !== network.version) relabelled.add(network);
    }
    if (relabelled.size === 0) return;
    for (const [slot, socket] of this.#bySlot.entries()) {
      const network = this.#networkOf[slot];
      if (!socket || !network || !relabelled.has(network)) continue;
      const { interface: before, ...rest } = socket;
      const local = unscoped(socket.local);
      const name = interfaceOf(network, this.#interfaceIndex[slot] ?? 0, local.address);
      if (socket.netns === network.netns && before === name) continue;
      this.#store(slot, {
        ...rest,
        local: scoped(local, name),
        remote: socket.remote && scoped(unscoped(socket.remote), name),
        ...(network.netns && { netns: network.netns }),
        ...(name !== undefined && { interface: name }),
      });
    }
  }

  /** Counts the sockets with a hidden owner, by user. */
  #countHidden(sockets: ReadonlyMap<string, Socket>): void {
    const hidden = new Map<string, number>();
    for (const { owners, user, uid } of sockets.values()) {
      if (!isHidden(owners)) continue;
      const name = user ?? `user ${uid ?? '?'}`;
      hidden.set(name, (hidden.get(name) ?? 0) + 1);
    }
    this.#hiddenByUser = hidden;
  }

  #degradations(polls: ReadonlyMap<Network, NetworkPoll>): Degradation[] {
    const hidden = this.#attribution.hiddenNotice(this.#hiddenByUser);
    const sum = (of: (poll: NetworkPoll) => number) =>
      [...polls.values()].reduce((total, poll) => total + of(poll), 0);
    const problems =
      this.#problems + this.#undecodable.size + sum((poll) => poll.problems) + (this.events?.problems ?? 0);
    const interrupted = sum((poll) => poll.interrupted);
    const incomplete = sum(({ unfinished }) => unfinished.size);
    const missing = new Set([...polls].flatMap(([network, { missing }]) => (network.isOwn ? missing : [])));
    const users = this.#attribution.usersNotice();
    const { privileges } = this.#attribution;
    return [
      // A narrow screen shows only the first notice: an outdated list matters most.
      ...(incomplete > 0 ? [STALE] : []),
      ...this.#limiter.notices(),
      ...(hidden ? [hidden] : []),
      ...namespaceNotices(this.#networks, this.#namespaces, privileges, {
        ...this.#search.result,
        unlisted: this.#surplus.count,
      }),
      ...(problems > 0 ? [unreadableMessages(problems)] : []),
      ...(interrupted > 0 ? [interruptedDumps(interrupted)] : []),
      ...(missing.size > 0 ? [missingKinds([...missing])] : []),
      ...(this.#unreadTables.size > 0 && privileges.procFailure === undefined
        ? [tablesUnread([...this.#unreadTables])]
        : []),
      ...(users ? [users] : []),
    ];
  }
}

const NO_OWNERS: readonly Owner[] = [];

const stateAt = ({ bytes }: NetlinkBuffer, start: number): SocketState | undefined =>
  STATES[bytes[start + INET.state] ?? 0];

/**
 * Returns the kind of a new socket. A UDP socket without a remote endpoint has the state CLOSE and counts as a
 * listener.
 */
function kindAt(buffer: NetlinkBuffer, start: number): NewSocketKind {
  if (isRemnantAt(buffer, start)) return 'remnant';
  const state = stateAt(buffer, start);
  return state === 'LISTEN' || state === 'CLOSE' ? 'listener' : 'connection';
}
