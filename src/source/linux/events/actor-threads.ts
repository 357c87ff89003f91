import type { Actor } from './actor.ts';

/** Time for which an ended thread is kept, milliseconds: its process still closes sockets after the exit record. */
const LINGER_MS = 1000;

/** Maximum number of threads kept. No machine has as many: if there are more, exit records were lost. */
const MAX_THREADS = 200_000;

/**
 * The threads of the traced processes, by number. All threads of a process share its `Actor`.
 *
 *     unknown ── set ──▶ alive ── end ──▶ ended ── removeExpired: after LINGER_MS ──▶ unknown
 *                          ▲─── revive ─────┘
 */
export class ActorThreads {
  readonly #actors = new Map<number, Actor>();
  /** Exit time of ended threads, milliseconds on the clock of the records, oldest first. */
  readonly #endedAtMs = new Map<number, number>();
  /** Pids of ended processes: an entry in /proc with such a pid is another process. */
  readonly #endedProcesses = new Set<number>();

  /** Returns the process of a thread, also of an ended one; undefined if it is unknown. */
  get(tid: number): Actor | undefined {
    return this.#actors.get(tid);
  }

  set(tid: number, actor: Actor): void {
    this.#actors.set(tid, actor);
  }

  delete(tid: number): void {
    this.#actors.delete(tid);
  }

  /** Marks a number as that of a living thread: it is reused, or its process goes on with another program. */
  revive(tid: number): void {
    this.#endedAtMs.delete(tid);
    this.#endedProcesses.delete(tid);
  }

  /**
   * Marks a thread as ended.
   * @param groupDead true if it was the last thread of its process; undefined if unknown
   */
  end(tid: number, groupDead: boolean | undefined, atMs: number): void {
    const pid = this.#actors.get(tid)?.pid;
    this.#endedAtMs.delete(tid);
    this.#endedAtMs.set(tid, atMs);
    if (groupDead ?? pid === tid) this.#endedProcesses.add(pid ?? tid);
  }

  /** Returns true for the pid of an ended process. */
  isEnded(pid: number): boolean {
    return this.#endedProcesses.has(pid);
  }

  /** Removes threads that ended more than `LINGER_MS` ago. @param nowMs milliseconds on the clock of the records */
  removeExpired(nowMs: number): void {
    for (const [tid, atMs] of this.#endedAtMs) {
      if (atMs > nowMs - LINGER_MS) break;
      this.#endedAtMs.delete(tid);
      const pid = this.#actors.get(tid)?.pid ?? tid;
      this.#actors.delete(tid);
      this.#endedProcesses.delete(pid);
    }
    if (this.#actors.size > MAX_THREADS) this.clear();
  }

  clear(): void {
    this.#actors.clear();
    this.#endedAtMs.clear();
    this.#endedProcesses.clear();
  }
}
