import type { Degradation, NetworkInterface, Snapshot } from '../../model/batch.ts';
import { sameOwners, sameSocket } from '../../model/fields.ts';
import type { Socket } from '../../model/socket.ts';
import { InterfaceAddresses, type ReadAddresses } from '../interface-addresses.ts';
import { RollingMap } from '../rolling-map.ts';
import { SocketLimiter } from '../socket-limiter.ts';
import {
  type EventSource,
  type Facilities,
  type PollOptions,
  type Source,
  SourceFailed,
  type SourceOptions,
} from '../types.ts';
import { EndpointIndex } from './endpoint-index.ts';
import { CloseEvents } from './events/closes.ts';
import { CLOCK, type MacCalls } from './native/calls.ts';
import { MacInterfaces } from './native/interfaces.ts';
import { KernelTable, numberOf, TableUnread } from './native/kernel-table.ts';
import { MacProcesses } from './native/processes.ts';
import {
  CUT_TABLE,
  lastUsers,
  malformedRows,
  missingKinds,
  NO_PROCESSES,
  type NoticeContext,
  staleTable,
  withheldNotice,
  withheldOf,
} from './notices.ts';
import { Attribution } from './owners/attribution.ts';
import { Holders } from './owners/holders.ts';
import { ProcessCache } from './owners/process-cache.ts';
import { type TableCounts, type TableSocket, TableSockets } from './table/table-sockets.ts';
import { TcpClock } from './tcp-clock.ts';

/** Tables of the kernel by protocol. */
export const TABLES = { tcp: 'net.inet.tcp.pcblist_n', udp: 'net.inet.udp.pcblist_n' } as const;

const NOT_ON_MACOS = 'only on Linux';

export interface PcblistOptions extends SourceOptions, NoticeContext {
  readonly calls: MacCalls;
  readonly ownUid: number;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** Wall-clock time, milliseconds since 1970. */
  readonly wallMs: () => number;
  /** See `InterfaceAddresses`. */
  readonly readAddresses?: ReadAddresses | undefined;
}

interface Table {
  readonly kernel: KernelTable;
  readonly sockets: TableSockets;
  /** Counts of this poll; undefined if it could not be read. */
  counts: TableCounts | undefined;
  /** True once a poll has read it. */
  wasRead: boolean;
}

/**
 * The source `pcblist`: reads the TCP and UDP sockets of macOS with their traffic from the kernel's own lists, and their
 * owners from the descriptors of processes.
 *
 *     `KernelTable` ──▶ `TableSockets` (what changed) ──▶ `Holders` ──▶ `Attribution` ──▶ snapshot
 */
export class PcblistSource implements Source {
  readonly name = 'pcblist';
  readonly events?: EventSource;
  readonly facilities = (): Facilities => ({
    closeMessages: this.#closes instanceof CloseEvents ? true : this.#closes,
    ledger: NOT_ON_MACOS,
    trace: NOT_ON_MACOS,
    namespaces: 1,
  });
  readonly #options: PcblistOptions;
  readonly #tables: readonly Table[];
  readonly #limiter: SocketLimiter;
  readonly #clock: TcpClock;
  readonly #processes: MacProcesses;
  readonly #cache: ProcessCache;
  readonly #holders: Holders;
  readonly #attribution: Attribution;
  readonly #published = new RollingMap<Socket>();
  readonly #byHandle = new Map<bigint, TableSocket>();
  /** Sockets whose owners are to be determined again: a search for them has not ended. */
  readonly #pending = new Set<TableSocket>();
  /** Sockets whose owner is known by its last use only. */
  readonly #inherited = new Set<TableSocket>();
  readonly #byEndpoints = new EndpointIndex();
  /** Reports closes; or the reason, a clause, if they are not reported. */
  readonly #closes: CloseEvents | string;
  readonly #interfaces: MacInterfaces;
  readonly #addresses: InterfaceAddresses;
  /** The interfaces at the last poll that could read them. */
  #lastInterfaces: readonly NetworkInterface[] = [];
  #isFirst = true;

