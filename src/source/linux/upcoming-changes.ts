import type { ExecRecord, RenameRecord, TaskRecord, TraceRecord } from './trace/records.ts';

/** A record after which a number, or a process, is not what it was. */
type Turn = TaskRecord | ExecRecord | RenameRecord;

/** The turns of one number that are still to come. */
interface Upcoming {
  /** All of them, the next one at `next`. */
  readonly all: Turn[];
  next: number;
  /** The forks and execs among them, which are too slow to be many. */
  readonly starts: (TaskRecord | ExecRecord)[];
}

const NONE: Upcoming['starts'] = [];

/**
 * The records of a drain that change who a thread or a process is, as far as they are still to come. A question asked
 * between two records is answered as of then; what /proc says is as of after the last one.
 */
export class UpcomingChanges {
  /**
   * By the number of the thread or process that is another one, or has another name, afterwards; the next one first. A
   * program may rename itself 30,000 times between two drains, so these are never searched.
   */
  readonly #byNumber = new Map<number, Upcoming>();
  /** Execs of threads that are not the first of their process, by the number that they lose. */
  readonly #byThread = new Map<number, ExecRecord>();

  constructor(records: readonly TraceRecord[]) {
    for (const record of records) {
      if (record.type === 'task') this.#add(record.child, record);
      else if (record.type === 'rename') this.#add(record.pid, record);
      else if (record.type === 'exec') {
        this.#add(record.pid, record);
        if (record.oldPid !== record.pid) this.#byThread.set(record.oldPid, record);
      }
    }
  }

  #add(number: number, turn: Turn): void {
    const upcoming = this.#byNumber.get(number) ?? { all: [], next: 0, starts: [] };
    this.#byNumber.set(number, upcoming);
    upcoming.all.push(turn);
    if (turn.type !== 'rename') upcoming.starts.push(turn);
  }

  #startsOf(number: number): Upcoming['starts'] {
    return this.#byNumber.get(number)?.starts ?? NONE;
  }

  /** The record is taken: it is not to come any more. */
  pass(turn: Turn): void {
    const number = turn.type === 'task' ? turn.child : turn.pid;
    const upcoming = this.#byNumber.get(number);
    if (upcoming?.all[upcoming.next] === turn) upcoming.next++;
    if (upcoming?.starts[0] === turn) upcoming.starts.shift();
    if (turn.type === 'exec' && this.#byThread.get(turn.oldPid) === turn) this.#byThread.delete(turn.oldPid);
  }

  /** True where the number will be given to another thread or process. */
  isReused(number: number): boolean {
    return this.#startsOf(number).some(({ type }) => type === 'task');
  }

  /** The exec that a thread is about to do, by its own number. */
  execOf(tid: number): ExecRecord | undefined {
    const own = this.#byThread.get(tid);
    if (own) return own;
    const [next] = this.#startsOf(tid);
    return next?.type === 'exec' ? next : undefined;
  }

  /** File of the program that a process will become, the last one before its number is another's. */
  programOf(pid: number): string | undefined {
    let file: string | undefined;
    for (const start of this.#startsOf(pid)) {
      if (start.type === 'task') break;
      file = start.filename;
    }
    return file;
  }

  /** Name of a process that will have another one; undefined where it keeps it, or where that is not known. */
  nameOf(pid: number): string | undefined {
    const upcoming = this.#byNumber.get(pid);
    const next = upcoming?.all[upcoming.next];
    if (next?.type !== 'rename') return undefined;
    // Another thread that becomes a program has its own name until then (fs/exec.c, begin_new_exec).
    const exec = this.execOf(pid);
    return exec && exec.oldPid !== pid ? undefined : next.was;
  }
}
