import { isAnyAddress, unmapped } from '../../../model/address.ts';
import type { Coverage } from '../../../model/event.ts';
import { addActors } from '../../../model/owners.ts';
import type { Direction, Endpoint, Owner, Socket, SocketState } from '../../../model/socket.ts';
import type { EventSource, KernelEvent, Leftovers } from '../../types.ts';
import { Actors } from './actors.ts';
import type { Attribution, Listeners } from '../owners/attribution.ts';
import type { ClosedSocket } from '../netlink/closes.ts';
import { decodeAddresses, decodeTraffic, findInfo, INET, isRemnantAt, sockIdOf } from '../netlink/inet.ts';
import { decodeOpened } from '../netlink/opened.ts';
import { cookieId } from '../netlink/slots.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import type { Network } from '../namespaces/network.ts';
import { makeSocket } from '../sockets/make-socket.ts';
import type { Proc } from '../proc/proc.ts';
import { Senders } from './senders.ts';
import type { RouteRecord, StateRecord, TraceRecord } from '../trace/records.ts';

/** The kernel's trace; implemented by `Trace` (trace/trace.ts). */
export interface TraceReader {
  readonly leftovers: Leftovers;
  readonly failure: string | undefined;
  /** Why it records less than requested, as a clause; undefined if it does not. */
  readonly notice: string | undefined;
  readonly problems: number;
  nowMs(): number;
  stopRoutes(): void;
  drain(): TraceRecord[];
  takeLost(): number;
  close(): void;
}

