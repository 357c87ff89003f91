import type { Owner } from '../../model/socket.ts';
import type { Owners } from './owners.ts';
import type { Proc } from './proc.ts';
import { namespaceInode } from './descriptor-target.ts';
import { fullName, parseStat } from './process.ts';
import type { ExecRecord, ExitRecord, RenameRecord, TaskRecord, TraceRecord } from './trace/records.ts';
import { UpcomingChanges } from './upcoming-changes.ts';

/** A process of which the trace tells. */
interface Actor {
  readonly pid: number;
  /** As the kernel names it: 15 bytes. Undefined where it was another program before it could be read. */
  comm: string | undefined;
  /** The file that it runs, as it was called. */
  file: string | undefined;
  isKernelThread: boolean;
  /** Process that made it, and whose network namespace it began in; undefined where that is not known. */
  readonly parent: number | undefined;
  /** Place in the order of forks; 0 for one whose fork was not traced. A younger one has a reused number. */
  readonly order: number;
  /** `[owner]`, the same array for all that it does. */
  owners: readonly Owner[] | undefined;
}

/** What /proc says of a thread. */
interface Reading {
  readonly pid: number;
  readonly comm: string;
  readonly isKernelThread: boolean;
}

/** A process that has ended still closes its sockets; after this time, milliseconds, it has. */
const LINGER_MS = 1000;

/** More threads than any machine has: something of their end was lost. */
const MOST = 200_000;

/** Processes that are asked for the namespace of one that has ended: it, its parent, and so on. */
const MOST_ANCESTORS = 4;

/** First words of the command line, of which one may be the whole name. */
const wordsOf = ({ command }: Owner): readonly string[] => command?.split(' ', 2) ?? [];

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/**
 * Says which process a thread belongs to, and which program that was when it acted. Processes are followed from fork to
 * exit; one that was there before is read from /proc when it first does something.
 *
 * /proc is read up to 50 ms later, when the process may have become another program (execve), or its number another
 * process. One drain of the trace therefore goes through three steps: `read` reads /proc, then the trace is drained
 * again, and `expect` takes all records, with those that came meanwhile. What /proc says counts only for a record after
 * which nothing changes who the process is.
 */
export class Actors {
  readonly #proc: Proc;
  readonly #owners: Owners;
  readonly #byThread = new Map<number, Actor>();
  /** Threads that have ended, and when; the first one first. */
  readonly #ended = new Map<number, number>();
  /** Processes that have ended: /proc tells no more of them. */
  readonly #dead = new Set<number>();
  /** What `read` found: threads by their number, and the programs of processes. */
  readonly #readings = new Map<number, Reading>();
  readonly #identities = new Map<number, Owner>();
  /** Threads and processes that `read` found gone: a dead one may have acted thousands of times in a drain. */
  readonly #goneThreads = new Set<number>();
  readonly #goneProcesses = new Set<number>();
  /** Network namespaces of threads, as far as they were asked for since. */
  readonly #networks = new Map<number, number | 'gone' | 'forbidden'>();
  #upcoming = new UpcomingChanges([]);
  #isComplete = true;
  #forks = 0;

  /** @param owners tells who a process is that still lives */
  constructor(proc: Proc, owners: Owners) {
    this.#proc = proc;
    this.#owners = owners;
  }

