import type { Batch } from '../../model/batch.ts';
import type { Event, SocketEvent } from '../../model/event.ts';
import { firstOwner, type Socket } from '../../model/socket.ts';
import type { EventFilter } from '../event-filter.ts';

/** The used part of a batch. */
export type Changes = Pick<Batch, 'baseline' | 'spawned' | 'changed' | 'closed' | 'partial' | 'events'>;

/** State of a socket whose owner is not known yet. `spawn` is its event; undefined if it is in the baseline. */
interface Undecided {
  readonly spawn: SocketEvent | undefined;
}

const isPending = (socket: Socket): boolean => firstOwner(socket).knowledge === 'pending';

/**
 * Finds the sockets that come to match a query: by their spawn, or by the first change after which they match. It reports
 * a socket at most once in its life. It reports neither closes nor sockets that matched in the baseline.
 *
 *     spawn ──▶ matches? ── yes ──▶ matched, reported      close ──▶ forgotten
 *                  │ no                    ▲
 *                  ▼                       │ matches
 *               undecided (owner pending), or not matched ──▶ change
 */
export class FirstMatches {
  readonly #filter: Pick<EventFilter, 'take' | 'takeEvents' | 'matches'>;
  readonly #onMatch: (event: SocketEvent) => void;
  /** Ids of the open sockets that have matched. */
  readonly #matched = new Set<string>();
  /** Sockets whose owner is pending, by id. They are tested again when the owner arrives, which makes no event. */
  readonly #undecided = new Map<string, Undecided>();
  #isInBaseline = false;

  constructor(
    filter: Pick<EventFilter, 'take' | 'takeEvents' | 'matches'>,
    onMatch: (event: SocketEvent) => void,
  ) {
    this.#filter = filter;
    this.#onMatch = onMatch;
  }

  /** Tests events. In `watch` they come before the batch that has their sockets. */
  takeEvents(events: readonly Event[]): void {
    if (events.length === 0) return;
    this.#filter.takeEvents(events);
    for (const event of events) {
      if (event.type === 'spawn' || event.type === 'change') this.#test(event);
      else if (event.type === 'close') this.#forget(event.socket.id);
    }
  }

  /** Takes a batch, with its events if it has some. */
  take(batch: Changes): void {
    const { baseline, spawned, changed, closed } = batch;
    // After a restart of the sampler a second baseline has every open socket again.
    if (baseline && !this.#isInBaseline) {
      this.#matched.clear();
      this.#undecided.clear();
    }
    this.#isInBaseline = baseline;
    this.takeEvents(batch.events);
    this.#filter.take(batch);
    if (baseline) for (const socket of spawned) this.#note(socket);
    if (this.#undecided.size > 0) for (const socket of changed) this.#decide(socket);
    for (const id of closed) this.#forget(id);
  }

  #test(event: SocketEvent): void {
    const { id } = event.socket;
    const undecided = this.#undecided.get(id);
    // The event may be the first with the owner. A baseline socket is not reported if it would match with this owner even
    // without the change of the event.
    if (undecided && !undecided.spawn) this.#decide({ ...event.socket, ...event.was });
    if (this.#matched.has(id)) return;
    if (this.#filter.matches(event)) this.#report(event);
    else if (event.type === 'spawn' && isPending(event.socket)) this.#undecided.set(id, { spawn: event });
  }

  #report(event: SocketEvent): void {
    this.#matched.add(event.socket.id);
    this.#undecided.delete(event.socket.id);
    this.#onMatch(event);
  }

  /** Notes a socket of the baseline. */
  #note(socket: Socket): void {
    if (this.#filter.matches(asSpawn(socket))) this.#matched.add(socket.id);
    else if (isPending(socket)) this.#undecided.set(socket.id, { spawn: undefined });
  }

  /** Tests a socket again whose owner was pending and is known now. */
  #decide(socket: Socket): void {
    const undecided = this.#undecided.get(socket.id);
    if (!undecided || isPending(socket)) return;
    this.#undecided.delete(socket.id);
    if (!undecided.spawn) this.#note(socket);
    else {
      const event = { ...undecided.spawn, socket };
      if (this.#filter.matches(event)) this.#report(event);
    }
  }

  #forget(id: string): void {
    this.#matched.delete(id);
    this.#undecided.delete(id);
  }
}

/** Returns a socket of the baseline as an event, to test it. */
const asSpawn = (socket: Socket): SocketEvent => ({
  type: 'spawn',
  atMs: Date.now(),
  socket,
  learntBy: 'poll',
  isBaseline: true,
});
