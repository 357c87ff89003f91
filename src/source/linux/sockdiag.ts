import type { Degradation, Snapshot } from '../../model/batch.ts';
import type { SocketToClose } from '../../model/close.ts';
import type { Protocol, Socket } from '../../model/socket.ts';
import { SocketLimiter } from '../socket-limiter.ts';
import { type Leftovers, type PollOptions, type Source, SourceFailed, type SourceOptions } from '../types.ts';
import { closeSocketsIn } from './close-sockets.ts';
import type { Ledger } from './ledger/ledger.ts';
import { LedgerRecords } from './ledger/records.ts';
import type { Cookie } from './netlink/cookie.ts';
import { LinuxEvents, type LinuxEventsOptions, type TraceReader } from './events/events.ts';
import { namespaceNotices } from './namespaces/namespace-notices.ts';
import { NamespaceSearch } from './namespaces/namespace-search.ts';
import { Namespaces } from './namespaces/namespaces.ts';
import type { Network } from './namespaces/network.ts';
import type { NetworkPoll } from './namespaces/socket-dumps.ts';
import { Networks } from './namespaces/networks.ts';
import { TcpSurplus } from './namespaces/tcp-surplus.ts';
import type { Captures } from './names/captures.ts';
import type { NetlinkSystem } from './netlink/system.ts';
import { Attribution, countHidden } from './owners/attribution.ts';
import { monotonicMs } from './proc/clock.ts';
import type { Proc } from './proc/proc.ts';
import { readSockstat } from './proc/sockstat.ts';
import { CountedTraffic } from './sockets/counted-traffic.ts';
import { DiagMessages } from './sockets/diag-messages.ts';
import { DiagSockets } from './sockets/diag-sockets.ts';
import { OtherSockets } from './sockets/other-sockets.ts';
import { facilitiesOf } from './sockdiag-facilities.ts';
import {
  interruptedDumps,
  ledgerNotices,
  missingKinds,
  STALE,
  tablesUnread,
  unreadableMessages,
} from './sockdiag-notices.ts';

/** Maximum time that the first poll spends searching for namespaces without a process, milliseconds. */
const FIRST_SEARCH_MS = 1000;

export interface SockDiagOptions extends Omit<SourceOptions, 'captures'> {
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
  /** Waits for close messages and records of the trace; undefined if nothing can. */
  readonly waiter?: LinuxEventsOptions['waiter'];
  /** Opens the kernel's trace; returns the reason (a clause without a full stop) if that is not possible. */
  readonly openTrace?: () => TraceReader | string;
  /** Opens the ledger; returns the reason (a clause without a full stop) if that is not possible. */
  readonly openLedger?: () => Ledger | string;
  /** Returns the cookie of another process's socket; undefined if it cannot be opened. */
  readonly cookieOfSocket?: (pid: number, descriptor: number) => Cookie | undefined;
  /** Captures names in each namespace; undefined if none are wanted. */
  readonly captures?: Captures | undefined;
  readonly releaseMemory?: () => void;
  /** Milliseconds of CLOCK_MONOTONIC, the clock of the ledger. */
  readonly monotonicMs?: () => number;
}

/**
 * The source `sock_diag`: reads all sockets of all network namespaces that this user may enter, with their traffic,
 * from sock_diag(7) over netlink, and their owners from /proc/PID.
 *
 *     `Networks` ──▶ dumps ──▶ `DiagMessages` (what changed) ──▶ `Owners` ──▶ `DiagSockets` ──▶ snapshot
 *
 * A `Network` is a namespace with its netlink sockets.
 */