  /**
   * Reads from /proc who the threads are that act in these records, as far as that is not known.
   * @returns whether anything was read: it may be outdated by records that came since
   */
  read(records: readonly TraceRecord[]): boolean {
    this.#readings.clear();
    this.#identities.clear();
    this.#goneThreads.clear();
    this.#goneProcesses.clear();
    this.#networks.clear();
    const turned = new Set<number>();
    for (const record of records) {
      if (record.type === 'exec') turned.add(record.pid);
      else if (record.type === 'task') {
        if (!record.isThread) turned.add(record.child);
        // A child inherits the process, and whether it is a thread of the kernel.
        if (!this.#byThread.has(record.tid)) this.#readThread(record.tid);
      } else if (record.inProcess && (record.type === 'state' || record.type === 'route')) {
        this.#readActor(record.tid, turned);
      }
    }
    return this.#readings.size > 0 || this.#identities.size > 0;
  }

  #readActor(tid: number, turned: ReadonlySet<number>): void {
    const actor = this.#byThread.get(tid);
    const pid = actor?.pid ?? this.#readThread(tid)?.pid ?? tid;
    if (this.#identities.has(pid) || this.#goneProcesses.has(pid)) return;
    if (actor?.owners && !turned.has(pid)) return;
    const identity = this.#owners.identityOf(pid);
    if (identity) this.#identities.set(pid, identity);
    else this.#goneProcesses.add(pid);
  }

  /** A thread that was there before: /proc has it under its own number, though it does not list it. */
  #readThread(tid: number): Reading | undefined {
    const known = this.#readings.get(tid);
    if (known || this.#goneThreads.has(tid)) return known;
    const status = this.#proc.text(`${tid}/status`);
    const pid = 'value' in status ? Number(/^Tgid:\t(\d+)$/m.exec(status.value)?.[1]) : NaN;
    const text = this.#proc.text(`${tid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    if (stat === undefined || !Number.isInteger(pid)) {
      this.#goneThreads.add(tid);
      return undefined;
    }
    const reading = { pid, comm: stat.comm, isKernelThread: stat.isKernelThread };
    this.#readings.set(tid, reading);
    return reading;
  }

  /**
   * Takes note of what is still to come.
   * @param records all records since the last call, with those that came while /proc was read
   * @param isComplete no record was lost: one that was may have changed who a process is
   */
  expect(records: readonly TraceRecord[], isComplete: boolean): void {
    this.#upcoming = new UpcomingChanges(records);
    this.#isComplete = isComplete;
  }

  /** A thread, or a process, has been made. */
  make(record: TaskRecord): void {
    const { tid, child, isThread, hasOwnNetwork, comm } = record;
    this.#upcoming.pass(record);
    this.#revive(child);
    const parent = this.#byThread.get(tid) ?? this.#adopt(tid);
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
    // The number was reused and its process is unknown: drop the cached one.
    else this.#byThread.delete(child);
  }

  /** A process has become another program. */
  become(record: ExecRecord): void {
    const { pid, oldPid, filename } = record;
    this.#upcoming.pass(record);
    // The thread that does it takes the number of the first one, which has ended.
    this.#revive(pid);
    if (oldPid !== pid) this.#byThread.delete(oldPid);
    const { parent, order = 0 } = this.#byThread.get(pid) ?? {};
    const comm = baseName(filename);
    const isKernelThread = false;
    this.#byThread.set(pid, { pid, comm, file: filename, isKernelThread, parent, order, owners: undefined });
  }

  /** A thread has another name; that of the first thread is that of the process. */
  rename(record: RenameRecord): void {
    const { pid: tid, now } = record;
    this.#upcoming.pass(record);
    const actor = this.#byThread.get(tid);
    if (actor?.pid !== tid || actor.comm === now) return;
    actor.comm = now;
    actor.owners = actor.owners?.map((owner) => ({
      ...owner,
      process: fullName(now, owner.exe ?? actor.file, wordsOf(owner)),
    }));
  }

  /** A thread has ended; it may still have sockets to close. */
  end({ pid: tid, groupDead, atMs }: ExitRecord): void {
    const actor = this.#byThread.get(tid);
    this.#ended.delete(tid);
    this.#ended.set(tid, atMs);
    if (groupDead ?? actor?.pid === tid) this.#dead.add(actor?.pid ?? tid);
  }

  /** Forgets those that ended a while ago. @param nowMs on the clock of the records */
  forget(nowMs: number): void {
    for (const [tid, atMs] of this.#ended) {
      if (atMs > nowMs - LINGER_MS) break;
      this.#ended.delete(tid);
      const pid = this.#byThread.get(tid)?.pid ?? tid;
      this.#byThread.delete(tid);
      this.#dead.delete(pid);
    }
    if (this.#byThread.size > MOST) this.clear();
  }

  /** Something was lost of what the trace told: who is not known any more is looked up. */
  clear(): void {
    this.#byThread.clear();
    this.#ended.clear();
    this.#dead.clear();
  }

  /** The number is that of a thread that lives. */
  #revive(tid: number): void {
    this.#ended.delete(tid);
    this.#dead.delete(tid);
  }

