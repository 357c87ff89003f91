import type { Degradation, NetworkInterface, Snapshot } from '../../model/batch.ts';
import type { CloseResult, SocketToClose } from '../../model/close.ts';
import { InterfaceAddresses, type ReadAddresses } from '../interface-addresses.ts';
import type { SocketBounds } from '../socket-limiter.ts';
import {
  type EventSource,
  type Facilities,
  type Leftovers,
  type PollOptions,
  type Source,
  SourceFailed,
} from '../types.ts';
import type { WindowsApi } from './api.ts';
import { closeSocketsIn } from './close-sockets.ts';
import { TraceEvents } from './etw/events.ts';
import type { TraceSession } from './etw/session.ts';
import { CallFailed } from './growing-buffer.ts';
import { readInterfaces } from './interfaces.ts';
import {
  missingRows,
  noEvents,
  notElevated,
  processesUnread,
  protectedPrograms,
  servicesUnread,
  stale,
  statisticsRefused,
  TRAFFIC_IN_TURN,
  unknownStates,
} from './notices.ts';
import { ownerOfEnded, ownersOf } from './owners.ts';
import { Processes } from './processes.ts';
import { WindowsSockets } from './sockets.ts';
import { Statistics } from './statistics.ts';

const NOT_ON_WINDOWS = 'only on Linux';

export interface IphlpapiOptions {
  readonly api: WindowsApi;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** Wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
  /** The events of connections, or why there are none, a clause; undefined if they are not wanted. */
  readonly session: TraceSession | string | undefined;
  /** See `SourceOptions`. */
  readonly ownerBudgetMs: number;
  readonly bounds?: SocketBounds | undefined;
  /** See `InterfaceAddresses`. */
  readonly readAddresses?: ReadAddresses | undefined;
}

/**
 * The source `iphlpapi`: TCP and UDP sockets from the tables of the IP Helper API, their owners from the process list.
 *
 *     four tables ─▶ `WindowsSockets`: what changed ─▶ `Processes` ─▶ `ownersOf` ─▶ snapshot
 *     session of events ─▶ `TraceEvents`: closes, packets of UDP
 */
export class IphlpapiSource implements Source {
  readonly name = 'iphlpapi';
  readonly closeSockets = (sockets: readonly SocketToClose[]): CloseResult =>
    closeSocketsIn(this.#options.api, sockets, (id) => this.#sockets.lifeOf(id));
  readonly facilities = (): Facilities => ({
    closeMessages: this.#options.session === undefined ? 'not requested' : (this.#traceFailure ?? true),
    ledger: NOT_ON_WINDOWS,
    trace: NOT_ON_WINDOWS,
    namespaces: 1,
  });
  readonly events?: EventSource;
  readonly leftovers?: Leftovers;
  readonly #options: IphlpapiOptions;
  readonly #sockets: WindowsSockets;
  readonly #processes: Processes;
  /** Undefined if netpane does not run as administrator. */
  readonly #statistics: Statistics | undefined;
  readonly #trace: TraceEvents | undefined;
  readonly #addresses: InterfaceAddresses;
  #last: Snapshot | undefined;

  constructor(options: IphlpapiOptions) {
    this.#options = options;
    this.#addresses = new InterfaceAddresses(options.nowMs, options.readAddresses);
    const { nameOf } = this.#addresses;
    this.#sockets = new WindowsSockets(options.api, nameOf, options.bounds);
    this.#processes = new Processes(options.api, options.nowMs);
    if (options.api.isElevated) this.#statistics = new Statistics(options.api, options.nowMs);
    const { session, nowMs, wallMs } = options;
    if (session === undefined || typeof session === 'string') return;
    this.#trace = new TraceEvents({
      session,
      nowMs,
      wallMs,
      interfaceOf: nameOf,
      ownerOf: (pid, startedAt) => ownerOfEnded(pid, startedAt, this.#processes),
    });
    this.events = this.#trace;
    this.leftovers = { session: session.name, ring: session.ring.memory };
  }

  close(): void {
    this.#trace?.close();
  }

  /** Why there are no events of connections, a clause; undefined if there are, or they are not wanted. */
  get #traceFailure(): string | undefined {
    const { session } = this.#options;
    return typeof session === 'object' ? session.failure : session;
  }

  /** Returns a snapshot. If a table cannot be read, the first call rejects, and a later call returns the previous sockets. */
  async read({ omitsNewRemnants }: PollOptions = {}): Promise<Snapshot> {
    const { nowMs, ownerBudgetMs } = this.#options;
    const startMs = nowMs();
    this.#trace?.beginPoll();
    try {
      this.#sockets.readTables();
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (this.#last === undefined)
        throw new SourceFailed(`cannot read the sockets of this machine: ${error.message}`, { cause: error });
      return { ...this.#last, degradations: [stale(error.message), ...this.#last.degradations] };
    }
    const tablesMs = nowMs();
    const changedPids = this.#processes.refresh(this.#pids(), ownerBudgetMs);
    const ownersMs = nowMs();
    const lives = this.#sockets.update({
      ownersOf: (row, before) => ownersOf(row, before, this.#processes),
      changedPids,
      hasNewInterfaces: this.#addresses.refresh(),
      omitsNewRemnants,
    });
    this.#statistics?.start(lives.changed);
    this.#statistics?.read((life, traffic) => {
      if (life.socket) this.#sockets.replace(life, { ...life.socket, traffic });
    });
    this.#trace?.applyPoll({ ...lives, startMs }, (life, socket) => this.#sockets.replace(life, socket));
    this.#last = {
      sockets: this.#sockets.publish(),
      interfaces: this.#readInterfaces(),
      degradations: this.#degradations(),
      socketsMs: tablesMs - startMs + (nowMs() - ownersMs),
      ownersMs: ownersMs - tablesMs,
    };
    return this.#last;
  }

  /** Returns the interfaces; those of the last poll if Windows refuses. */
  #readInterfaces(): readonly NetworkInterface[] {
    const table = this.#options.api.readInterfaces();
    if (table === undefined) return this.#last?.interfaces ?? [];
    return readInterfaces(table, (name) => this.#addresses.of(name));
  }

  /** Returns the pids in the tables and in events. */
  #pids(): ReadonlySet<number> {
    const pids = this.#sockets.pids();
    this.#trace?.addPids(pids);
    return pids;
  }

  #degradations(): Degradation[] {
    const { missing, unknownStates: unknown } = this.#sockets;
    const { closedCount: closed, failure, servicesFailure } = this.#processes;
    const { refusal, isInTurn } = this.#statistics ?? {};
    return [
      ...this.#sockets.notices(),
      ...(failure === undefined ? [] : [processesUnread(failure)]),
      ...(servicesFailure === undefined ? [] : [servicesUnread(servicesFailure)]),
      ...(missing > 0 ? [missingRows(missing)] : []),
      ...(this.#options.api.isElevated ? [] : [notElevated(closed)]),
      ...(this.#options.api.isElevated && closed > 0 ? [protectedPrograms(closed)] : []),
      ...(this.#options.api.isElevated && this.#traceFailure !== undefined
        ? [noEvents(this.#traceFailure)]
        : []),
      ...(refusal === undefined ? [] : [statisticsRefused(refusal)]),
      ...(isInTurn ? [TRAFFIC_IN_TURN] : []),
      ...(unknown > 0 ? [unknownStates(unknown)] : []),
    ];
  }
}
