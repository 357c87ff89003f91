import type { Batch } from '../model/batch.ts';
import type { Event, SocketEvent } from '../model/event.ts';
import type { Direction } from '../model/socket.ts';
import { compileForSubjects } from '../query/compile.ts';
import { isEverything, type Query } from '../query/query.ts';
import type { Subject } from '../query/subject.ts';
import { directionOf, Listeners } from '../store/listeners.ts';
import { answersIn, type Lookups } from '../store/lookups.ts';
import { subjectOfEvent } from '../view/panes/event-subject.ts';
import { KnownPeers } from './known-peers.ts';

/** Selects the events that match a query, and knows the direction of their connections. */
export class EventFilter {
  /** Inputs of the query besides the event. `nowMs` is set to the time of each tested event. */
  readonly #context: { nowMs: number };
  /** Undefined if the query is empty: every event matches. */
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
      ...answersIn(() => lookups),
      peerOf: (subject: Subject) => peers?.peerOf(subject),
      tooSlow,
    };
    this.#context = context;
    this.#peers = peers;
    this.#matches = isEverything(query) ? undefined : compileForSubjects(query, context);
  }

  /** Updates the peers, and the listeners, which determine the direction of connections. */
  take(batch: Pick<Batch, 'spawned' | 'changed' | 'closed' | 'partial'>): void {
    const { spawned, changed, closed } = batch;
    this.#peers?.takeBatch(batch);
    for (const socket of [...spawned, ...changed]) this.#listeners.take(socket);
    for (const id of closed) this.#listeners.drop(id);
  }

  /** Updates peers and listeners by events that are about to be tested. */
  takeEvents(events: readonly Event[]): void {
    this.#peers?.takeEvents(events);
    // A closed listener stays until `take` gets its batch: the closes of its connections need it.
    for (const event of events)
      if (event.type === 'spawn' || event.type === 'change') this.#listeners.take(event.socket);
  }

  /** Returns who opened the connection of an event; undefined when unknown. */
  directionOf({ socket }: SocketEvent): Direction | undefined {
    return directionOf(socket, this.#listeners);
  }

  /** Returns true if the event matches the query. */
  matches(event: SocketEvent): boolean {
    if (this.#matches === undefined) return true;
    this.#context.nowMs = event.atMs;
    const direction = this.directionOf(event);
    const peer = this.#peers?.idOf(event.socket.id);
    const known = { ...(direction && { direction }), ...(peer !== undefined && { peer }) };
    // 0: the query compares the time of the event with `nowMs`, which is wall-clock time here too.
    return this.#matches(subjectOfEvent(event, 0, known));
  }
}
