import type { ExecRecord, RenameRecord, TaskRecord, TraceRecord } from '../trace/records.ts';

/** A record that changes which process a number is, or its program or name. */
type Change = TaskRecord | ExecRecord | RenameRecord;

/** The changes of one pid or tid in a drain. */
interface ChangesOfNumber {
  /** All changes, applied ones included. */
  readonly all: Change[];
  /** Index in `all` of the next change to apply. */
  next: number;
  /** Forks and execs that are not yet applied. Few, since each takes the kernel long. */
  readonly starts: (TaskRecord | ExecRecord)[];
}

const NO_STARTS: ChangesOfNumber['starts'] = [];

/**
 * The records of a drain that change a thread or process and are not yet applied. They correct what /proc says: /proc
 * shows the state after the last record, the caller needs the state at the current one.
 */
export class UpcomingChanges {
  /**
   * Changes by pid or tid, oldest first. A program may rename itself 30,000 times between two drains, so `all` is never
   * searched.
   */
  readonly #byNumber = new Map<number, ChangesOfNumber>();
  /** Execs of threads other than the first of their process, by the tid that the thread loses. */
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

  #add(number: number, change: Change): void {
    const upcoming = this.#byNumber.get(number) ?? { all: [], next: 0, starts: [] };
    this.#byNumber.set(number, upcoming);
    upcoming.all.push(change);
    if (change.type !== 'rename') upcoming.starts.push(change);
  }

  #startsOf(number: number): ChangesOfNumber['starts'] {
    return this.#byNumber.get(number)?.starts ?? NO_STARTS;
  }

  /** Removes a record that is applied now. */
  apply(change: Change): void {
    const number = change.type === 'task' ? change.child : change.pid;
    const upcoming = this.#byNumber.get(number);
    if (upcoming?.all[upcoming.next] === change) upcoming.next++;
    if (upcoming?.starts[0] === change) upcoming.starts.shift();
    if (change.type === 'exec' && this.#byThread.get(change.oldPid) === change)
      this.#byThread.delete(change.oldPid);
  }

  /** Returns true if a later fork gives the number to another thread or process. */
  isReused(number: number): boolean {
    return this.#startsOf(number).some(({ type }) => type === 'task');
  }

  /** Returns the next exec of a thread; undefined if there is none before its number is reused. */
  execOf(tid: number): ExecRecord | undefined {
    const own = this.#byThread.get(tid);
    if (own) return own;
    const [next] = this.#startsOf(tid);
    return next?.type === 'exec' ? next : undefined;
  }

  /** Returns the file of the last program that a process executes before its pid is reused; undefined without an exec. */
  programOf(pid: number): string | undefined {
    let file: string | undefined;
    for (const start of this.#startsOf(pid)) {
      if (start.type === 'task') break;
      file = start.filename;
    }
    return file;
  }

  /** Returns the current name of a process that is renamed later; undefined if it is not, or if the name is unknown. */
  nameOf(pid: number): string | undefined {
    const upcoming = this.#byNumber.get(pid);
    const next = upcoming?.all[upcoming.next];
    if (next?.type !== 'rename') return undefined;
    // The old name in this record is that of the thread that calls execve(2), not of the process (fs/exec.c,
    // begin_new_exec).
    const exec = this.execOf(pid);
    return exec && exec.oldPid !== pid ? undefined : next.was;
  }
}
