import type { Batch } from '../model/batch.ts';
import type { Event, SocketEvent } from '../model/event.ts';
import { compileForSubjects } from '../query/compile.ts';
import { isEverything, type Query } from '../query/query.ts';
import type { Subject } from '../query/subject.ts';
import { directionOf, Listeners } from '../store/listeners.ts';
import { addressesIn, type Lookups } from '../store/lookups.ts';
import { subjectOfEvent } from '../view/panes/event-subject.ts';
import { KnownPeers } from './known-peers.ts';

/** Selects the events that match a query. */
export class EventFilter {
  /** Its clock is set to the time of each event that is tested. */
  readonly #context: { nowMs: number };
  /** Undefined if the query is empty: every event matches, so listeners and peers are not kept. */
  readonly #matches: ((subject: Subject) => boolean) | undefined;
  readonly #listeners = new Listeners();
  /** Undefined if the query does not test peers. */
  readonly #peers: KnownPeers | undefined;

  /** @param tooSlow called once with a regex that takes too long and matches nothing from then on */
  constructor(query: Query, lookups: Lookups, tooSlow: (regex: string) => void) {
    const peers = query.asksPeers ? new KnownPeers() : undefined;
    const context = {
      nowMs: 0,
      baselineMs: undefined,
      addressesOf: addressesIn(lookups),
      peerOf: (subject: Subject) => peers?.peerOf(subject),
      tooSlow,
    };
    this.#context = context;
    this.#peers = peers;
    this.#matches = isEverything(query) ? undefined : compileForSubjects(query, context);
  }

  /** Updates the listeners, which determine the direction of connections, and the peers. */
  take(batch: Pick<Batch, 'spawned' | 'changed' | 'closed' | 'partial'>): void {
    if (this.#matches === undefined) return;
    const { spawned, changed, closed } = batch;
    this.#peers?.takeBatch(batch);
    for (const socket of [...spawned, ...changed]) this.#listeners.take(socket);
    for (const id of closed) this.#listeners.drop(id);
  }

  /** Updates the peers by events that are about to be tested. */
  takeEvents(events: readonly Event[]): void {
    this.#peers?.takeEvents(events);
  }

  /** Returns true if the event matches the query. */
  matches(event: SocketEvent): boolean {
    if (this.#matches === undefined) return true;
    this.#context.nowMs = event.atMs;
    const direction = directionOf(event.socket, this.#listeners);
    const peer = this.#peers?.idOf(event.socket.id);
    const known = { ...(direction && { direction }), ...(peer !== undefined && { peer }) };
    return this.#matches(subjectOfEvent(event, 0, known));
  }
}
