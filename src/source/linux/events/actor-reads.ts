import type { Owner } from '../../../model/socket.ts';
import type { Owners } from '../owners/owners.ts';
import { namespaceInode } from '../proc/descriptor-target.ts';
import type { Proc } from '../proc/proc.ts';
import { parseStat } from '../proc/process.ts';
import type { TraceRecord } from '../trace/records.ts';
import type { Actor } from './actor.ts';

/** A thread as /proc describes it. */
export interface ThreadInfo {
  readonly pid: number;
  readonly comm: string;
  readonly isKernelThread: boolean;
}

/** Inode of a network namespace, or why it cannot be read. */
export type NetworkRead = number | 'gone' | 'forbidden';

/**
 * The contents of /proc about the threads and processes that act in the records of one drain. Each is read once, also if it is
 * missing: an ended one may have thousands of records in a drain.
 */
export class ActorReads {
  readonly #proc: Proc;
  readonly #owners: Owners;
  /** Threads by tid; undefined for one that is missing in /proc. */
  readonly #threads = new Map<number, ThreadInfo | undefined>();
  /** Processes by pid; undefined for one that is missing in /proc. */
  readonly #identities = new Map<number, Owner | undefined>();
  /** Network namespaces by tid. */
  readonly #networks = new Map<number, NetworkRead>();

  /** @param owners reads the program of a living process */
  constructor(proc: Proc, owners: Owners) {
    this.#proc = proc;
    this.#owners = owners;
  }

  /**
   * Forgets the last drain, and reads the unknown threads and processes that act in these records.
   * @param actorOf returns the process of a thread; undefined if it is unknown
   * @returns true if one was found: records that arrived meanwhile may outdate it
   */
  read(records: readonly TraceRecord[], actorOf: (tid: number) => Actor | undefined): boolean {
    this.#threads.clear();
    this.#identities.clear();
    this.#networks.clear();
    const changed = new Set<number>();
    for (const record of records) {
      if (record.type === 'exec') changed.add(record.pid);
      else if (record.type === 'task') {
        if (!record.isThread) changed.add(record.child);
        // The child inherits the process of its parent, and whether it is a kernel thread.
        if (actorOf(record.tid) === undefined) this.#readThread(record.tid);
      } else if (record.inProcess && (record.type === 'state' || record.type === 'route')) {
        const actor = actorOf(record.tid);
        const pid = actor?.pid ?? this.#readThread(record.tid)?.pid ?? record.tid;
        if (actor?.owners === undefined || changed.has(pid)) this.#readIdentity(pid);
      }
    }
    return hasValue(this.#threads) || hasValue(this.#identities);
  }

  /** Returns a thread that `read` has found. */
  threadOf(tid: number): ThreadInfo | undefined {
    return this.#threads.get(tid);
  }

  /** Returns a process that `read` has found. */
  identityOf(pid: number): Owner | undefined {
    return this.#identities.get(pid);
  }

  /** Returns the network namespace of a thread; reads it now if it was not read since the last `read`. */
  networkOf(tid: number): NetworkRead {
    const known = this.#networks.get(tid);
    if (known !== undefined) return known;
    const link = this.#proc.link(`${tid}/ns/net`);
    const failure = 'failed' in link && link.failed === 'gone' ? 'gone' : 'forbidden';
    const network = ('value' in link ? namespaceInode(link.value) : undefined) ?? failure;
    this.#networks.set(tid, network);
    return network;
  }

  #readIdentity(pid: number): void {
    if (!this.#identities.has(pid)) this.#identities.set(pid, this.#owners.identityOf(pid));
  }

  /** Reads a thread that is older than the trace: /proc/TID exists for every thread, though it is not listed. */
  #readThread(tid: number): ThreadInfo | undefined {
    const known = this.#threads.get(tid);
    if (known || this.#threads.has(tid)) return known;
    const status = this.#proc.text(`${tid}/status`);
    const pid = 'value' in status ? Number(/^Tgid:\t(\d+)$/m.exec(status.value)?.[1]) : NaN;
    const text = this.#proc.text(`${tid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    const info =
      stat === undefined || !Number.isInteger(pid)
        ? undefined
        : { pid, comm: stat.comm, isKernelThread: stat.isKernelThread };
    this.#threads.set(tid, info);
    return info;
  }
}

/** Returns true if a map has a value that is not undefined. */
function hasValue(map: ReadonlyMap<number, unknown>): boolean {
  for (const value of map.values()) if (value !== undefined) return true;
  return false;
}
