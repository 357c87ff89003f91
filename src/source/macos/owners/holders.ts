import { sameOwner } from '../../../model/fields.ts';
import type { Owner } from '../../../model/socket.ts';
import { ERRNO } from '../native/calls.ts';
import type { MacProcesses } from '../native/processes.ts';
import type { ProcessCache } from './process-cache.ts';

/** Number of processes per poll whose descriptors and programs are read again without a reason, in turn. */
const CHECKED_IN_TURN = 8;

/** Maximum number of owners of one socket. */
const MAX_OWNERS = 8;

/** A process whose descriptors may be read. */
interface Holder {
  readonly pid: number;
  /** Descriptors of its sockets at the last poll. */
  descriptors: Int32Array;
  /** Handles of its sockets. */
  handles: ReadonlySet<bigint>;
  owner: Owner | undefined;
}

/** Requests of a poll. */
export interface Wanted {
  /** Pids whose descriptors must be read again: a socket names them, or one of their sockets has closed. */
  readonly suspects: ReadonlySet<number>;
  /** Time at which the search stops, on the clock of `nowMs`. */
  readonly deadlineMs: number;
}

/**
 * Finds the processes that hold each socket: lists the descriptors of every process that may be read, and asks for the
 * handle of each socket among them. The handles of a process are read again only if its list has changed, if it is a
 * suspect, and in turn.
 */
export class Holders {
  /** Handles whose holders changed in the last search. */
  readonly changed = new Set<bigint>();
  /** True if the last search covered every process. */
  isComplete = false;
  /** Number of processes whose descriptors may not be read. */
  unreadable = 0;
  readonly #processes: Pick<MacProcesses, 'socketDescriptors' | 'socketHandle'>;
  readonly #cache: Pick<ProcessCache, 'of'>;
  readonly #nowMs: () => number;
  readonly #holders = new Map<number, Holder>();
  readonly #pidsOf = new Map<bigint, Set<number>>();
  #turn = 0;
  /** Process at which the last search ran out of time. */
  #next: number | undefined;

  constructor(
    processes: Pick<MacProcesses, 'socketDescriptors' | 'socketHandle'>,
    cache: Pick<ProcessCache, 'of'>,
    nowMs: () => number,
  ) {
    this.#processes = processes;
    this.#cache = cache;
    this.#nowMs = nowMs;
  }

  /** Returns the processes that hold a socket, by pid; empty if none is known. */
  of(handle: bigint): readonly Owner[] {
    const pids = this.#pidsOf.get(handle);
    if (pids === undefined) return [];
    return [...pids]
      .sort((a, b) => a - b)
      .slice(0, MAX_OWNERS)
      .flatMap((pid) => this.#holders.get(pid)?.owner ?? []);
  }

  /** Returns the pids of the processes that hold a socket. */
  pidsOf(handle: bigint): Iterable<number> {
    return this.#pidsOf.get(handle) ?? [];
  }

  /** Searches all processes. @param pids those that exist now */
  search(pids: readonly number[], { suspects, deadlineMs }: Wanted): void {
    this.changed.clear();
    const living = new Set(pids);
    for (const holder of this.#holders.values()) if (!living.has(holder.pid)) this.#forget(holder);
    // Suspects come first, because the time may run out. The others begin with the process at which it ran out last time.
    const others = pids.filter((pid) => !suspects.has(pid));
    const first = Math.max(0, this.#next === undefined ? 0 : others.indexOf(this.#next));
    const order = [
      ...pids.filter((pid) => suspects.has(pid)),
      ...others.slice(first),
      ...others.slice(0, first),
    ];
    const inTurn = this.#inTurn(order);
    const unreadableBefore = this.unreadable;
    this.#next = undefined;
    this.unreadable = 0;
    this.isComplete = true;
    for (const pid of order) {
      if (this.#nowMs() > deadlineMs) {
        this.isComplete = false;
        this.#next = pid;
        // The processes that this search did not reach may be those that the last search could not read.
        this.unreadable = Math.max(this.unreadable, unreadableBefore);
        return;
      }
      this.#searchProcess(pid, suspects.has(pid) || inTurn.has(pid));
    }
  }

  /** Returns the processes whose turn it is. */
  #inTurn(pids: readonly number[]): ReadonlySet<number> {
    const first = this.#turn % Math.max(1, pids.length);
    this.#turn = first + CHECKED_IN_TURN;
    return new Set(pids.slice(first, first + CHECKED_IN_TURN));
  }

  #searchProcess(pid: number, isSuspect: boolean): void {
    const descriptors = this.#processes.socketDescriptors(pid);
    const known = this.#holders.get(pid);
    if (typeof descriptors === 'number') {
      // The process belongs to another user; or it has ended (ESRCH), and holds nothing.
      if (descriptors < 0 && descriptors !== -ERRNO.ESRCH) this.unreadable++;
      if (known) this.#forget(known);
      return;
    }
    if (descriptors.length === 0) {
      if (known) this.#forget(known);
      return;
    }
    if (known && !isSuspect && isEqual(known.descriptors, descriptors)) return;
    const handles = new Set<bigint>();
    for (const descriptor of descriptors) {
      const handle = this.#processes.socketHandle(pid, descriptor);
      if (handle !== undefined && handle !== 0n) handles.add(handle);
    }
    const holder = known ?? { pid, descriptors, handles: new Set<bigint>(), owner: undefined };
    this.#holders.set(pid, holder);
    holder.descriptors = descriptors;
    this.#setHandles(holder, handles);
    this.#identify(holder);
  }

  #setHandles(holder: Holder, handles: ReadonlySet<bigint>): void {
    for (const handle of holder.handles) if (!handles.has(handle)) this.#release(handle, holder.pid);
    for (const handle of handles) {
      if (holder.handles.has(handle)) continue;
      const pids = this.#pidsOf.get(handle);
      if (pids) pids.add(holder.pid);
      else this.#pidsOf.set(handle, new Set([holder.pid]));
      this.changed.add(handle);
    }
    holder.handles = handles;
  }

  /** Reads the program of a holder. A pid that now belongs to another process has another start. */
  #identify(holder: Holder): void {
    const program = this.#cache.of(holder.pid, true);
    const before = holder.owner;
    if (program === undefined) {
      this.#forget(holder);
      return;
    }
    const owner: Owner = { knowledge: 'exact', ...program };
    if (before && sameOwner(before, owner)) return;
    holder.owner = owner;
    for (const handle of holder.handles) this.changed.add(handle);
  }

  #forget(holder: Holder): void {
    for (const handle of holder.handles) this.#release(handle, holder.pid);
    this.#holders.delete(holder.pid);
  }

  #release(handle: bigint, pid: number): void {
    const pids = this.#pidsOf.get(handle);
    pids?.delete(pid);
    if (pids?.size === 0) this.#pidsOf.delete(handle);
    this.changed.add(handle);
  }
}

const isEqual = (one: Int32Array, other: Int32Array): boolean =>
  one.length === other.length && one.every((number, i) => number === other[i]);
