import type { Owner } from '../../../model/socket.ts';
import type { Owners } from '../owners/owners.ts';
import type { Proc } from '../proc/proc.ts';
import { namespaceInode } from '../proc/descriptor-target.ts';
import { fullName, parseStat } from '../proc/process.ts';
import type { ExecRecord, ExitRecord, RenameRecord, TaskRecord, TraceRecord } from '../trace/records.ts';
import { UpcomingChanges } from './upcoming-changes.ts';

/** A process that acts in the trace. */
interface Actor {
  readonly pid: number;
  /** The kernel's name of the process, up to 15 bytes. Undefined if it became another program before it was read. */
  comm: string | undefined;
  /** Path of the program as given to execve(2). */
  file: string | undefined;
  isKernelThread: boolean;
  /**
   * Pid of the process that forked this one, whose network namespace it started in. Undefined if unknown, or if it
   * started in a namespace of its own.
   */
  readonly parent: number | undefined;
  /** Sequence number of the fork, from 1; 0 if the fork was not traced. A parent with a higher one has a reused pid. */
  readonly order: number;
  /** `[owner]`, the same array for each action of the process; undefined until it is first needed. */
  owners: readonly Owner[] | undefined;
}

/** A thread as /proc describes it. */
interface ThreadInfo {
  readonly pid: number;
  readonly comm: string;
  readonly isKernelThread: boolean;
}

/** Time for which an ended thread is kept, milliseconds: its process still closes sockets after the exit record. */
const LINGER_MS = 1000;

/** Maximum number of threads kept. More than any machine has, so exit records were lost. */
const MAX_THREADS = 200_000;

/** Maximum number of processes read for a network namespace: the process, its parent, and so on. */
const MAX_ANCESTORS = 4;

/** Returns the first two words of the command line: one of them may be the full program name. */
const wordsOf = ({ command }: Owner): readonly string[] => command?.split(' ', 2) ?? [];

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/**
 * Finds the process of a thread, and the program that it ran when it acted. Processes are followed from fork to exit; a
 * process that is older than the trace is read from /proc when it first acts.
 *
 * /proc is read up to 50 ms after a record, when the process may run another program (execve) or its pid may be reused.
 * Each drain of the trace therefore has three steps:
 *
 *     readProc(records) ──▶ drain again ──▶ setUpcoming(all records) ──▶ apply…(record), ownersOf(tid)
 *
 * A result of /proc is used only for a record with no later exec, rename or fork of the same number.
 */
export class Actors {
  readonly #proc: Proc;
  readonly #owners: Owners;
  readonly #byThread = new Map<number, Actor>();
  /** Exit time of ended threads, milliseconds on the clock of the records, oldest first. */
  readonly #endedThreads = new Map<number, number>();
  /** Pids of ended processes: an entry in /proc with such a pid is another process. */
  readonly #endedProcesses = new Set<number>();
  /** Results of `readProc`: threads by tid, and processes by pid. */
  readonly #threadInfos = new Map<number, ThreadInfo>();
  readonly #identities = new Map<number, Owner>();
  /** Threads and processes missing in /proc. Kept because an ended one may have thousands of records in a drain. */
  readonly #goneThreads = new Set<number>();
  readonly #goneProcesses = new Set<number>();
  /** Inodes of network namespaces by tid, read since the last `readProc`. */
  readonly #networks = new Map<number, number | 'gone' | 'forbidden'>();
  #upcoming = new UpcomingChanges([]);
  #isComplete = true;
  #forks = 0;

  /** @param owners reads the program of a living process */
  constructor(proc: Proc, owners: Owners) {
    this.#proc = proc;
    this.#owners = owners;
  }

