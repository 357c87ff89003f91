import { namespaceInode } from '../proc/descriptor-target.ts';
import { LastRun } from '../proc/last-run.ts';
import type { Proc } from '../proc/proc.ts';

/** Number of polls after which a process is read again: it may have moved (setns(2)), or its pid may be reused. */
const REREAD_POLLS = 16;

/** Inode of the network namespace of a process, or the reason why it is unknown. */
type Reading = number | 'gone' | 'forbidden';

/** A process and its namespace. */
interface ProcessEntry {
  inode: Reading;
  /** Polls that last listed the process and last read its namespace. */
  seenPoll: number;
  readPoll: number;
  /** Whether the process has run since its namespace was last read. */
  readonly runs: LastRun;
}

/** Called when a process is found in a namespace, and when it has left it or ended. */
export interface ProcessListener {
  readonly onEnter: (inode: number, pid: number) => void;
  readonly onLeave: (inode: number, pid: number) => void;
}

/**
 * The network namespace of each process. To keep polls cheap, a process is read when it is new and then every 16 polls.
 *
 *     beginPoll ─▶ ended processes leave ── refresh ─▶ new and moved ones enter ── currentOf ─▶ read again, if it matters
 */
export class ProcessNamespaces {
  readonly #proc: Proc;
  readonly #listener: ProcessListener;
  readonly #processes = new Map<number, ProcessEntry>();
  #poll = 0;

  constructor(proc: Proc, listener: ProcessListener) {
    this.#proc = proc;
    this.#listener = listener;
  }

  /** Pids of the last poll. */
  get pids(): number[] {
    return [...this.#processes.keys()];
  }

  /** Starts a poll and removes the processes that are not among these. */
  beginPoll(poll: number, pids: readonly number[]): void {
    this.#poll = poll;
    for (const pid of pids) {
      const entry = this.#processes.get(pid);
      if (entry) entry.seenPoll = poll;
    }
    for (const [pid, { inode, seenPoll }] of this.#processes) {
      if (seenPoll === poll) continue;
      this.#processes.delete(pid);
      if (typeof inode === 'number') this.#listener.onLeave(inode, pid);
    }
  }

  /**
   * Reads the new processes among these, and a sixteenth of the others.
   * @returns the number of processes whose namespace may not be read
   */
  refresh(pids: readonly number[]): number {
    for (const pid of pids) this.#refreshProcess(pid);
    let unreadable = 0;
    for (const { inode } of this.#processes.values()) if (inode === 'forbidden') unreadable++;
    return unreadable;
  }

  /** Returns the namespace of a process as of its last read; reads an unknown process. Undefined if it is unreadable. */
  inodeOf(pid: number): number | undefined {
    const inode = this.#processes.get(pid)?.inode ?? readNamespace(this.#proc, pid);
    return typeof inode === 'number' ? inode : undefined;
  }

  /**
   * Returns the namespace of a known process, read in this poll; undefined if it is unreadable.
   * @param mustReread reads it again even if this poll has read it already
   */
  currentOf(pid: number, mustReread: boolean): number | undefined {
    const entry = this.#processes.get(pid);
    if (entry === undefined) return undefined;
    if (mustReread) {
      entry.readPoll = 0;
      entry.runs.forget();
    }
    this.#reread(pid, entry);
    return typeof entry.inode === 'number' ? entry.inode : undefined;
  }

  #refreshProcess(pid: number): void {
    const entry = this.#processes.get(pid);
    if (entry === undefined) {
      const inode = readNamespace(this.#proc, pid);
      this.#processes.set(pid, { inode, seenPoll: this.#poll, readPoll: this.#poll, runs: new LastRun() });
      if (typeof inode === 'number') this.#listener.onEnter(inode, pid);
    } else if ((this.#poll + pid) % REREAD_POLLS === 0) {
      this.#reread(pid, entry);
    }
  }

  #reread(pid: number, entry: ProcessEntry): void {
    if (entry.readPoll === this.#poll) return;
    entry.readPoll = this.#poll;
    // Only a process itself can enter another namespace (setns(2)): one that has not run since is where it was.
    if (entry.runs.hasSlept(this.#proc.cpuNsOf(pid))) return;
    const inode = readNamespace(this.#proc, pid);
    if (inode === entry.inode) return;
    if (typeof entry.inode === 'number') this.#listener.onLeave(entry.inode, pid);
    entry.inode = inode;
    if (typeof inode === 'number') this.#listener.onEnter(inode, pid);
  }
}

/** Reads the namespace of a process. A zombie has none: the kernel returns ENOENT. */
export function readNamespace(proc: Proc, pid: number | 'self'): Reading {
  const link = proc.link(`${pid}/ns/net`);
  if (!('value' in link)) return link.failed === 'forbidden' ? 'forbidden' : 'gone';
  return namespaceInode(link.value) ?? 'gone';
}
