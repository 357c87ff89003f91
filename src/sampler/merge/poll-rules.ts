import { isRemnant, type Socket } from '../../model/socket.ts';
import type { EmittedEvents } from './emitted-events.ts';
import type { LifeCycle } from './life-cycle.ts';
import type { LifeIndex } from './life-index.ts';
import type { Life } from './life.ts';
import type { Polls } from './polls.ts';
import type { Report } from './report.ts';
import { withEarlier } from './sightings.ts';

/**
 * Applies a poll to the lives: its differences from the poll before, one method for each kind. Spawned and changed
 * sockets are applied at once. Lives whose socket closed or had a kernel event are looked up in the snapshot
 * afterwards: a closed socket may still be there as a remnant with another id. If the poll started before the kernel
 * event, it may have read the socket too early, and the life waits for the next poll.
 *
 *     spawned, changed ─▶ sighting of a life; without a life: reported as it is, or the spawn of a new life
 *     closed, kernel events ─▶ checkLater ─▶ checkDue ─▶ sighting, or missing
 */
export class PollRules {
  readonly #polls: Polls;
  readonly #index: LifeIndex;
  readonly #cycle: LifeCycle;
  readonly #events: EmittedEvents;
  readonly #report: Report;
  readonly #hasEventSource: boolean;
  /** Lives to check, each with the earliest start of a poll that can check it. */
  readonly #toCheck = new Map<Life, number>();

  constructor(
    polls: Polls,
    index: LifeIndex,
    cycle: LifeCycle,
    events: EmittedEvents,
    report: Report,
    hasEventSource: boolean,
  ) {
    this.#polls = polls;
    this.#index = index;
    this.#cycle = cycle;
    this.#events = events;
    this.#report = report;
    this.#hasEventSource = hasEventSource;
  }

  /** Applies a socket that a poll sees for the first time under this id. */
  applySpawned(socket: Socket, isFirstPoll: boolean): void {
    let life = this.#index.find(socket.id);
    if (life === undefined && isRemnant(socket)) {
      life = this.#index.findLifeOfRemnant(socket);
      if (life) this.#index.addOtherId(life, socket.id);
    }
    if (life) this.#applySighting(life, socket);
    else if (isFirstPoll) this.#report.addSpawned(socket);
    else this.#applyNew(socket);
  }

  #applyNew(socket: Socket): void {
    this.#cycle.spawn(this.#index.create(socket, this.#polls.last.startMs, 'poll'));
  }

  /** Applies a socket that changed since the poll before. */
  applyChanged(socket: Socket, before: Socket | undefined): void {
    const life = this.#index.find(socket.id);
    if (life) {
      this.#applySighting(life, socket);
      return;
    }
    // Only baseline sockets have no life.
    this.#report.addChanged(socket);
    const { first, last } = this.#polls;
    if (before)
      this.#events.addChange(before, socket, last.startMs, 'poll', {
        bornMs: first?.startMs,
        isBaseline: true,
      });
  }

  /** Applies the final traffic of a socket that has closed. Its close message, if it comes in time, has the same. */
  applyEnded({ id, traffic }: Socket): void {
    const life = this.#index.find(id);
    if (life && life.closedBy === undefined && traffic)
      this.#cycle.setSocket(life, { ...life.socket, traffic }, this.#polls.last.startMs, 'poll');
  }

  /** Updates a life from the last poll, and reopens it if an earlier poll missed the socket by mistake. */
  #applySighting(life: Life, socket: Socket): void {
    this.#cycle.see(life);
    if (life.closedBy !== undefined && !isRemnant(socket)) {
      // If the kernel reported its end, the snapshot is wrong: after an incomplete dump it has sockets as last seen.
      if (life.closedBy === 'poll') this.#cycle.reopen(life, socket);
      return;
    }
    this.#cycle.returnRemnant(life);
    const merged = life.hasKernelEvent ? withEarlier(life.socket, socket) : socket;
    this.#cycle.setSocket(life, merged, this.#polls.last.startMs, 'poll');
  }

  /** Makes `checkDue` compare a life with the first snapshot whose poll started at `sinceMs` or later. */
  checkLater(life: Life, sinceMs: number): void {
    this.#toCheck.set(life, sinceMs);
  }

  /** Compares lives with the last snapshot, except those that wait for a later poll. */
  checkDue(): void {
    const { startMs } = this.#polls.last;
    for (const [life, sinceMs] of this.#toCheck) {
      // The poll may have read this socket before its kernel event: check it in the next one.
      if (sinceMs > startMs) continue;
      this.#toCheck.delete(life);
      this.#check(life);
    }
  }

  /** Compares a life with the last snapshot, unless the last poll has updated it already. */
  #check(life: Life): void {
    if (life.isGone || life.lastPoll === this.#polls.last) return;
    const socket = this.#polls.socketOf(life);
    if (socket === undefined) this.#applyMissing(life);
    else if (socket.state !== life.socket.state) this.#applySighting(life, socket);
  }

  /** Handles a life whose socket is not in the last snapshot. */
  #applyMissing(life: Life): void {
    const { protocol } = life.socket;
    if (life.closedBy !== undefined) this.#cycle.markGone(life, { mayReturn: true });
    // Wait for the kernel event of the end. Other protocols have none, and a remnant had it as a connection.
    else if (this.#hasEventSource && (protocol === 'tcp' || protocol === 'udp') && !isRemnant(life.socket))
      this.#cycle.miss(life);
    else {
      this.#cycle.close(life, this.#polls.last.startMs, 'poll');
      this.#cycle.markGone(life, { mayReturn: isRemnant(life.socket) });
    }
  }
}
