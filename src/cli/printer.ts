import type { Writable } from 'node:stream';
import type { Gap } from '../export/json.ts';
import type { LearntBy, SingleEvent, SocketEvent } from '../model/event.ts';

/** How events are printed. Each function returns one line, without a newline. */
export interface EventFormat {
  readonly event: (event: SingleEvent) => string;
  /** Formats a count of events that were not printed because stdout was read too slowly. */
  readonly unprinted: (gap: Gap) => string;
}

/** Maximum number of waiting events; further ones are only counted. */
export const MAX_WAITING = 10_000;

/** Maximum number of events per write. No events are formatted while the stream is full. */
const EVENTS_PER_WRITE = 1000;

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
    this.#out.write(this.#takeText(Infinity), done);
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
    while (!this.#isFull && this.#waiting.length > 0)
      this.#isFull = !this.#out.write(this.#takeText(EVENTS_PER_WRITE));
  }

  /** Removes up to `count` waiting events and returns their text; after the last one, also the unprinted counts. */
  #takeText(count: number): string {
    const lines = this.#waiting.splice(0, count).map(this.#format.event);
    if (this.#waiting.length === 0) {
      lines.push(...[...this.#unprinted.values()].map(this.#format.unprinted));
      this.#unprinted.clear();
    }
    return lines.map((line) => `${line}\n`).join('');
  }
}
