import type { Batch } from '../model/batch.ts';
import type { SocketEvent } from '../model/event.ts';
import { compileForSubjects } from '../query/compile.ts';
import type { Query } from '../query/query.ts';
import type { Subject } from '../query/subject.ts';
import { directionOf, Listeners } from '../store/listeners.ts';
import { addressesIn, type Lookups } from '../store/lookups.ts';
import { subjectOfEvent } from '../view/panes/event-subject.ts';

/** Selects the events that match a query. */
export class EventFilter {
  /** Its clock is set to the time of each event that is tested. */
  readonly #context: { nowMs: number };
  readonly #matches: (subject: Subject) => boolean;
  readonly #listeners = new Listeners();

  /** @param tooSlow called once with a regex that takes too long and matches nothing from then on */
  constructor(query: Query, lookups: Lookups, tooSlow: (regex: string) => void) {
    const context = { nowMs: 0, baselineMs: undefined, addressesOf: addressesIn(lookups), tooSlow };
    this.#context = context;
    this.#matches = compileForSubjects(query, context);
  }

  /** Updates the listeners, which determine the direction of connections. */
  take({ spawned, changed, closed }: Pick<Batch, 'spawned' | 'changed' | 'closed'>): void {
    for (const socket of [...spawned, ...changed]) this.#listeners.take(socket);
    for (const id of closed) this.#listeners.drop(id);
  }

  /** Returns true if the event matches the query. */
  matches(event: SocketEvent): boolean {
    this.#context.nowMs = event.atMs;
    return this.#matches(subjectOfEvent(event, 0, directionOf(event.socket, this.#listeners)));
  }
}
