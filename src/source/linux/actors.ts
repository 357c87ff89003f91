import type { Owner } from '../../model/socket.ts';
import type { Owners } from './owners.ts';
import type { Proc } from './proc.ts';
import { fullName, parseStat } from './process.ts';
import type { ExecRecord, ExitRecord, TaskRecord } from './trace/records.ts';

/** A process of which the trace tells. */
interface Actor {
  readonly pid: number;
  /** As the kernel names it: 15 bytes. */
  comm: string;
  /** The file that it runs, as it was called. */
  file: string | undefined;
  isKernelThread: boolean;
  /** `[owner]`, the same array for all that it does. */
  owners: readonly Owner[] | undefined;
}

/** A process that has ended still closes its sockets; after this time, milliseconds, it has. */
const LINGER_MS = 1000;

/** More threads than any machine has: something of their end was lost. */
const MOST = 200_000;

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/**
 * Who does what the trace tells: threads are numbered there, and may be gone when it is read. Processes are followed
 * from fork to exit; one that was there before is looked up when it first does something.
 */
export class Actors {
  readonly #proc: Proc;
  readonly #owners: Owners;
  readonly #byThread = new Map<number, Actor>();
  /** Threads that have ended, and when; the first one first. */
  readonly #ended = new Map<number, number>();
  /** Processes that have ended: /proc tells no more of them. */
  readonly #dead = new Set<number>();

  /** @param owners tells who a process is that still lives */
  constructor(proc: Proc, owners: Owners) {
    this.#proc = proc;
    this.#owners = owners;
  }

  /** A thread, or a process, has been made. */
  make({ tid, child, isThread, comm }: TaskRecord): void {
    this.#revive(child);
    const parent = this.#byThread.get(tid) ?? this.#lookUp(tid);
    if (!isThread)
      this.#byThread.set(child, {
        pid: child,
        comm,
        file: parent?.file,
        isKernelThread: parent?.isKernelThread ?? false,
        owners: undefined,
      });
    else if (parent) this.#byThread.set(child, parent);
    // Of which process it is nobody knows: what was known of another one with its number is no more.
    else this.#byThread.delete(child);
  }

  /** A process has become another program. */
  become({ pid, filename }: ExecRecord): void {
    // The thread that does it takes the number of the first one, which has ended.
    this.#revive(pid);
    const comm = baseName(filename);
    this.#byThread.set(pid, { pid, comm, file: filename, isKernelThread: false, owners: undefined });
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

  /** The process of a thread, as the owner of what it does; undefined for the kernel's own, and when unknown. */
  ownersOf(tid: number): readonly Owner[] | undefined {
    const actor = this.#byThread.get(tid) ?? this.#lookUp(tid);
    if (actor === undefined || actor.isKernelThread) return undefined;
    return (actor.owners ??= [this.#describe(actor)]);
  }

  #describe({ pid, comm, file }: Actor): Owner {
    const living = this.#dead.has(pid) ? undefined : this.#owners.identityOf(pid);
    if (living?.exe !== undefined) return living;
    return {
      ...living,
      knowledge: 'exact',
      pid,
      process: fullName(living?.process ?? comm, file, undefined),
      ...(file?.startsWith('/') && { exe: file }),
    };
  }

  /** A thread that was there before: /proc has it under its own number, though it does not list it. */
  #lookUp(tid: number): Actor | undefined {
    const status = this.#proc.text(`${tid}/status`);
    const pid = 'value' in status ? Number(/^Tgid:\t(\d+)$/m.exec(status.value)?.[1]) : NaN;
    const text = this.#proc.text(`${tid}/stat`);
    const stat = 'value' in text ? parseStat(text.value) : undefined;
    if (stat === undefined || !Number.isInteger(pid)) return undefined;
    const known = this.#byThread.get(pid);
    const actor = known ?? {
      pid,
      comm: stat.comm,
      file: undefined,
      isKernelThread: stat.isKernelThread,
      owners: undefined,
    };
    this.#byThread.set(tid, actor);
    return actor;
  }
}
