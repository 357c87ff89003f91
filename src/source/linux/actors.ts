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
  #ended: { readonly tid: number; readonly atMs: number; readonly actor: Actor | undefined }[] = [];
  readonly #dead = new Set<number>();

  /** @param owners tells who a process is that still lives */
  constructor(proc: Proc, owners: Owners) {
    this.#proc = proc;
    this.#owners = owners;
  }

  /** A thread, or a process, has been made. */
  make({ tid, child, isThread, comm }: TaskRecord): void {
    const parent = this.#byThread.get(tid) ?? (isThread ? this.#lookUp(tid) : undefined);
    this.#dead.delete(child);
    if (isThread && parent) this.#byThread.set(child, parent);
    else
      this.#byThread.set(child, {
        pid: child,
        comm,
        file: parent?.file,
        isKernelThread: parent?.isKernelThread ?? false,
        owners: undefined,
      });
  }

  /** A process has become another program. */
  become({ pid, filename }: ExecRecord): void {
    const comm = baseName(filename);
    this.#byThread.set(pid, { pid, comm, file: filename, isKernelThread: false, owners: undefined });
  }

  /** A thread has ended; it may still have sockets to close. */
  end({ pid: tid, groupDead, atMs }: ExitRecord): void {
    const actor = this.#byThread.get(tid);
    this.#ended.push({ tid, atMs, actor });
    if (groupDead ?? actor?.pid === tid) this.#dead.add(actor?.pid ?? tid);
  }

  /** Forgets those that ended a while ago. @param nowMs on the clock of the records */
  forget(nowMs: number): void {
    const kept = this.#ended.findIndex(({ atMs }) => atMs > nowMs - LINGER_MS);
    for (const { tid, actor } of this.#ended.splice(0, kept < 0 ? this.#ended.length : kept)) {
      // Its number may be another's by now.
      if (this.#byThread.get(tid) !== actor) continue;
      this.#byThread.delete(tid);
      this.#dead.delete(tid);
    }
    if (this.#byThread.size > MOST) this.clear();
  }

  /** Something was lost of what the trace told: who is not known any more is looked up. */
  clear(): void {
    this.#byThread.clear();
    this.#dead.clear();
    this.#ended = [];
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