  /**
   * Reads from /proc the unknown threads and processes that act in these records.
   * @returns true if anything was read: records that arrived meanwhile may outdate it
   */
  readProc(records: readonly TraceRecord[]): boolean {
    this.#threadInfos.clear();
    this.#identities.clear();
    this.#goneThreads.clear();
    this.#goneProcesses.clear();
    this.#networks.clear();
    const changed = new Set<number>();
    for (const record of records) {
      if (record.type === 'exec') changed.add(record.pid);
      else if (record.type === 'task') {
        if (!record.isThread) changed.add(record.child);
        // The child inherits the process of its parent, and whether it is a kernel thread.
        if (!this.#byThread.has(record.tid)) this.#readThread(record.tid);
      } else if (record.inProcess && (record.type === 'state' || record.type === 'route')) {
        this.#readProcess(record.tid, changed);
      }
    }
    return this.#threadInfos.size > 0 || this.#identities.size > 0;
  }

  #readProcess(tid: number, changed: ReadonlySet<number>): void {
    const actor = this.#byThread.get(tid);
    const pid = actor?.pid ?? this.#readThread(tid)?.pid ?? tid;
    if (this.#identities.has(pid) || this.#goneProcesses.has(pid)) return;
    if (actor?.owners && !changed.has(pid)) return;
    const identity = this.#owners.identityOf(pid);
    if (identity) this.#identities.set(pid, identity);
    else this.#goneProcesses.add(pid);
  }

  /** Reads a thread that is older than the trace: /proc/TID exists for every thread, though it is not listed. */
  #readThread(tid: number): ThreadInfo | undefined {
    const known = this.#threadInfos.get(tid);
    if (known || this.#goneThreads.has(tid)) return known;
    const status = this.#proc.text(`${tid}/status`);
    const pid = 'value' in status ? Number(/^Tgid:\t(\d+)$/m.exec(status.value)?.[1]) : NaN;
    const text = this.#proc.text(`${tid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    if (stat === undefined || !Number.isInteger(pid)) {
      this.#goneThreads.add(tid);
      return undefined;
    }
    const info = { pid, comm: stat.comm, isKernelThread: stat.isKernelThread };
    this.#threadInfos.set(tid, info);
    return info;
  }

  /**
   * Sets the records that are about to be applied.
   * @param records all records since the last call, including those that arrived while /proc was read
   * @param isComplete true if no record was lost; a lost record may have been an exec or a fork
   */
  setUpcoming(records: readonly TraceRecord[], isComplete: boolean): void {
    this.#upcoming = new UpcomingChanges(records);
    this.#isComplete = isComplete;
  }

