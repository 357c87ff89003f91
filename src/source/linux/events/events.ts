import type { Coverage } from '../../../model/event.ts';
import type { EventSource, KernelEvent, Leftovers } from '../../types.ts';
import type { Network } from '../namespaces/network.ts';
import type { LedgerRecords } from '../ledger/records.ts';
import type { EventWaiter } from '../netlink/event-waiter.ts';
import type { Attribution, Listeners } from '../owners/attribution.ts';
import type { Proc } from '../proc/proc.ts';
import { makeSocket } from '../sockets/make-socket.ts';
import type { RouteRecord, TraceRecord } from '../trace/records.ts';
import { Actors } from './actors.ts';
import { CloseEvents, eventsWithoutMessage } from './close-events.ts';
import { CloseGaps } from './close-gaps.ts';
import { NewListeners } from './new-listeners.ts';
import { Senders } from './senders.ts';
import { TcpOwners } from './tcp-owners.ts';
import { findLiving } from './tcp-queries.ts';
import { takeSteps, type TracedSocket, TracedSockets } from './traced-sockets.ts';

/** The kernel's trace; implemented by `Trace` (trace/trace.ts). */
export interface TraceReader {
  readonly leftovers: Leftovers;
  readonly failure: string | undefined;
  /** Why it records less than requested, as a clause; undefined if it does not. */
  readonly notice: string | undefined;
  readonly problems: number;
  /** True if the next drain has records without a further event. */
  readonly isPending: boolean;
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
  /** Waits for close messages and trace records; undefined if that is not possible. */
  readonly waiter?: Pick<EventWaiter, 'watchesAll' | 'wait' | 'close'> | undefined;
  /** The ledger. If it records owners, there is no trace. */
  readonly records?: LedgerRecords | undefined;
  /** Returns true while polls omit new remnants. */
  readonly omitsNewRemnants?: () => boolean;
  /** Called with the id of each socket whose close message has come. */
  readonly onClosed?: (id: string) => void;
  /** Returns milliseconds on the sampler's monotonic clock. */
  readonly nowMs: () => number;
  /** Returns the wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
}

/**
 * Maximum number of close messages of a namespace in one drain. They are handled up to their printed lines before the next
 * ones are read. With more, V8 would copy their objects before they are garbage (`npm run bench -- --short-lived`).
 */
const CLOSES_AT_ONCE = 64;

/** Minimum time between two reads of close messages during a poll, milliseconds. */
const COLLECT_MS = 10;

/** Pid of kthreadd, the parent of all kernel threads, which run in the initial namespaces (kernel/kthread.c). */
const KTHREADD_PID = 2;

const ONLY_CONTAINER = 'programs are recorded in the container of netpane only';

const ROUTES_STOPPED = 'programs of short-lived UDP sockets are unknown: too many packets to trace';

/**
 * Kernel events between two polls: close messages of all destroyed sockets, for any user, and the trace of all TCP
 * states with the running thread, for root.
 *
 *     sock_diag close messages, ledger ──▶ `CloseEvents` ──▶ ended, with counters
 *     trace ──▶ `Actors` (processes), `Senders` (UDP)
 *          └──▶ `TracedSockets` ──▶ destroyed: waits for the close message
 *                     └─ living: cookie from a TCP query ──▶ appeared, state
 */
export class LinuxEvents implements EventSource {
  readonly #options: LinuxEventsOptions;
  readonly #actors: Actors;
  /** Sampler clock minus trace clock, milliseconds. */
  #traceOffsetMs = 0;
  #trace: TraceReader | undefined;
  #noTraceReason: string | undefined;
  readonly #traced: TracedSockets;
  readonly #tcpOwners: TcpOwners;
  readonly #closes: CloseEvents;
  readonly #gaps = new CloseGaps();
  readonly #senders: Senders;
  #lastCollectMs = -Infinity;
  #events: KernelEvent[] = [];
  /** Records that arrived while /proc was read: the next drain applies them. */
  #heldRecords: readonly TraceRecord[] = [];

