import type { SocketsRead } from '../proc/descriptor-target.ts';

/** The current poll of `Owners`, shared by its parts. */
export class OwnerPoll {
  readonly #nowMs: () => number;
  #deadlineMs = Infinity;
  /** 1 for the first poll. */
  number = 0;
  /** True if some process could not be read: it may hold the sockets without an owner. */
  hasUnseenProcesses = false;

  /** Descriptors that the namespace search has read earlier in this poll. */
  read: SocketsRead = new Map();

  /** @param nowMs returns milliseconds on a monotonic clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get isOverBudget(): boolean {
    return this.#nowMs() > this.#deadlineMs;
  }

  /** Starts a poll. @param budgetMs its time limit, milliseconds @param read see `read` */
  begin(budgetMs: number, read: SocketsRead): void {
    this.number++;
    this.read = read;
    this.#deadlineMs = this.#nowMs() + budgetMs;
  }

  /** Moves the deadline so that at least this time is left, milliseconds. */
  extendTo(leftMs: number): void {
    this.#deadlineMs = Math.max(this.#deadlineMs, this.#nowMs() + leftMs);
  }

  /** Moves the deadline so that at most this time is left, milliseconds. */
  limitTo(leftMs: number): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, this.#nowMs() + leftMs);
  }

  /** Returns true in one of this many polls, in turn for all processes and threads. @param key pid or tid */
  isTurnOf(key: number, polls: number): boolean {
    return (this.number + key) % polls === 0;
  }
}
