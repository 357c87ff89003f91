import type { Writable } from 'node:stream';
import type { Gap } from '../export/json.ts';
import type { LearntBy, Event, SocketEvent } from '../model/event.ts';

/** Format of events: one line each, without its line end. */
export interface EventFormat {
  readonly event: (event: Event) => string;
  /** Formats a count of events that were not printed because stdout was read too slowly. */
  readonly unprinted: (gap: Gap) => string;
}

/** Maximum number of waiting events; further ones are only counted. */
export const MAX_WAITING = 10_000;

/** Number of events per write. The next ones are formatted after the stream has accepted these. */
const PIECE = 1000;

/**
 * Prints events as they arrive. If stdout is not read, events wait, up to a maximum. Further events are counted until
 * all waiting ones are written, and their number is printed instead. Memory is bounded, and no loss is silent.
 */
export class EventPrinter {
  readonly #out: Writable;
  readonly #format: EventFormat;
  readonly #isWanted: (event: SocketEvent) => boolean;
  #waiting: Event[] = [];
  /** Counts of events that arrived after all waiting ones, to print after them. */
  readonly #unprinted = new Map<LearntBy, Gap>();
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

  /** Prints events, in one write unless there are very many. */
  print(events: readonly Event[]): void {
    const add =
      this.#unprinted.size > 0 || this.#waiting.length >= MAX_WAITING
        ? (event: Event) => this.#count(event)
        : (event: Event) => void this.#waiting.push(event);
    for (const event of events) if (event.type === 'gap' || this.#isWanted(event)) add(event);
    this.#write();
  }

  /** Prints all waiting events. Calls `done` when they are written or the write has failed. */
  end(done: () => void): void {
    this.#out.write(this.#takeText(Infinity), done);
  }

  #count(event: Event): void {
    const { atMs, learntBy } = event;
    const before = this.#unprinted.get(learntBy);
    // A gap may have an unknown number of lost events: the sum is unknown too.
    const [counted, more] = [before ? before.missed : 0, event.type === 'gap' ? event.missed : 1];
    const missed = counted === undefined || more === undefined ? undefined : counted + more;
    this.#unprinted.set(learntBy, {
      type: 'gap',
      atMs: before?.atMs ?? atMs,
      ...(missed !== undefined && { missed }),
      learntBy,
    });
  }

  #write(): void {
    while (!this.#isFull && this.#waiting.length > 0) this.#isFull = !this.#out.write(this.#takeText(PIECE));
  }

  /** Removes up to `count` waiting events and returns their text. */
  #takeText(count: number): string {
    const lines = this.#waiting.splice(0, count).map(this.#format.event);
    if (this.#waiting.length === 0) {
      lines.push(...[...this.#unprinted.values()].map(this.#format.unprinted));
      this.#unprinted.clear();
    }
    return lines.map((line) => `${line}\n`).join('');
  }
}