export class SockDiagSource implements Source {
  readonly name = 'sock_diag';
  readonly closeSockets = (sockets: readonly SocketToClose[]) => closeSocketsIn(this.#networks, sockets);
  readonly releaseMemory = () => this.#options.releaseMemory?.();
  readonly facilities = () => facilitiesOf(this.#networks, this.#ledger, this.events?.coverage);
  readonly events?: LinuxEvents;
  readonly #options: SockDiagOptions;
  readonly #attribution: Attribution;
  readonly #namespaces: Namespaces;
  readonly #networks: Networks;
  readonly #search: NamespaceSearch;
  readonly #surplus = new TcpSurplus();
  /** Sockets without a slot: Unix, packet and other rare kinds, and those read from /proc/net. */
  readonly #others: OtherSockets;
  readonly #limiter: SocketLimiter;
  readonly #messages: DiagMessages;
  readonly #sockets: DiagSockets;
  readonly #records: LedgerRecords | undefined;
  /** The ledger, or the reason why there is none; undefined if none was requested. */
  readonly #ledger: Ledger | string | undefined;
  /** Number of malformed lines in tables of /proc/net in this poll. */
  #malformedLines = 0;
  /** Protocols that netlink does not list and whose tables in /proc/net could not be read in this poll. */
  readonly #unreadTables = new Set<Protocol>();
  #published: ReadonlyMap<string, Socket> = new Map();
  /** Number of sockets with a hidden owner, by user. */
  #hiddenByUser: ReadonlyMap<string, number> = new Map();
  /** Ids of sockets of the last poll that have closed since. */
  readonly #ended = new Set<string>();
  /** True until the first poll has read the sockets. */
  #isFirst = true;

  constructor(options: SockDiagOptions) {
    this.#options = options;
    const { proc, root, nowMs, system } = options;
    this.#attribution = new Attribution({
      ...options,
      isKernelPort: (netns, port) => this.#networks.get(netns)?.interfaces.isTunnelPort(port) ?? false,
    });
    this.#search = new NamespaceSearch(proc, nowMs, system);
    this.#namespaces = new Namespaces({ proc, root, search: this.#search });
    this.#networks = new Networks(system, this.#namespaces, options, () => this.#sockets.networksInUse());
    this.#limiter = new SocketLimiter(options.bounds);
    this.#ledger = options.events ? options.openLedger?.() : undefined;
    const ledger = typeof this.#ledger === 'object' ? this.#ledger : undefined;
    this.#records = ledger && recordsOf(ledger, this.#attribution, options);
    const counted = new CountedTraffic(ledger, (inode) => {
      const holder = this.#attribution.owners.descriptorOf(inode);
      return holder && proc.hasOwnPids ? options.cookieOfSocket?.(holder.pid, holder.descriptor) : undefined;
    });
    this.#others = new OtherSockets(proc, this.#attribution, this.#limiter, counted);
    this.#messages = new DiagMessages(this.#others, this.#limiter, options.tcpDetails);
    this.#sockets = new DiagSockets(this.#attribution, this.#others, this.#surplus, counted, this.#records);
    if (!options.events) return;
    // Opens the netlink sockets that report closes, so that no close from now on is missed.
    this.#refreshNetworks();
    this.events = new LinuxEvents({
      ...options,
      networks: () => this.#networks.values(),
      namespaceOf: (pid) => this.#namespaces.namespaceOf(pid),
      attribution: this.#attribution,
      listeners: this.#sockets.listeners,
      records: this.#records,
      omitsNewRemnants: () => this.#limiter.omitsNewRemnants,
      onClosed: (id) => {
        if (this.#published.has(id)) this.#ended.add(id);
      },
      trace: (needsTrace(this.#ledger) ? options.openTrace?.() : undefined) ?? 'no tracing requested',
    });
  }

  get leftovers(): Leftovers | undefined {
    return this.events?.leftovers;
  }

  close(): void {
    this.events?.close();
    if (typeof this.#ledger === 'object') this.#ledger.close();
    this.#networks.close();
  }

  /** Returns a snapshot. If netpane's own namespace cannot be read, the first call rejects; a later one has the last sockets. */
  async read({ omitsNewRemnants }: PollOptions = {}): Promise<Snapshot> {
    const { nowMs, wallMs, ownerBudgetMs } = this.#options;
    const startMs = nowMs();
    this.#records?.beginPoll();
    this.#attribution.beginPoll();
    this.#refreshNetworks();
    this.#limiter.begin(omitsNewRemnants);
    const polls = this.#readSockets(wallMs());
    const failure = [...polls].find(([network]) => network.isOwn)?.[1].failure;
    if (failure !== undefined && this.#isFirst)
      throw new SourceFailed(`cannot read the sockets of this machine: ${failure}`);
    this.#isFirst = false;
    const interfaces = [...this.#networks.values()].flatMap((network) => network.readInterfaces());
    const isKept = (slot: number) => this.#sockets.mayBeOpen(slot, polls);
    if (this.#options.omitsRemnants)
      this.#messages.findHeldRemnants((slot) => (isKept(slot) ? undefined : this.#networkOfMissing(slot)));
    this.#ended.clear();
    const closedSlots = this.#messages.endPoll(isKept);
    // Only a poll that asks for all sockets counts those beyond the bound.
    if (this.#limiter.omitted > 0) for (const network of this.#networks.values()) network.askForAll();
    const readMs = nowMs();
    const { added, removed } = this.#sockets.changedInodes(this.#messages, closedSlots);
    const likely = this.#sockets.readNewRecords(this.#messages);
    this.#attribution.owners.refresh(added, removed, ownerBudgetMs, likely, this.#search.takeSockets());
    const ownersMs = nowMs();
    this.#sockets.update(this.#messages, closedSlots, this.#networks.values());
    // Only now is it known in which namespaces a process holds a socket: close those that nothing uses.
    this.#networks.closeUnused();
    const before = this.#published;
    const searched = this.#limiter.omitted > 0 ? undefined : this.#search.result;
    this.#surplus.endPoll(readSockstat(this.#options.proc).heldTcp, searched);
    this.#published = this.#sockets.publish();
    if (this.#published !== before) this.#hiddenByUser = countHidden(this.#published);
    return {
      sockets: this.#published,
      ...(this.#sockets.ended.length > 0 && { ended: this.#sockets.ended }),
      interfaces,
      degradations: this.#degradations(polls),
      socketsMs: readMs - startMs + (nowMs() - ownersMs),
      ownersMs: ownersMs - readMs,
    };
  }

  #refreshNetworks(): void {
    const { pids } = this.#attribution.owners;
    this.#networks.refresh(pids.length > 0 ? pids : undefined);
    this.#options.captures?.update(this.#networks.values());
  }

  /** Reads the sockets of every namespace into `#messages` and `#others`. */
  #readSockets(nowWallMs: number): ReadonlyMap<Network, NetworkPoll> {
    this.#malformedLines = 0;
    this.#unreadTables.clear();
    this.#messages.beginPoll(nowWallMs);
    this.#others.beginPoll();
    const { heldTcp, used } = readSockstat(this.#options.proc);
    this.#surplus.beginPoll(heldTcp);
    const polls = new Map<Network, NetworkPoll>();
    for (const network of this.#networks.values()) this.#readNetwork(network, polls, used);
    if (this.#searchNamespaces()) {
      this.#refreshNetworks();
      for (const network of this.#networks.values())
        if (!polls.has(network)) this.#readNetwork(network, polls);
    }
    return polls;
  }

  #readNetwork(network: Network, polls: Map<Network, NetworkPoll>, socketCount?: string): void {
    const poll = network.readSockets(this.#messages.onSocket, this.#collectEvents, socketCount);
    this.#messages.resolveRequests(network, this.#collectEvents);
    for (const protocol of poll.unfinished) this.#others.keepPrevious(network, protocol);
    if (!network.hasNoTableSockets) this.#readTables(network, poll.withoutDiag);
    polls.set(network, poll);
  }

  /** Continues the search for namespaces without a process. @returns true if one was found */
  #searchNamespaces(): boolean {
    if (this.#attribution.privileges.procFailure !== undefined) return false;
    let newInodes: Set<number> | undefined;
    const known = {
      isNamespace: (inode: number) => this.#namespaces.isKnown(inode),
      isSocket: (inode: number) => {
        newInodes ??= new Set([
          ...this.#messages.changes.map(({ inode }) => inode),
          ...this.#others.inodes(),
        ]);
        return this.#sockets.hasInode(inode) || newInodes.has(inode);
      },
    };
    const budgetMs = this.#isFirst ? Math.min(this.#options.ownerBudgetMs, FIRST_SEARCH_MS) : undefined;
    return this.#search.step(() => this.#namespaces.pids(), known, budgetMs);
  }

  /** Reads from /proc the sockets of a namespace that netlink does not list. */
  #readTables(network: Network, withoutDiag: ReadonlySet<Protocol>): void {
    const read = (folder: string) => this.#others.readTables(network, folder, withoutDiag);
    try {
      let { problems, unread } = this.#inProcFolder(network, read);
      // The process whose folder was read may have ended: find another one.
      if (unread.size > 0) ({ problems, unread } = this.#inProcFolder(network, read, true));
      this.#malformedLines += problems;
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

  /**
   * Returns the namespace of a connection that no dump lists, if its dump leaves out remnants and its close was not
   * reported: a process may still hold it. Else undefined.
   */
  #networkOfMissing(slot: number): Network | undefined {
    const socket = this.#sockets.get(slot);
    const network = this.#sockets.networkOf(slot);
    const mayBeHeld = socket?.protocol === 'tcp' && socket.remote !== null && !this.#ended.has(socket.id);
    return mayBeHeld && network?.omitsRemnants ? network : undefined;
  }

  #degradations(polls: ReadonlyMap<Network, NetworkPoll>): Degradation[] {
    const hidden = this.#attribution.hiddenNotice(this.#hiddenByUser);
    const sum = (of: (poll: NetworkPoll) => number) =>
      [...polls.values()].reduce((total, poll) => total + of(poll), 0);
    const problems =
      this.#malformedLines +
      this.#messages.problems +
      sum((poll) => poll.problems) +
      (this.events?.problems ?? 0);
    const interrupted = sum((poll) => poll.interrupted);
    const missing = new Set([...polls].flatMap(([network, { missing }]) => (network.isOwn ? missing : [])));
    const users = this.#attribution.usersNotice();
    const { privileges } = this.#attribution;
    return [
      // A narrow screen shows only the first notice: an outdated list matters most.
      ...(sum(({ unfinished }) => unfinished.size) > 0 ? [STALE] : []),
      ...(this.#options.captures?.notices(privileges) ?? []),
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
      ...(this.#ledger === undefined ? [] : ledgerNotices(this.#ledger)),
    ];
  }
}

const recordsOf = (ledger: Ledger, attribution: Attribution, options: SockDiagOptions) =>
  new LedgerRecords(ledger, {
    monotonicMs,
    ...options,
    identityOf: (pid) => attribution.owners.identityOf(pid),
    signatureOf: (pid) => attribution.owners.signatureOf(pid),
    userOf: (uid) => attribution.userOf(uid),
  });

/** Returns true if only the trace may name the programs of short-lived sockets. */
const needsTrace = (ledger: Ledger | string | undefined): boolean =>
  typeof ledger !== 'object' || ledger.noOwnersReason !== undefined;
