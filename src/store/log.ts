import type { LogEvent } from '../model/event.ts';

/** How many events are kept unless another number is asked for. */
export const DEFAULT_EVENTS_KEPT = 10_000;

/**
 * The last events, each under its number: the first one ever was 0. A ring, so that one comes in the place of the
 * oldest: changed in place, like the table of sockets.
 */
export class EventLog {
  readonly #kept: number;
  readonly #ring: LogEvent[] = [];
  #end = 0;

  /** @param kept how many events are kept */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Number of the oldest event that is kept. */
  get start(): number {
    return Math.max(0, this.#end - this.#kept);
  }

  /** One more than the number of the newest event: how many there ever were. */
  get end(): number {
    return this.#end;
  }

  /** The event with this number; undefined when it is not kept any more, or is still to come. */
  at(number: number): LogEvent | undefined {
    return number >= this.start && number < this.#end ? this.#ring[number % this.#kept] : undefined;
  }

  /** Takes events in, in order of time. */
  add(events: readonly LogEvent[]): void {
    for (const event of events) this.#ring[this.#end++ % this.#kept] = event;
  }
}
