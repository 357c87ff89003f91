import type { Owner } from '../../../model/socket.ts';
import type { Owners } from '../owners/owners.ts';
import type { Proc } from '../proc/proc.ts';
import type { ExecRecord, ExitRecord, RenameRecord, TaskRecord, TraceRecord } from '../trace/records.ts';
import { ActorReads } from './actor-reads.ts';
import { ActorThreads } from './actor-threads.ts';
import { type Actor, baseName, ownerOf, renameActor } from './actor.ts';
import { UpcomingChanges } from './upcoming-changes.ts';

/** Maximum number of processes read for a network namespace: the process, its parent, and so on. */
const MAX_ANCESTORS = 4;

/**
 * Finds the process of a thread, and the program that it ran when it acted. Processes are followed from fork to exit; a
 * process that is older than the trace is read from /proc when it first acts.
 *
 * /proc is read up to 50 ms after a record, when the process may run another program (execve) or its pid may be reused.
 * Each drain of the trace therefore has three steps:
 *
 *     readProc(records) ──▶ drain again ──▶ setUpcoming(all records) ──▶ apply…(record), ownersOf(tid)
 *       `ActorReads`                          `UpcomingChanges`            `ActorThreads`, `ownerOf`
 *
 * A result of /proc is used only for a record with no later exec, rename or fork of the same number.
 */
export class Actors {
  readonly #threads = new ActorThreads();
  readonly #reads: ActorReads;
  #upcoming = new UpcomingChanges([]);
  #isComplete = true;
  #forks = 0;

  /** @param owners reads the program of a living process */
  constructor(proc: Proc, owners: Owners) {
    this.#reads = new ActorReads(proc, owners);
  }

  /**
   * Reads from /proc the unknown threads and processes that act in these records.
   * @returns true if anything was read: records that arrived meanwhile may outdate it
   */
  readProc(records: readonly TraceRecord[]): boolean {
    return this.#reads.read(records, (tid) => this.#threads.get(tid));
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
    this.#threads.revive(child);
    const parent = this.#threads.get(tid) ?? this.#addThread(tid);
    if (!isThread)
      this.#threads.set(child, {
        pid: child,
        comm,
        file: parent?.file,
        isKernelThread: parent?.isKernelThread ?? false,
        parent: hasOwnNetwork ? undefined : (parent?.pid ?? tid),
        order: ++this.#forks,
        owners: undefined,
      });
    else if (parent) this.#threads.set(child, parent);
    // The number was reused by a thread of an unknown process: remove the previous one.
    else this.#threads.delete(child);
  }

  /** Replaces the program of a process. */
  applyExec(record: ExecRecord): void {
    const { pid, oldPid, filename } = record;
    this.#upcoming.apply(record);
    // The thread that calls execve(2) takes the number of the first thread, which has ended.
    this.#threads.revive(pid);
    if (oldPid !== pid) this.#threads.delete(oldPid);
    const { parent, order = 0 } = this.#threads.get(pid) ?? {};
    const comm = baseName(filename);
    const isKernelThread = false;
    this.#threads.set(pid, { pid, comm, file: filename, isKernelThread, parent, order, owners: undefined });
  }

  /** Renames a process; the name of its first thread is the name of the process. */
  applyRename(record: RenameRecord): void {
    const { pid: tid, now } = record;
    this.#upcoming.apply(record);
    const actor = this.#threads.get(tid);
    if (actor?.pid === tid && actor.comm !== now) renameActor(actor, now);
  }

  /** Marks a thread as ended; its process may still close sockets. */
  applyExit({ pid: tid, groupDead, atMs }: ExitRecord): void {
    this.#threads.end(tid, groupDead, atMs);
  }

  /** Removes threads that ended some time ago. @param nowMs milliseconds on the clock of the records */
  removeExpired(nowMs: number): void {
    this.#threads.removeExpired(nowMs);
  }

  /** Removes all threads and processes after records were lost; they are read from /proc when they next act. */
  clear(): void {
    this.#threads.clear();
  }

  /**
   * Returns the process of a thread as the owner of what it does now, with the program that it becomes next if known.
   * Undefined for a kernel thread, and if the process is unknown.
   */
  ownersOf(tid: number): readonly Owner[] | undefined {
    const actor = this.#threads.get(tid) ?? this.#addThread(tid);
    if (actor === undefined || actor.isKernelThread) return undefined;
    const next = this.#upcoming.programOf(actor.pid);
    actor.owners ??= [this.#makeOwner(actor, next)];
    if (next === undefined) return actor.owners;
    const nowProcess = baseName(next);
    return actor.owners.map((owner) => (owner.process === nowProcess ? owner : { ...owner, nowProcess }));
  }

  /** @param next path of the program that it becomes next; undefined if it stays the same */
  #makeOwner(actor: Actor, next: string | undefined): Owner {
    const { pid } = actor;
    const isAnotherProcess = this.#threads.isEnded(pid) || this.#upcoming.isReused(pid);
    return ownerOf(actor, {
      living: isAnotherProcess ? undefined : this.#reads.identityOf(pid),
      isOtherProgram: next !== undefined,
      oldName: this.#upcoming.nameOf(pid),
      isComplete: this.#isComplete,
    });
  }

  /**
   * Returns the inode of the network namespace of a thread; undefined if unknown. For an ended thread it is the
   * namespace of the process that forked it, with `mayHaveMoved`: setns(2) is not traced, so the thread may have left
   * it.
   */
  networkOf(tid: number): { readonly netns: number; readonly mayHaveMoved: boolean } | undefined {
    let number: number | undefined = tid;
    for (let steps = 0; number !== undefined && steps < MAX_ANCESTORS; steps++) {
      const network = this.#upcoming.isReused(number) ? 'gone' : this.#reads.networkOf(number);
      if (network === 'forbidden') return undefined;
      if (network !== 'gone') return { netns: network, mayHaveMoved: steps > 0 };
      const actor = this.#threads.get(number);
      const parent = actor?.parent === undefined ? undefined : this.#threads.get(actor.parent);
      // The parent has ended, and another process has its pid.
      if (actor && parent && parent.order > actor.order) return undefined;
      number = actor?.parent;
    }
    return undefined;
  }

  /** Adds a thread that is older than the trace, as `readProc` found it. */
  #addThread(tid: number): Actor | undefined {
    const upcoming = this.#upcoming;
    const exec = upcoming.execOf(tid);
    const info = this.#reads.threadOf(tid);
    // After an exec the thread has the number of its process.
    const pid = exec ? exec.pid : upcoming.isReused(tid) ? undefined : info?.pid;
    if (pid === undefined) return undefined;
    const name = upcoming.nameOf(pid) ?? (upcoming.programOf(pid) === undefined ? info?.comm : undefined);
    const actor = this.#threads.get(pid) ?? {
      pid,
      comm: tid === pid ? name : undefined,
      file: undefined,
      isKernelThread: info?.isKernelThread ?? false,
      parent: undefined,
      order: 0,
      owners: undefined,
    };
    this.#threads.set(tid, actor);
    return actor;
  }
}
