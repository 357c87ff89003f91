import type { EventSource } from '../source/types.ts';

/**
 * Usual time between two drains of the event source, milliseconds. The buffers that an ordinary user gets hold the close
 * messages of about 150 ms at a thousand connections per second, with two closes each.
 */
const GATHER_MS = 50;

/** Number of kernel events after which a small buffer should be drained. */
const SMALL_BUFFER_EVENTS = 100;
/** Minimum time between two drains of a small buffer, milliseconds. */
const SMALL_BUFFER_MS = 5;

/** Decides how long the kernel may gather events between two drains. */
export class Gathering {
  #lastDrainMs = -Infinity;
  #ms = GATHER_MS;

  /** Time for which the next drain waits, milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  /** Returns true if the kernel may gather more before the next drain. */
  hasTime(nowMs: number): boolean {
    return nowMs - this.#lastDrainMs < this.#ms;
  }

  /**
   * Notes a drain, and the number of events in it. With a small buffer, the next drain waits only until about
   * SMALL_BUFFER_EVENTS have come at the rate of these.
   */
  noteDrain({ hasSmallBuffer = false }: EventSource, count: number, nowMs: number): void {
    const fullMs = ((nowMs - this.#lastDrainMs) * SMALL_BUFFER_EVENTS) / Math.max(1, count);
    this.#ms = hasSmallBuffer ? Math.max(SMALL_BUFFER_MS, Math.min(GATHER_MS, fullMs)) : GATHER_MS;
    this.#lastDrainMs = nowMs;
  }

  /** Notes that a drain was left out. */
  noteNoDrain(nowMs: number): void {
    this.#lastDrainMs = nowMs;
  }
}
