import { hasSocket, type LogEntry, type SocketEvent } from '../model/event.ts';
import type { Direction } from '../model/socket.ts';
import { directionFromKernel } from './listeners.ts';
import type { Row } from './row.ts';

/** Default number of events kept. */
export const DEFAULT_EVENTS_KEPT = 10_000;

/**
 * The last events, by number; the first event ever has number 0. It is a ring buffer: a new event replaces the oldest
 * one. It changes in place, like the table of sockets.
 */
export class EventLog {
  readonly #kept: number;
  readonly #ring: LogEntry[] = [];
  /** Directions of the connections of the events, by the same indexes. */
  readonly #directions: (Direction | undefined)[] = [];
  /** Number of the latest change event of each socket in the log, by the id of the socket. */
  readonly #changes = new Map<string, number>();
  #end = 0;

  /** @param kept maximum number of events kept */
  constructor(kept: number) {
    this.#kept = kept;
  }

  /** Number of the oldest event kept. */
  get start(): number {
    return Math.max(0, this.#end - this.#kept);
  }

  /** Number of the newest event plus one, which is the number of events ever added. */
  get end(): number {
    return this.#end;
  }

  /** Returns the event with this number; undefined when it was dropped or has not been added yet. */
  at(number: number): LogEntry | undefined {
    return number >= this.start && number < this.#end ? this.#ring[number % this.#kept] : undefined;
  }

  /**
   * Returns who opened the connection of an event, also when its row is gone; undefined when unknown.
   * @param rows the rows now
   */
  directionAt(number: number, rows: ReadonlyMap<string, Row>): Direction | undefined {
    const event = this.at(number);
    if (event === undefined || !hasSocket(event)) return undefined;
    return rows.get(event.socket.id)?.direction ?? this.#directions[number % this.#kept];
  }

  /** Adds events, in order of time. @param rows the rows, with the batch of the events */
  add(events: readonly LogEntry[], rows: ReadonlyMap<string, Row>): void {
    for (const event of events) {
      const slot = this.#end % this.#kept;
      const oldest = this.#ring[slot];
      if (oldest?.type === 'change' && this.#changes.get(oldest.socket.id) === this.#end - this.#kept)
        this.#changes.delete(oldest.socket.id);
      if (event.type === 'change') this.#changes.set(event.socket.id, this.#end);
      this.#ring[slot] = event;
      this.#directions[slot] = hasSocket(event)
        ? (rows.get(event.socket.id)?.direction ?? directionFromKernel(event.socket))
        : undefined;
      this.#end++;
    }
  }

  /**
   * Returns the latest change event of a socket in the log, or undefined. A search would take 47 ms for 1,000,000
   * events.
   */
  changeOf(id: string): SocketEvent | undefined {
    const number = this.#changes.get(id);
    const event = number === undefined ? undefined : this.at(number);
    return event?.type === 'change' ? event : undefined;
  }
}