  /** Adds the thread or process that a record creates. */
  applyFork(record: TaskRecord): void {
    const { tid, child, isThread, hasOwnNetwork, comm } = record;
    this.#upcoming.apply(record);
    this.#markAlive(child);
    const parent = this.#byThread.get(tid) ?? this.#addThread(tid);
    if (!isThread)
      this.#byThread.set(child, {
        pid: child,
        comm,
        file: parent?.file,
        isKernelThread: parent?.isKernelThread ?? false,
        parent: hasOwnNetwork ? undefined : (parent?.pid ?? tid),
        order: ++this.#forks,
        owners: undefined,
      });
    else if (parent) this.#byThread.set(child, parent);
    // The number was reused by a thread of an unknown process: remove the previous one.
    else this.#byThread.delete(child);
  }

  /** Replaces the program of a process. */
  applyExec(record: ExecRecord): void {
    const { pid, oldPid, filename } = record;
    this.#upcoming.apply(record);
    // The thread that calls execve(2) takes the number of the first thread, which has ended.
    this.#markAlive(pid);
    if (oldPid !== pid) this.#byThread.delete(oldPid);
    const { parent, order = 0 } = this.#byThread.get(pid) ?? {};
    const comm = baseName(filename);
    const isKernelThread = false;
    this.#byThread.set(pid, { pid, comm, file: filename, isKernelThread, parent, order, owners: undefined });
  }

  /** Renames a process; the name of its first thread is the name of the process. */
  applyRename(record: RenameRecord): void {
    const { pid: tid, now } = record;
    this.#upcoming.apply(record);
    const actor = this.#byThread.get(tid);
    if (actor?.pid !== tid || actor.comm === now) return;
    actor.comm = now;
    actor.owners = actor.owners?.map((owner) => ({
      ...owner,
      process: fullName(now, owner.exe ?? actor.file, wordsOf(owner)),
    }));
  }

  /** Marks a thread as ended; its process may still close sockets. */
  applyExit({ pid: tid, groupDead, atMs }: ExitRecord): void {
    const actor = this.#byThread.get(tid);
    this.#endedThreads.delete(tid);
    this.#endedThreads.set(tid, atMs);
    if (groupDead ?? actor?.pid === tid) this.#endedProcesses.add(actor?.pid ?? tid);
  }

  /** Removes threads that ended more than `LINGER_MS` ago. @param nowMs milliseconds on the clock of the records */
  removeExpired(nowMs: number): void {
    for (const [tid, atMs] of this.#endedThreads) {
      if (atMs > nowMs - LINGER_MS) break;
      this.#endedThreads.delete(tid);
      const pid = this.#byThread.get(tid)?.pid ?? tid;
      this.#byThread.delete(tid);
      this.#endedProcesses.delete(pid);
    }
    if (this.#byThread.size > MAX_THREADS) this.clear();
  }

  /** Removes all threads and processes after records were lost; they are read from /proc when they next act. */
  clear(): void {
    this.#byThread.clear();
    this.#endedThreads.clear();
    this.#endedProcesses.clear();
  }

  /** Marks a number as that of a living thread. */
  #markAlive(tid: number): void {
    this.#endedThreads.delete(tid);
    this.#endedProcesses.delete(tid);
  }

  /**
   * Returns the process of a thread as the owner of what it does now, with the program that it becomes next if known.
   * Undefined for a kernel thread, and if the process is unknown.
   */
  ownersOf(tid: number): readonly Owner[] | undefined {
    const actor = this.#byThread.get(tid) ?? this.#addThread(tid);
    if (actor === undefined || actor.isKernelThread) return undefined;
    actor.owners ??= [this.#makeOwner(actor)];
    const next = this.#upcoming.programOf(actor.pid);
    if (next === undefined) return actor.owners;
    const nowProcess = baseName(next);
    return actor.owners.map((owner) => (owner.process === nowProcess ? owner : { ...owner, nowProcess }));
  }

  /**
   * Returns the inode of the network namespace of a thread; undefined if unknown. For an ended thread it is the
   * namespace of the process that forked it, with `mayHaveMoved`: setns(2) is not traced, so the thread may have left
   * it.
   */
  networkOf(tid: number): { readonly netns: number; readonly mayHaveMoved: boolean } | undefined {
    let number: number | undefined = tid;
    for (let steps = 0; number !== undefined && steps < MAX_ANCESTORS; steps++) {
      const network = this.#upcoming.isReused(number) ? 'gone' : this.#readNetwork(number);
      if (network === 'forbidden') return undefined;
      if (network !== 'gone') return { netns: network, mayHaveMoved: steps > 0 };
      const actor = this.#byThread.get(number);
      const parent = actor?.parent === undefined ? undefined : this.#byThread.get(actor.parent);
      // The parent has ended, and another process has its pid.
      if (actor && parent && parent.order > actor.order) return undefined;
      number = actor?.parent;
    }
    return undefined;
  }

  #readNetwork(tid: number): number | 'gone' | 'forbidden' {
    const known = this.#networks.get(tid);
    if (known !== undefined) return known;
    const link = this.#proc.link(`${tid}/ns/net`);
    const failure = 'failed' in link && link.failed === 'gone' ? 'gone' : 'forbidden';
    const network = ('value' in link ? namespaceInode(link.value) : undefined) ?? failure;
    this.#networks.set(tid, network);
    return network;
  }

  #makeOwner({ pid, comm, file }: Actor): Owner {
    const isAnotherProcess = this.#endedProcesses.has(pid) || this.#upcoming.isReused(pid);
    const living = isAnotherProcess ? undefined : this.#identities.get(pid);
    const named = (name: string | undefined, exe: string | undefined, words?: readonly string[]) =>
      name !== undefined && { process: fullName(name, exe, words) };
    // A lost exec or rename record would make this another program than the one that acted.
    const knowledge = this.#isComplete ? 'exact' : 'inherited';
    if (this.#upcoming.programOf(pid) !== undefined) {
      // Same process, but /proc already shows the next program: only the start time is still valid.
      const { startedAtMs } = living ?? {};
      return {
        knowledge,
        pid,
        ...named(comm, file),
        ...(file?.startsWith('/') && { exe: file }),
        ...(startedAtMs !== undefined && { startedAtMs }),
      };
    }
    const oldName = this.#upcoming.nameOf(pid);
    if (living?.exe !== undefined)
      return { ...living, knowledge, ...named(oldName, living.exe, wordsOf(living)) };
    return {
      ...living,
      knowledge,
      pid,
      ...named(oldName ?? living?.process ?? comm, file),
      ...(file?.startsWith('/') && { exe: file }),
    };
  }

  /** Adds a thread that is older than the trace, as `readProc` found it. */
  #addThread(tid: number): Actor | undefined {
    const upcoming = this.#upcoming;
    const exec = upcoming.execOf(tid);
    // After an exec the thread has the number of its process.
    const pid = exec ? exec.pid : this.#pidOf(tid);
    if (pid === undefined) return undefined;
    const known = this.#byThread.get(pid);
    const info = this.#threadInfos.get(tid);
    const name = upcoming.nameOf(pid) ?? (upcoming.programOf(pid) === undefined ? info?.comm : undefined);
    const actor = known ?? {
      pid,
      comm: tid === pid ? name : undefined,
      file: undefined,
      isKernelThread: info?.isKernelThread ?? false,
      parent: undefined,
      order: 0,
      owners: undefined,
    };
    this.#byThread.set(tid, actor);
    return actor;
  }

  /** Returns the pid of a thread; undefined if its number is reused. */
  #pidOf(tid: number): number | undefined {
    return this.#upcoming.isReused(tid) ? undefined : this.#threadInfos.get(tid)?.pid;
  }
}
