import type { Batch } from '../model/batch.ts';
import type { SocketEvent } from '../model/event.ts';
import { compileForSubjects } from '../query/compile.ts';
import type { Query } from '../query/query.ts';
import type { Subject } from '../query/subject.ts';
import { directionOf, Listeners } from '../store/listeners.ts';
import type { HostAnswer } from '../store/state.ts';
import { subjectOfEvent } from '../view/event-subject.ts';
import { addressesIn } from '../view/query-context.ts';

/** Which events a query asks for. */
export class EventFilter {
  /** Times of events are all there is here: each is asked about as of then. */
  readonly #context: { nowMs: number };
  readonly #matches: (subject: Subject) => boolean;
  readonly #listeners = new Listeners();

  /** @param tooSlow is told of a regex that finds no more */
  constructor(query: Query, hosts: ReadonlyMap<string, HostAnswer>, tooSlow: (regex: string) => void) {
    const context = { nowMs: 0, baselineMs: undefined, addressesOf: addressesIn(hosts), tooSlow };
    this.#context = context;
    this.#matches = compileForSubjects(query, context);
  }

  /** Takes what is there now: who began a connection is told by who listens. */
  take({ spawned, changed, closed }: Pick<Batch, 'spawned' | 'changed' | 'closed'>): void {
    for (const socket of [...spawned, ...changed]) this.#listeners.take(socket);
    for (const id of closed) this.#listeners.drop(id);
  }

  has(event: SocketEvent): boolean {
    this.#context.nowMs = event.atMs;
    return this.#matches(subjectOfEvent(event, 0, directionOf(event.socket, this.#listeners)));
  }
}