export interface LinuxEventsOptions {
  readonly networks: () => Iterable<Network>;
  /** Inode of the network namespace of a process; undefined when unknown. */
  readonly namespaceOf: (pid: number) => number | undefined;
  readonly attribution: Attribution;
  /** Returns the listeners of the last poll. */
  readonly listeners: () => Listeners;
  readonly proc: Proc;
  /** The trace, or the reason why there is none, as a clause. */
  readonly trace: TraceReader | string;
  /** Returns milliseconds on the sampler's monotonic clock. */
  readonly nowMs: () => number;
  /** Returns the wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
}

/** Minimum time between two reads of close messages during a poll, milliseconds. */
const COLLECT_MS = 10;

/** Maximum wait for the close message of a socket after its `tcp_destroy_sock` record, milliseconds. */
const CLOSE_MESSAGE_WAIT_MS = 250;

/** Pid of kthreadd, the parent of all kernel threads, which run in the initial namespaces (kernel/kthread.c). */
const KTHREADD_PID = 2;

/** States that a system call of the owner leads to; during any other state change an unrelated thread may run. */
const ACTING_STATES = new Set<SocketState>(['SYN_SENT', 'LISTEN', 'FIN_WAIT1', 'LAST_ACK']);

/** Direction of a connection by its first state. */
const OPENED_BY_STATE: Partial<Record<SocketState, Direction>> = { SYN_SENT: 'out', SYN_RECV: 'in' };

/** States after the peer's FIN arrived, which the kernel counts as a received byte. */
const STATES_AFTER_FIN = new Set<SocketState>(['CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);

/** A state change of a traced socket. */
interface Step {
  readonly atMs: number;
  readonly was: SocketState;
  readonly now: SocketState;
  readonly owners: readonly Owner[] | undefined;
}

/** A TCP socket in the trace, which identifies it by its address in kernel memory. */
interface TracedSocket {
  readonly family: 'ipv4' | 'ipv6';
  local: Endpoint;
  remote: Endpoint | null;
  /** Direction of the connection; undefined if its start was not traced. */
  readonly opened: Direction | undefined;
  /** Processes that acted on the socket; undefined if none did so far. */
  owners: readonly Owner[] | undefined;
  /** Time of its first state change; undefined for a socket that is older than the trace. */
  readonly createdMs: number | undefined;
  /** Its id in snapshots, made of its cookie; undefined until that is known. */
  id: string | undefined;
  /** Key in `#newListeners`; undefined if it is not there. */
  listenerKey: string | undefined;
  /** An event of this socket was emitted. */
  isReported: boolean;
  hasPeerFin: boolean;
  /** State changes that are not yet emitted. */
  steps: Step[];
}

/** A socket that the trace saw destroyed and whose close message is still to come. */
interface DestroyedSocket {
  readonly traced: TracedSocket;
  readonly id: string;
  readonly atMs: number;
}

/** Returns the key of a listener in `#newListeners`. @param netns inode of its network namespace */
const listenerKeyOf = (netns: number | undefined, { address, port }: Endpoint): string =>
  `${netns} ${isAnyAddress(address) ? '*' : unmapped(address)} ${port}`;

const ROUTES_STOPPED = 'programs of short-lived UDP sockets are unknown: too many packets to trace';

const areKnownAndDiffer = (one: number, other: number): boolean => one !== 0 && other !== 0 && one !== other;

/**
 * Returns true if the ports show that the traced socket is another one: its address in kernel memory was reused, and the
 * records of that were lost. A port of 0 is unknown.
 */
const hasOtherPorts = ({ local, remote }: TracedSocket, localPort: number, remotePort: number): boolean =>
  areKnownAndDiffer(local.port, localPort) || areKnownAndDiffer(remote?.port ?? 0, remotePort);

const GONE: readonly Owner[] = [{ knowledge: 'gone' }];
const PENDING: readonly Owner[] = [{ knowledge: 'pending' }];

/**
 * Kernel events between two polls: close messages of all destroyed sockets, for any user, and the trace of all TCP
 * states with the running thread, for root.
 *
 *     sock_diag close messages ───────────────▶ ended, with counters
 *     trace ──▶ state records, by kernel address ──▶ tcp_destroy_sock (cookie) ──▶ waits for the close message
 *                     └─ of living sockets: cookie from a TCP query ──▶ appeared, state
 */
export class LinuxEvents implements EventSource {
  readonly #options: LinuxEventsOptions;
  readonly #actors: Actors;
  /** Sampler clock minus trace clock, milliseconds. */
  #traceOffsetMs = 0;
  #trace: TraceReader | undefined;
  #noTraceReason: string | undefined;
  /** By address in kernel memory. */
  readonly #traced = new Map<number, TracedSocket>();
  /** Sockets with state changes to emit. */
  readonly #changedSockets = new Set<TracedSocket>();
  /** Listeners that no poll may have seen yet, by namespace, address and port. */
  readonly #newListeners = new Map<string, TracedSocket>();
  /** Sockets that wait for their close message, by id, oldest first. */
  readonly #destroyed = new Map<string, DestroyedSocket>();
  readonly #senders: Senders;
  #lastCollectMs = -Infinity;
  /** Closes since the last `#emitGaps` that only the trace reported: their messages are among the lost ones. */
  #closesWithoutMessage = 0;
  /** Lost close messages that the trace may still account for, oldest first. */
  #lostMessages: { readonly atMs: number; count: number }[] = [];
  #events: KernelEvent[] = [];
  /** Records that arrived while /proc was read: the next drain applies them. */
  #heldRecords: readonly TraceRecord[] = [];

  constructor(options: LinuxEventsOptions) {
    this.#options = options;
    this.#actors = new Actors(options.proc, options.attribution.owners);
    this.#senders = new Senders(this.#actors.networkOf(KTHREADD_PID)?.netns);
    const { trace } = options;
    if (typeof trace === 'string') this.#noTraceReason = trace;
    else {
      this.#trace = trace;
      this.#traceOffsetMs = options.nowMs() - trace.nowMs();
    }
  }

  get coverage(): Coverage {
    if (this.#trace) {
      const why = this.#senders.isStopped ? ROUTES_STOPPED : this.#trace.notice;
      return { level: 'changes', ...(why !== undefined && { why }) };
    }
    const hasCloses = [...this.#options.networks()].some(({ closes }) => closes !== undefined);
    const why = this.#noTraceReason ?? '';
    return hasCloses
      ? { level: 'closes', why }
      : { level: 'polls', why: `this kernel does not report closed sockets; ${why}` };
  }

  get leftovers(): Leftovers | undefined {
    return this.#trace?.leftovers;
  }

  /** Number of malformed kernel messages since the start. */
  get problems(): number {
    let problems = this.#trace?.problems ?? 0;
    for (const { closes } of this.#options.networks()) problems += closes?.problems ?? 0;
    return problems;
  }

  collect(): void {
    if (this.#options.nowMs() - this.#lastCollectMs >= COLLECT_MS) this.#collectMessages();
  }

  close(): void {
    this.#trace?.close();
  }

  drain(): readonly KernelEvent[] {
    const { nowMs } = this.#options;
    this.#collectMessages();
    const startMs = nowMs();
    this.#readTrace();
    for (const network of this.#options.networks()) {
      for (const closed of network.closes?.take() ?? []) this.#applyClose(network, closed);
    }
    this.#senders.removeReleased();
    for (const traced of this.#changedSockets) this.#emitLiving(traced);
    this.#changedSockets.clear();
    for (const destroyed of this.#destroyed.values()) {
      if (startMs - destroyed.atMs < CLOSE_MESSAGE_WAIT_MS) break;
      this.#closeWithoutMessage(destroyed);
    }
    this.#emitGaps(startMs);
    const events = this.#events;
    this.#events = [];
    return events.sort((one, other) => one.atMs - other.atMs);
  }

  #collectMessages(): void {
    const { networks, nowMs, wallMs } = this.#options;
    this.#lastCollectMs = nowMs();
    for (const { closes } of networks()) closes?.collect(this.#lastCollectMs, wallMs());
  }

  #readTrace(): void {
    const trace = this.#trace;
    if (trace === undefined) return;
    const records = [...this.#heldRecords, ...trace.drain()];
    const lostBefore = trace.takeLost();
    // Lost records may have reused a pid or the address of a socket.
    if (lostBefore > 0) this.#clearTraceState();
    // Records that arrive while /proc is read show whether /proc still describes the program that acted.
    this.#heldRecords = this.#actors.readProc(records) ? trace.drain() : [];
    const lost = lostBefore + trace.takeLost();
    this.#actors.setUpcoming(
      this.#heldRecords.length > 0 ? [...records, ...this.#heldRecords] : records,
      lost === 0,
    );
    for (const record of records) {
      // The exec after a fork may be lost: the process is read from /proc instead.
      if (lost === 0 || record.type !== 'task') this.#applyRecord(record);
    }
    if (lost > 0) {
      this.#clearTraceState();
      this.#events.push({ type: 'gap', atMs: this.#options.nowMs(), missed: lost, learntBy: 'trace' });
    }
    this.#actors.removeExpired(trace.nowMs());
    if (this.#senders.shouldStop(this.#options.nowMs())) trace.stopRoutes();
    if (trace.failure === undefined) return;
    trace.close();
    this.#clearTraceState();
    this.#trace = undefined;
    this.#noTraceReason = `tracing stopped: ${trace.failure}`;
  }

  /** Removes all processes and sockets known from the trace. */
  #clearTraceState(): void {
    this.#actors.clear();
    this.#traced.clear();
    this.#newListeners.clear();
    this.#senders.clear();
  }

  #applyRecord(record: TraceRecord): void {
    switch (record.type) {
      case 'task':
        this.#actors.applyFork(record);
        break;
      case 'exec':
        this.#actors.applyExec(record);
        break;
      case 'rename':
        this.#actors.applyRename(record);
        break;
      case 'exit':
        this.#actors.applyExit(record);
        break;
      case 'state':
        this.#applyState(record);
        break;
      case 'destroy': {
        const traced = this.#removeTraced(record.sk);
        if (traced === undefined) break;
        const { id } = record;
        traced.id = id;
        this.#destroyed.set(id, { traced, id, atMs: record.atMs + this.#traceOffsetMs });
        break;
      }
      case 'route':
        this.#applyRoute(record);
    }
  }

  #applyState(record: StateRecord): void {
    const { sk, family, was, now, localAddress, localPort, remoteAddress, remotePort } = record;
    const atMs = record.atMs + this.#traceOffsetMs;
    // A simultaneous open goes from SYN_SENT to SYN_RECV.
    const isNew = was === 'CLOSE' || (now === 'SYN_RECV' && was !== 'SYN_SENT');
    const before = this.#traced.get(sk);
    if (isNew || (before && hasOtherPorts(before, localPort, remotePort))) this.#removeTraced(sk);
    let traced = this.#traced.get(sk);
    if (traced === undefined) {
      traced = {
        family,
        local: { address: localAddress, port: localPort },
        remote: null,
        opened: isNew ? OPENED_BY_STATE[now] : undefined,
        owners: undefined,
        createdMs: isNew ? atMs : undefined,
        id: undefined,
        listenerKey: undefined,
        isReported: false,
        hasPeerFin: false,
        steps: [],
      };
      this.#traced.set(sk, traced);
    }
    // The local port is 0 before connect(2) chooses one, and after a reset.
    if (localPort !== 0) traced.local = { address: localAddress, port: localPort };
    if (remotePort !== 0) traced.remote = { address: remoteAddress, port: remotePort };
    if (STATES_AFTER_FIN.has(now)) traced.hasPeerFin = true;
    const owners = record.inProcess && ACTING_STATES.has(now) ? this.#actors.ownersOf(record.tid) : undefined;
    if (owners) traced.owners = addActors(traced.owners, owners);
    // The close is emitted when the socket is destroyed; an unfinished handshake emits none.
    if (now === 'CLOSE') return;
    if (now === 'LISTEN') this.#addListener(traced);
    traced.steps.push({ atMs, was, now, owners: owners && traced.owners });
    this.#changedSockets.add(traced);
  }

  #addListener(traced: TracedSocket): void {
    const pid = traced.owners?.[0]?.pid;
    const namespace = pid === undefined ? undefined : this.#options.namespaceOf(pid);
    if (namespace === undefined) return;
    traced.listenerKey = listenerKeyOf(namespace, traced.local);
    this.#newListeners.set(traced.listenerKey, traced);
  }

  /** Removes and returns the socket at an address in kernel memory; undefined if none was known. */
  #removeTraced(sk: number): TracedSocket | undefined {
    const traced = this.#traced.get(sk);
    if (traced === undefined) return undefined;
    this.#traced.delete(sk);
    this.#changedSockets.delete(traced);
    if (traced.listenerKey !== undefined && this.#newListeners.get(traced.listenerKey) === traced)
      this.#newListeners.delete(traced.listenerKey);
    return traced;
  }

  #applyRoute(record: RouteRecord): void {
    const { tid, inProcess, localPort } = record;
    if (this.#senders.isStopped) return;
    this.#senders.countLookup();
    const owners = inProcess && localPort !== 0 ? this.#actors.ownersOf(tid) : undefined;
    if (owners) this.#senders.add(record, owners, this.#actors.networkOf(tid));
  }

  /** Emits the state changes of a living socket. */
  #emitLiving(traced: TracedSocket): void {
    const { id } = traced;
    if (id !== undefined) {
      this.#emitSteps(traced, id);
      return;
    }
    const socket = this.#findLiving(traced);
    if (socket === undefined) return;
    traced.id = socket.id;
    this.#emitSteps(traced, socket.id, socket);
  }

  /** Emits the pending state changes of a socket. @param socket required for its first event */
  #emitSteps(traced: TracedSocket, id: string, socket?: Socket): void {
    const { createdMs, isReported, steps } = traced;
    const first = isReported || createdMs === undefined ? undefined : steps.shift();
    if (first && socket && createdMs !== undefined)
      this.#events.push({
        type: 'appeared',
        atMs: createdMs,
        socket: { ...socket, state: first.now },
        learntBy: 'trace',
      });
    for (const { atMs, was, now, owners } of steps)
      this.#events.push({ type: 'state', atMs, id, was, now, ...(owners && { owners }), learntBy: 'trace' });
    traced.isReported = true;
    traced.steps = [];
  }

  /** Queries the kernel for a living socket by its endpoints; undefined if it is not found. */
  #findLiving({ family, local, remote, opened, steps, owners }: TracedSocket): Socket | undefined {
    const { attribution, namespaceOf, networks, wallMs } = this.#options;
    const isListener = steps[0]?.now === 'LISTEN';
    if (local.port === 0 || (remote === null && !isListener)) return undefined;
    const sockId = sockIdOf(local, remote ?? { address: local.address, port: 0 });
    const pid = owners?.[0]?.pid;
    const namespace = pid === undefined ? undefined : namespaceOf(pid);
    let socket: Socket | undefined;
    for (const network of networks()) {
      if (namespace === undefined ? !network.isOwn : network.inode !== namespace) continue;
      network.findTcp(family, sockId, (buffer, start, end) => {
        const addresses = decodeAddresses(buffer, start, 'tcp');
        if (addresses === undefined || (addresses.state === 'LISTEN') !== isListener) return;
        // The TIME_WAIT remnant has another cookie.
        if (isRemnantAt(buffer, start)) return;
        const { view } = buffer;
        const info = { start: 0, end: 0 };
        findInfo(buffer, start, end, info);
        const inode = view.getUint32(start + INET.inode, LITTLE_ENDIAN);
        socket = makeSocket(
          {
            slot: -1,
            network,
            protocol: 'tcp',
            id: cookieId(buffer, start + INET.cookie),
            addresses,
            uid: view.getUint32(start + INET.uid, LITTLE_ENDIAN),
            inode,
            interfaceIndex: view.getUint32(start + INET.interface, LITTLE_ENDIAN),
            traffic: decodeTraffic(buffer, start, info, wallMs()),
            timer: undefined,
            opened: opened ?? decodeOpened(buffer, start, info),
            tcp: undefined,
          },
          undefined,
          owners ?? this.#ownersOf(network, local, inode),
          attribution,
        );
      });
    }
    return socket;
  }

  /** Returns the owners of a TCP socket that no traced process acted on. @param inode 0 for a closed socket */
  #ownersOf(network: Network, local: Endpoint, inode = 0): readonly Owner[] {
    const { attribution, listeners } = this.#options;
    const exact = inode > 0 ? attribution.owners.of(inode) : undefined;
    if (exact) return exact;
    const owned = { protocol: 'tcp', local, netns: network.inode } as const;
    const known = attribution.ownersOf(owned, undefined, listeners);
    if (known[0]?.pid !== undefined) return known;
    const newListener =
      this.#newListeners.get(listenerKeyOf(network.inode, local)) ??
      this.#newListeners.get(listenerKeyOf(network.inode, { address: '0.0.0.0', port: local.port }));
    if (newListener?.owners)
      return newListener.owners.map((owner) => ({ ...owner, knowledge: 'listener' as const }));
    // A living socket has a holder, which the next poll searches for.
    return inode > 0 ? PENDING : known;
  }

  /** Returns the uid of the listener that accepted a TCP socket; undefined if there is none. */
  #listenerUid(network: Network, local: Endpoint): number | undefined {
    return this.#options.listeners().uidOf({ protocol: 'tcp', local, netns: network.inode });
  }

  /** Emits the close of a socket from its close message. */
  #applyClose(network: Network, closed: ClosedSocket): void {
    const { id, protocol, addresses } = closed;
    const destroyed = this.#destroyed.get(id);
    this.#destroyed.delete(id);
    // A socket that was never bound had no traffic.
    if (addresses.local.port === 0 && destroyed === undefined) return;
    const traced =
      destroyed && hasOtherPorts(destroyed.traced, addresses.local.port, addresses.remote?.port ?? 0)
        ? undefined
        : destroyed?.traced;
    // The side that closes last leaves no remnant.
    const remnant = traced?.steps.at(-1)?.now === 'LAST_ACK' ? {} : this.#findRemnant(network, closed);
    // The trace takes precedence: the close message of a reset or refused connection lacks part of its endpoints.
    const local = traced && traced.local.port !== 0 ? traced.local : addresses.local;
    const peer = addresses.remote?.port === 0 ? null : addresses.remote;
    const remote = traced?.remote ?? peer;
    const owners =
      traced?.owners ??
      (protocol === 'tcp'
        ? this.#ownersOf(network, local)
        : this.#senders.takeOwners(
            { netns: network.inode ?? -1, family: addresses.family, local, remote },
            () => network.hasUdp(addresses.family, closed.sockId),
          ));
    const lastState = traced?.steps.at(-1)?.now;
    const state = lastState ?? addresses.state;
    const made = makeSocket(
      {
        slot: -1,
        network,
        protocol,
        id,
        addresses: { family: addresses.family, local, remote, state },
        // The close message has neither.
        uid: 0,
        inode: 0,
        interfaceIndex: closed.interfaceIndex,
        traffic: {},
        timer: undefined,
        opened: traced?.opened,
        tcp: undefined,
      },
      undefined,
      owners,
      this.#options.attribution,
    );
    const { traffic: _, ...rest } = made;
    const traffic = trafficOf(closed, remnant.state, traced?.hasPeerFin ?? false);
    // An accepted socket has the user of its listener, which the kernel shows to everyone.
    const uid = protocol === 'tcp' && !traced?.owners ? this.#listenerUid(network, local) : undefined;
    const user = uid === undefined ? undefined : this.#options.attribution.userOf(uid);
    const socket: Socket = {
      ...rest,
      ...(uid !== undefined && { uid }),
      ...(user !== undefined && { user }),
      ...(traffic && { traffic }),
    };
    const atMs = destroyed?.atMs ?? closed.atMs;
    this.#emitEnd(traced, socket, atMs, {
      learntBy: 'destroy',
      ...(closed.end && { lifetimeMs: closed.end.lifetimeMs, isAtLeast: !closed.end.isFullLifetime }),
      ...(remnant.id !== undefined &&
        remnant.state !== undefined && { remnant: { id: remnant.id, state: remnant.state } }),
    });
  }

  /** Emits the close of a traced socket whose close message was lost. */
  #closeWithoutMessage({ traced, id, atMs }: DestroyedSocket): void {
    this.#destroyed.delete(id);
    this.#closesWithoutMessage++;
    if (traced.local.port === 0) return;
    const { family, local, remote, opened, owners, steps } = traced;
    const state = steps.at(-1)?.now ?? 'CLOSE';
    const socket: Socket = {
      id,
      protocol: 'tcp',
      family,
      local,
      remote,
      state,
      ...(opened && { opened }),
      owners: owners ?? GONE,
    };
    this.#emitEnd(traced, socket, atMs, { learntBy: 'trace' });
  }

  #emitEnd(
    traced: TracedSocket | undefined,
    socket: Socket,
    atMs: number,
    end: Omit<KernelEvent & { type: 'ended' }, 'type' | 'atMs' | 'socket'>,
  ): void {
    if (traced) {
      this.#emitSteps(traced, socket.id, { ...socket, traffic: {} });
      if (traced.createdMs !== undefined)
        end = { ...end, lifetimeMs: atMs - traced.createdMs, isAtLeast: false };
    }
    this.#events.push({ type: 'ended', atMs, socket, ...end });
  }

  /**
   * Queries the kernel for the endpoints of a closed connection: id and state of its TIME_WAIT remnant, or only the state
   * LISTEN if a listener matches them. Empty for anything else.
   */
  #findRemnant(
    network: Network,
    { protocol, addresses, sockId, end }: ClosedSocket,
  ): { id?: string; state?: SocketState } {
    let remnant: { id?: string; state?: SocketState } = {};
    if (protocol !== 'tcp' || addresses.remote === null || end === undefined) return remnant;
    network.findTcp(addresses.family, sockId, (buffer, start) => {
      const state = decodeAddresses(buffer, start, 'tcp')?.state;
      if (state === undefined) return;
      remnant = isRemnantAt(buffer, start)
        ? { id: cookieId(buffer, start + INET.cookie), state }
        : state === 'LISTEN'
          ? { state }
          : {};
    });
    return remnant;
  }

  #emitGaps(nowMs: number): void {
    let lost = 0;
    let hasUncountedLoss = false;
    for (const network of this.#options.networks()) {
      const count = network.closes?.takeLost();
      if (count === undefined) hasUncountedLoss ||= network.closes !== undefined;
      else lost += count;
    }
    // A lost close may have given the port to another process.
    if (lost > 0 || hasUncountedLoss) this.#senders.clear();
    if (hasUncountedLoss) this.#events.push({ type: 'gap', atMs: nowMs, learntBy: 'destroy' });
    if (lost > 0) this.#lostMessages.push({ atMs: nowMs, count: lost });
    // A close message is lost before its wait ends. Closes beyond the number of lost messages never had one.
    for (const loss of this.#lostMessages) {
      const closed = Math.min(this.#closesWithoutMessage, loss.count);
      loss.count -= closed;
      this.#closesWithoutMessage -= closed;
    }
    this.#closesWithoutMessage = 0;
    while (
      this.#lostMessages[0] &&
      (!this.#trace || nowMs - this.#lostMessages[0].atMs >= CLOSE_MESSAGE_WAIT_MS)
    ) {
      const { atMs, count } = this.#lostMessages[0];
      this.#lostMessages.shift();
      if (count > 0) this.#events.push({ type: 'gap', atMs, missed: count, learntBy: 'destroy' });
    }
  }
}

/**
 * Returns the counters of a closed connection without the peer's FIN, which the kernel counts as a received byte. The
 * message does not say whether a FIN arrived. It did if the peer acknowledged our FIN and no remnant is left, or if the
 * remnant is in TIME_WAIT and not in FIN_WAIT2.
 * @param found state of the socket that has the endpoints now: the remnant, or the listener that accepted it
 * @param hasPeerFin the trace saw the peer's FIN
 */
function trafficOf(
  { traffic, end }: ClosedSocket,
  found: SocketState | undefined,
  hasPeerFin: boolean,
): Socket['traffic'] {
  if (traffic === undefined || end === undefined) return traffic;
  const { rxBytes = 0 } = traffic;
  // The side that connects has its SYN acknowledged as well.
  const expected = found === 'LISTEN' ? 1 : 2;
  const hasFin =
    hasPeerFin ||
    (found === undefined || found === 'LISTEN' ? end.synFinAcked >= expected : found === 'TIME_WAIT');
  return { ...traffic, rxBytes: end.dataSegmentsIn === 0 ? 0 : Math.max(0, rxBytes - Number(hasFin)) };
}