  constructor(options: LinuxEventsOptions) {
    this.#options = options;
    this.#actors = new Actors(options.proc, options.attribution.owners);
    this.#senders = new Senders(this.#actors.networkOf(KTHREADD_PID)?.netns);
    const { trace, attribution, listeners, namespaceOf } = options;
    const newListeners = new NewListeners(namespaceOf);
    this.#traced = new TracedSockets(this.#actors, newListeners);
    this.#tcpOwners = new TcpOwners(attribution, listeners, newListeners);
    this.#closes = new CloseEvents(this.#traced, this.#senders, this.#tcpOwners, options);
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
    const { records, networks } = this.#options;
    const hasCloses = [...networks()].some(({ closes }) => closes !== undefined);
    if (hasCloses && this.#namesByLedger)
      return { level: 'lives', ...(records?.ledger.isPartial && { why: ONLY_CONTAINER }) };
    const why = this.#noTraceReason ?? '';
    return hasCloses
      ? { level: 'closes', why }
      : { level: 'polls', why: `this kernel does not report closed sockets; ${why}` };
  }

  get wait(): ((onReady: () => void) => void) | undefined {
    const { waiter } = this.#options;
    return waiter?.watchesAll ? (onReady) => waiter.wait(onReady) : undefined;
  }

  /** True if close messages may be left for the next drain. */
  get hasMore(): boolean {
    for (const { closes } of this.#options.networks()) if (closes?.hasMore) return true;
    return false;
  }

  get hasSmallBuffer(): boolean {
    for (const { closes } of this.#options.networks()) if (closes?.hasSmallBuffer) return true;
    return false;
  }

  get isPending(): boolean {
    return (
      this.hasMore ||
      this.#heldRecords.length > 0 ||
      this.#traced.isPending ||
      this.#gaps.isPending ||
      this.#trace?.isPending === true
    );
  }

  /** True if the ledger records owners. */
  get #namesByLedger(): boolean {
    const { records } = this.#options;
    return records !== undefined && records.ledger.noOwnersReason === undefined;
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
    this.#options.waiter?.close();
    this.#trace?.close();
  }

  drain(isNextPart = false): readonly KernelEvent[] {
    const { networks, records, nowMs, onClosed } = this.#options;
    // Records of the trace are read all at once, and so are their close messages.
    const max = this.#trace ? undefined : CLOSES_AT_ONCE;
    this.#collectMessages(isNextPart);
    const startMs = nowMs();
    this.#readTrace();
    records?.beginDrain(isNextPart);
    for (const network of networks()) {
      const closed = network.closes?.take(max) ?? [];
      if (onClosed) for (const { id } of closed) onClosed(id);
      for (const event of this.#closes.ofMessages(network, closed)) this.#events.push(event);
    }
    this.#senders.removeReleased();
    for (const traced of this.#traced.takeChanged()) this.#emitLiving(traced);
    for (const destroyed of this.#traced.takeExpired(startMs)) {
      this.#gaps.countCloseWithoutMessage();
      this.#events.push(...eventsWithoutMessage(destroyed));
    }
    const { gaps, lost, isAnyLost } = this.#gaps.take(networks(), startMs, this.#trace !== undefined);
    const discarded = [...networks()].flatMap(({ closes }) => closes?.takeDiscarded() ?? []);
    if (lost > 0) records?.ledger.noteMissed(lost, discarded);
    // A lost close may have given the port to another process.
    if (isAnyLost) this.#senders.clear();
    this.#events.push(...gaps);
    const events = this.#events;
    this.#events = [];
    return events.sort((one, other) => one.atMs - other.atMs);
  }

  /** @param isNextPart true to read only where the last part may have left messages */
  #collectMessages(isNextPart = false): void {
    const { networks, nowMs, wallMs } = this.#options;
    this.#lastCollectMs = nowMs();
    for (const { closes } of networks()) {
      if (!isNextPart || closes?.hasMore) closes?.collect(this.#lastCollectMs, wallMs());
    }
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
        this.#traced.applyState(record, record.atMs + this.#traceOffsetMs);
        break;
      case 'destroy':
        this.#traced.applyDestroy(record, record.atMs + this.#traceOffsetMs);
        break;
      case 'route':
        this.#applyRoute(record);
    }
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
    if (traced.id !== undefined) {
      this.#events.push(...takeSteps(traced, traced.id));
      return;
    }
    const { attribution, wallMs } = this.#options;
    const message = findLiving(traced, this.#networksOf(traced), wallMs());
    if (message === undefined) return;
    const owners = traced.owners ?? this.#tcpOwners.of(message.network, traced.local, message.inode);
    const socket = makeSocket(message, undefined, owners, attribution);
    traced.id = socket.id;
    this.#events.push(...takeSteps(traced, socket.id, socket));
  }

  /** Yields the namespaces that a traced socket may be in: that of its process, or netpane's own. */
  *#networksOf({ owners }: TracedSocket): Generator<Network> {
    const { namespaceOf, networks } = this.#options;
    const pid = owners?.[0]?.pid;
    const namespace = pid === undefined ? undefined : namespaceOf(pid);
    for (const network of networks())
      if (namespace === undefined ? network.isOwn : network.inode === namespace) yield network;
  }
}