  /**
   * Returns the process of a thread as the owner of what it does now, with the program that it becomes next where that
   * is known; undefined for the kernel's own, and when unknown.
   */
  ownersOf(tid: number): readonly Owner[] | undefined {
    const actor = this.#byThread.get(tid) ?? this.#adopt(tid);
    if (actor === undefined || actor.isKernelThread) return undefined;
    actor.owners ??= [this.#describe(actor)];
    const next = this.#upcoming.programOf(actor.pid);
    if (next === undefined) return actor.owners;
    const nowProcess = baseName(next);
    return actor.owners.map((owner) => (owner.process === nowProcess ? owner : { ...owner, nowProcess }));
  }

  /**
   * Returns the inode of the network namespace that a thread is in; undefined when unknown. For a thread that has ended
   * it is that of the process which made it; no record tells of a move (setns(2)), so it may differ.
   */
  networkOf(tid: number): { readonly netns: number; readonly mayHaveMoved: boolean } | undefined {
    let number: number | undefined = tid;
    for (let steps = 0; number !== undefined && steps < MOST_ANCESTORS; steps++) {
      const network = this.#upcoming.isReused(number) ? 'gone' : this.#readNetwork(number);
      if (network === 'forbidden') return undefined;
      if (network !== 'gone') return { netns: network, mayHaveMoved: steps > 0 };
      const actor = this.#byThread.get(number);
      const parent = actor?.parent === undefined ? undefined : this.#byThread.get(actor.parent);
      // The parent has ended, and its number is another process's.
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

  #describe({ pid, comm, file }: Actor): Owner {
    const isOther = this.#dead.has(pid) || this.#upcoming.isReused(pid);
    const living = isOther ? undefined : this.#identities.get(pid);
    const named = (name: string | undefined, exe: string | undefined, words?: readonly string[]) =>
      name !== undefined && { process: fullName(name, exe, words) };
    if (this.#upcoming.programOf(pid) !== undefined) {
      // It runs another file by now. The process is the same.
      const { startedAtMs } = living ?? {};
      return {
        knowledge: 'exact',
        pid,
        ...named(comm, file),
        ...(file?.startsWith('/') && { exe: file }),
        ...(startedAtMs !== undefined && { startedAtMs }),
      };
    }
    // Where records were lost it may be another program than the one that acted.
    const knowledge = living === undefined || this.#isComplete ? 'exact' : 'inherited';
    const nameWas = this.#upcoming.nameOf(pid);
    if (living?.exe !== undefined)
      return { ...living, knowledge, ...named(nameWas, living.exe, wordsOf(living)) };
    return {
      ...living,
      knowledge,
      pid,
      ...named(nameWas ?? living?.process ?? comm, file),
      ...(file?.startsWith('/') && { exe: file }),
    };
  }

  /** Makes an actor of a thread that was there before, by what `read` found. */
  #adopt(tid: number): Actor | undefined {
    const upcoming = this.#upcoming;
    const exec = upcoming.execOf(tid);
    // A thread that becomes a program has the number of its process by then.
    const pid = exec ? exec.pid : this.#pidOf(tid);
    if (pid === undefined) return undefined;
    const known = this.#byThread.get(pid);
    const reading = this.#readings.get(tid);
    const name = upcoming.nameOf(pid) ?? (upcoming.programOf(pid) === undefined ? reading?.comm : undefined);
    const actor = known ?? {
      pid,
      comm: tid === pid ? name : undefined,
      file: undefined,
      isKernelThread: reading?.isKernelThread ?? false,
      parent: undefined,
      order: 0,
      owners: undefined,
    };
    this.#byThread.set(tid, actor);
    return actor;
  }

  /** The process of a thread, unless its number is another's by now. */
  #pidOf(tid: number): number | undefined {
    return this.#upcoming.isReused(tid) ? undefined : this.#readings.get(tid)?.pid;
  }
}
