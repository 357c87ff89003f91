import { isRemnant, type Socket } from '../../model/socket.ts';
import type { EmittedEvents } from './emitted-events.ts';
import type { LifeCycle } from './life-cycle.ts';
import type { LifeIndex } from './life-index.ts';
import type { Life } from './life.ts';
import type { Polls } from './polls.ts';
import type { Report } from './report.ts';
import { withEarlier } from './sightings.ts';

/**
 * What a poll makes of lives: one method for each kind of difference to the poll before. A changed socket is handled
 * first; lives that should be in the snapshot are checked at the end, because a poll may read past a socket just before
 * a kernel event about it.
 *
 *     spawned, changed ─▶ sighting of a life, or a socket without one
 *     closed, kernel events ─▶ expect ─▶ checkExpected ─▶ sighting, or missing
 */
export class PollRules {
  readonly #polls: Polls;
  readonly #index: LifeIndex;
  readonly #cycle: LifeCycle;
  readonly #events: EmittedEvents;
  readonly #report: Report;
  readonly #hasEventSource: boolean;
  /** Lives to check in the next snapshot, and the time of the kernel event or poll that put them here. */
  readonly #expected = new Map<Life, number>();

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
    else this.#cycle.spawn(this.#index.create(socket, this.#polls.last.startMs, 'poll'));
  }

  /** Applies a socket that changed since the poll before. */
  applyChanged(socket: Socket, before: Socket | undefined): void {
    const life = this.#index.find(socket.id);
    if (life) {
      this.#applySighting(life, socket);
      return;
    }
    this.#report.addChanged(socket);
    const { first, last } = this.#polls;
    if (before)
      this.#events.addChange(before, socket, last.startMs, 'poll', {
        bornMs: first?.startMs,
        isBaseline: true,
      });
  }

  /** Updates a life from the last poll, and reopens it if an earlier poll missed the socket by mistake. */
  #applySighting(life: Life, socket: Socket): void {
    this.#cycle.see(life);
    if (life.closedBy !== undefined && !isRemnant(socket)) {
      // After the kernel reported its end, only a table that was not read to its end still shows it.
      if (life.closedBy === 'poll') this.#cycle.reopen(life, socket);
      return;
    }
    life.isGone = false;
    const merged = life.hasKernelEvent ? withEarlier(life.socket, socket) : socket;
    this.#cycle.setSocket(life, merged, this.#polls.last.startMs, 'poll');
  }

  /** Lets the first poll that starts at `sinceMs` or later check a life. */
  expect(life: Life, sinceMs: number): void {
    this.#expected.set(life, sinceMs);
  }

  /** Compares the expected lives with the last snapshot. */
  checkExpected(): void {
    const { startMs } = this.#polls.last;
    for (const [life, sinceMs] of this.#expected) {
      // The poll may have read past this socket before the kernel event: check it in the next one.
      if (sinceMs > startMs) continue;
      this.#expected.delete(life);
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
    if (life.closedBy !== undefined) this.#cycle.markGone(life, true);
    // Event sources report the end of TCP and UDP sockets only. A remnant had its end reported before.
    else if (this.#hasEventSource && (protocol === 'tcp' || protocol === 'udp') && !isRemnant(life.socket))
      this.#cycle.miss(life);
    else {
      this.#cycle.close(life, this.#polls.last.startMs, 'poll');
      this.#cycle.markGone(life, isRemnant(life.socket));
    }
  }
}
