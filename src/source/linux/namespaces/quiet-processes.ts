import type { Proc } from '../proc/proc.ts';

/** One pass in this many searches a process in any case. */
const FULL_PASSES = 8;

/** Maximum number of findings kept of all processes together, some 15 MB: a user may have thousands of processes with as many sockets. */
const MAX_FINDINGS = 100_000;

/** Findings of a search in a process, with the CPU time of the process before the search. */
interface Kept<Found> {
  readonly cpuNs: number;
  readonly found: Found;
  readonly size: number;
}

/**
 * Keeps what passes have found in processes that have not run since: a process must run to open, receive or close a
 * descriptor, to enter another namespace (setns(2), unshare(2)) and to start a thread.
 *
 *     CPU time ─▶ search ─▶ keep          next passes: same CPU time ─▶ find
 *        ▲                                           │
 *        └──────── has run, or 8th pass ◀────────────┘
 *
 * Only the 8th pass finds what another process has put into a descriptor table that both share (clone(2), CLONE_FILES), if
 * that process has ended since. The mounts of a mount namespace can change while none of its processes runs
 * (mount_namespaces(7)): they must not be kept.
 */
export class QuietProcesses<Found> {
  readonly #proc: Pick<Proc, 'cpuNsOf'>;
  readonly #kept = new Map<number, Kept<Found>>();
  /** Number of findings kept. */
  #size = 0;
  /** Number of passes so far. */
  #pass = 0;

  constructor(proc: Pick<Proc, 'cpuNsOf'>) {
    this.#proc = proc;
  }

  /** Ends a pass. @param pids the processes that it has searched: others are forgotten */
  endPass(pids: readonly number[]): void {
    this.#pass++;
    const living = new Set(pids);
    for (const pid of this.#kept.keys()) if (!living.has(pid)) this.#drop(pid);
  }

  /** Returns what was found in a process; undefined if it must be searched. */
  find(pid: number): Found | undefined {
    const kept = this.#kept.get(pid);
    const isDue = (this.#pass + pid) % FULL_PASSES === 0;
    return kept && !isDue && this.#proc.cpuNsOf(pid) === kept.cpuNs ? kept.found : undefined;
  }

  /**
   * Keeps what a search has found in a process, unless that is too much: then the next pass searches it again.
   * @param cpuNs CPU time of the process before the search; undefined if unknown
   * @param size number of findings
   */
  keep(pid: number, cpuNs: number | undefined, found: Found, size: number): void {
    this.#drop(pid);
    if (cpuNs === undefined || this.#size + size > MAX_FINDINGS) return;
    this.#kept.set(pid, { cpuNs, found, size });
    this.#size += size;
  }

  #drop(pid: number): void {
    this.#size -= this.#kept.get(pid)?.size ?? 0;
    this.#kept.delete(pid);
  }
}
