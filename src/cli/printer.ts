import type { Writable } from 'node:stream';
import type { Gap } from '../export/json.ts';
import type { LearntBy, Event, SocketEvent } from '../model/event.ts';

/** How events are written: each a line, without its end. */
export interface EventFormat {
  readonly event: (event: Event) => string;
  /** Events that were not printed, for those before them had not been read. */
  readonly unprinted: (gap: Gap) => string;
}

/** From so many waiting events on, further ones are only counted. */
export const MAX_WAITING = 10_000;

/** So many are written at once: before more are made into text, these have to be taken. */
const PIECE = 1000;

/**
 * Prints events as they come. Where nobody reads them, they wait; when many do, those that come are counted until all
 * that wait are taken, and the count is printed in their place. So memory is bounded, and nothing is lost silently.
 */
export class EventPrinter {
  readonly #out: Writable;
  readonly #format: EventFormat;
  readonly #isWanted: (event: SocketEvent) => boolean;
  #waiting: Event[] = [];
  /** What comes after all that waits. */
  readonly #unprinted = new Map<LearntBy, Gap>();
  #isFull = false;

  /** @param isWanted which events are printed; gaps always are */
  constructor(out: Writable, format: EventFormat, isWanted: (event: SocketEvent) => boolean) {
    this.#out = out;
    this.#format = format;
    this.#isWanted = isWanted;
    out.on('drain', () => {
      this.#isFull = false;
      this.#write();
    });
  }

  /** Prints some events, in one write unless they are very many. */
  print(events: readonly Event[]): void {
    const hold =
      this.#unprinted.size > 0 || this.#waiting.length >= MAX_WAITING
        ? (event: Event) => this.#count(event)
        : (event: Event) => void this.#waiting.push(event);
    for (const event of events) if (event.type === 'gap' || this.#isWanted(event)) hold(event);
    this.#write();
  }

  /** Prints all that waits, and calls `done` when it is taken, or never will be. */
  end(done: () => void): void {
    this.#out.write(this.#take(Infinity), done);
  }

  #count(event: Event): void {
    const { atMs, learntBy } = event;
    const before = this.#unprinted.get(learntBy);
    // Of what the kernel lost it may not be known how much; nor is the sum then.
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
    while (!this.#isFull && this.#waiting.length > 0) this.#isFull = !this.#out.write(this.#take(PIECE));
  }

  /** The text of so many of those that wait. */
  #take(count: number): string {
    const lines = this.#waiting.splice(0, count).map(this.#format.event);
    if (this.#waiting.length === 0) {
      lines.push(...[...this.#unprinted.values()].map(this.#format.unprinted));
      this.#unprinted.clear();
    }
    return lines.map((line) => `${line}\n`).join('');
  }
}