  constructor(options: PcblistOptions) {
    const { calls, bounds, nowMs } = options;
    this.#options = options;
    this.#limiter = new SocketLimiter(bounds);
    const [nowInit, uptimeInit] = [
      numberOf(calls, 'net.inet.tcp.now_init'),
      numberOf(calls, 'net.inet.tcp.microuptime_init'),
    ];
    this.#clock = new TcpClock(
      nowInit === undefined || uptimeInit === undefined ? undefined : { nowInit, uptimeInit },
    );
    const userName = cached((uid: number) => calls.userName(uid));
    const context = {
      userName,
      interfaceName: cached((index: number) => calls.interfaceName(index)),
      wallMsOf: this.#clock.wallMsOf,
      limiter: this.#limiter,
      keptSockets: () => this.#tables.reduce((sum, { sockets }) => sum + sockets.size, 0),
    };
    this.#addresses = new InterfaceAddresses(nowMs, options.readAddresses);
    const { nameOf: interfaceOf } = this.#addresses;
    this.#interfaces = new MacInterfaces(calls, context.interfaceName, (name) => this.#addresses.of(name));
    this.#processes = new MacProcesses(calls);
    this.#cache = new ProcessCache({ ...options, processes: this.#processes, userName });
    this.#holders = new Holders(this.#processes, this.#cache, nowMs);
    this.#attribution = new Attribution(this.#holders, this.#cache);
    this.#closes = options.events
      ? CloseEvents.open({
          ...context,
          calls,
          nowMs,
          interfaceOf,
          cache: this.#cache,
          find: this.#byEndpoints.take,
        })
      : 'not requested';
    if (this.#closes instanceof CloseEvents) this.events = this.#closes;
    // Without close events only a remnant shows a short connection.
    const omitsRemnants = options.omitsRemnants === true && this.events !== undefined;
    this.#tables = (['tcp', 'udp'] as const).map((protocol) => ({
      kernel: new KernelTable(calls, TABLES[protocol]),
      sockets: new TableSockets(protocol, { ...context, omitsRemnants }),
      counts: undefined,
      wasRead: false,
    }));
  }

  close(): void {
    if (this.#closes instanceof CloseEvents) this.#closes.close();
  }

  /**
   * Returns a snapshot. If no table can be read, the first call rejects, and a later call returns the last known
   * sockets.
   */
  async read({ omitsNewRemnants }: PollOptions = {}): Promise<Snapshot> {
    const { calls, nowMs, wallMs, ownerBudgetMs } = this.#options;
    const startMs = nowMs();
    this.#clock.update({
      awakeMs: calls.clockNs(CLOCK.awake) / 1e6,
      continuousMs: calls.clockNs(CLOCK.continuous) / 1e6,
      wallMs: wallMs(),
    });
    const failures = this.#readTables(omitsNewRemnants);
    if (this.#isFirst && failures.length === this.#tables.length)
      throw new SourceFailed(`cannot read the sockets of this machine: ${failures.join('; ')}`);
    this.#isFirst = false;
    const readMs = nowMs();
    const hasProcesses = this.#searchHolders(readMs + ownerBudgetMs);
    const ownersMs = nowMs();
    this.#publishChanges();
    this.#lastInterfaces = this.#interfaces.read() ?? this.#lastInterfaces;
    return {
      sockets: this.#published.publish(),
      interfaces: this.#lastInterfaces,
      degradations: this.#degradations(failures, hasProcesses),
      socketsMs: readMs - startMs + (nowMs() - ownersMs),
      ownersMs: ownersMs - readMs,
    };
  }

  /** Reads each table. @returns why some could not be read */
  #readTables(omitsNewRemnants?: boolean): readonly string[] {
    const failures: string[] = [];
    this.#limiter.begin(omitsNewRemnants);
    for (const table of this.#tables) {
      try {
        table.counts = table.sockets.read(table.kernel.read());
        table.wasRead = true;
      } catch (error) {
        if (!(error instanceof TableUnread)) throw error;
        table.counts = undefined;
        table.sockets.skip();
        failures.push(error.message);
      }
    }
    return failures;
  }

  /** Searches the processes for the holders of all sockets. @returns false if macOS does not list processes */
  #searchHolders(deadlineMs: number): boolean {
    const suspects = new Set<number>();
    for (const { sockets } of this.#tables) {
      for (const { hints, socket } of sockets.changed) {
        if (socket === undefined || hints.lastPid !== socket.owners[0]?.pid) suspects.add(hints.lastPid);
      }
      for (const { hints } of sockets.closed)
        if (hints.handle !== undefined)
          for (const pid of this.#holders.pidsOf(hints.handle)) suspects.add(pid);
    }
    const pids = this.#processes.pids();
    const list = pids === undefined ? [] : [...pids];
    this.#cache.beginPoll(new Set(list));
    this.#holders.search(list, { suspects, deadlineMs });
    return pids !== undefined;
  }

  /** Makes the new version of each socket that has changed, or whose owners have. */
  #publishChanges(): void {
    const dirty = new Set(this.#pending);
    this.#byEndpoints.beginPoll();
    for (const { sockets } of this.#tables) {
      for (const closed of sockets.closed) this.#remove(closed, dirty);
      for (const changed of sockets.changed) {
        dirty.add(changed);
        if (changed.hints.handle !== undefined) this.#byHandle.set(changed.hints.handle, changed);
      }
    }
    for (const handle of this.#holders.changed) {
      const socket = this.#byHandle.get(handle);
      if (socket) dirty.add(socket);
    }
    if (this.#addresses.refresh())
      for (const { sockets } of this.#tables) for (const socket of sockets.values()) dirty.add(socket);
    for (const socket of dirty) this.#update(socket);
  }

  #update(it: TableSocket): void {
    const before = it.socket;
    const found = this.#attribution.ownersOf(it);
    const owners = before && sameOwners(before.owners, found) ? before.owners : found;
    const knowledge = owners[0]?.knowledge;
    setIn(this.#pending, it, knowledge === 'pending');
    setIn(this.#inherited, it, knowledge === 'inherited' && it.values.state !== 'TIME_WAIT');
    this.#byEndpoints.set(it);
    const name = this.#addresses.nameOf(it.values.local.address);
    const next: Socket = { ...it.values, ...(name !== undefined && { interface: name }), owners };
    if (before && sameSocket(before, next)) return;
    it.socket = next;
    this.#published.set(next.id, next);
  }

  #remove(it: TableSocket, dirty: Set<TableSocket>): void {
    for (const set of [dirty, this.#pending, this.#inherited]) set.delete(it);
    this.#byEndpoints.setGone(it);
    const { handle } = it.hints;
    if (handle !== undefined && this.#byHandle.get(handle) === it) this.#byHandle.delete(handle);
    this.#published.delete(it.values.id);
  }

  #degradations(failures: readonly string[], hasProcesses: boolean): Degradation[] {
    const counts = this.#tables.flatMap((table) => table.counts ?? []);
    const sum = (of: (it: TableCounts) => number): number => counts.reduce((total, it) => total + of(it), 0);
    const withheld = sum((it) => withheldOf(it, this.#options));
    const malformed = sum((it) => it.malformed);
    return [
      ...(withheld > 0 ? [withheldNotice(withheld, this.#options)] : []),
      ...(failures.length > 0
        ? [
            staleTable(
              failures.join('; '),
              this.#tables.every(({ wasRead }) => wasRead),
            ),
          ]
        : []),
      ...(counts.some((it) => !it.isComplete) ? [CUT_TABLE] : []),
      ...this.#limiter.notices(),
      ...(hasProcesses ? [] : [NO_PROCESSES]),
      ...(this.#inherited.size > 0 && hasProcesses ? [lastUsers(this.#inherited.size, this.#options)] : []),
      ...(malformed > 0 ? [malformedRows(malformed)] : []),
      ...(this.#options.also.length > 0 ? [missingKinds(this.#options.also)] : []),
    ];
  }
}

/** Adds an item to a set, or removes it. */
function setIn<T>(set: Set<T>, item: T, isIn: boolean): void {
  if (isIn) set.add(item);
  else set.delete(item);
}

/** Returns a function that calls `of` once for each number, and keeps the answer. */
function cached<T>(of: (number: number) => T): (number: number) => T {
  const known = new Map<number, T>();
  return (number) => {
    if (!known.has(number)) known.set(number, of(number));
    return known.get(number) as T;
  };
}
