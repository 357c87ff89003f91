import type { Writable } from 'node:stream';
import type { Gap } from '../export/json.ts';
import type { LearntBy, SingleEvent, SocketEvent } from '../model/event.ts';

/** A format of printed events. Each function returns one line for each item, with a newline. */
export interface EventFormat {
  readonly events: (events: readonly SingleEvent[]) => string | Buffer;
  /** Formats counts of events that were not printed because stdout was read too slowly. */
  readonly unprinted: (gaps: readonly Gap[]) => string | Buffer;
}

/** Maximum number of waiting events; further ones are only counted. */
export const MAX_WAITING = 10_000;

/**
 * Maximum number of events per write, about 50 KB. No events are formatted while the stream is full. A larger buffer would
 * be allocated again for each write, and its page faults cost more than additional system calls.
 */
const EVENTS_PER_WRITE = 100;

/**
 * Prints events as they arrive. If stdout is not read, events wait, up to a maximum. Further events are only counted
 * until all waiting ones are written; then the count is printed. Memory is bounded, and no loss is silent.
 */
export class EventPrinter {
  readonly #out: Writable;
  readonly #format: EventFormat;
  readonly #isWanted: (event: SocketEvent) => boolean;
  #waiting: SingleEvent[] = [];
  /** Counts of the events that came when too many waited, to print after the waiting ones. */
  readonly #unprinted = new Map<LearntBy, Gap>();
  /** True from a write that filled the stream's buffer until the stream drains. */
  #isFull = false;

  /** @param isWanted selects the events to print; gaps are always printed */
  constructor(out: Writable, format: EventFormat, isWanted: (event: SocketEvent) => boolean) {
    this.#out = out;
    this.#format = format;
    this.#isWanted = isWanted;
    out.on('drain', () => {
      this.#isFull = false;
      this.#write();
    });
  }

  /** Prints events, or queues them while the stream is full. */
  print(events: readonly SingleEvent[]): void {
    const add =
      this.#unprinted.size > 0 || this.#waiting.length >= MAX_WAITING
        ? (event: SingleEvent) => this.#count(event)
        : (event: SingleEvent) => void this.#waiting.push(event);
    for (const event of events) if (event.type === 'gap' || this.#isWanted(event)) add(event);
    this.#write();
  }

  /** Prints all waiting events. Calls `done` when they are written or the write has failed. */
  end(done: () => void): void {
    this.#writeSome(Infinity);
    this.#out.write('', done);
  }

  /** Counts an event instead of printing it. */
  #count(event: SingleEvent): void {
    const { atMs, learntBy } = event;
    const before = this.#unprinted.get(learntBy);
    // The number of lost events in a gap may be unknown: then the sum is unknown too.
    const missedBefore = before ? before.missed : 0;
    const added = event.type === 'gap' ? event.missed : 1;
    const missed = missedBefore === undefined || added === undefined ? undefined : missedBefore + added;
    this.#unprinted.set(learntBy, {
      type: 'gap',
      atMs: before?.atMs ?? atMs,
      ...(missed !== undefined && { missed }),
      learntBy,
    });
  }

  /** Writes waiting events until the stream is full. */
  #write(): void {
    while (!this.#isFull && this.#waiting.length > 0) this.#writeSome(EVENTS_PER_WRITE);
  }

  /** Writes up to `count` waiting events; after the last one, also the unprinted counts. */
  #writeSome(count: number): void {
    const events = this.#waiting.splice(0, count);
    if (events.length > 0) this.#isFull = !this.#out.write(this.#format.events(events));
    if (this.#waiting.length > 0 || this.#unprinted.size === 0) return;
    this.#isFull = !this.#out.write(this.#format.unprinted([...this.#unprinted.values()]));
    this.#unprinted.clear();
  }
}
