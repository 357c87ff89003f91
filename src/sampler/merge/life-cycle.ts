import type { LearntBy } from '../../model/event.ts';
import { isNotable, type Socket } from '../../model/socket.ts';
import type { EmittedEvents } from './emitted-events.ts';
import type { LifeIndex } from './life-index.ts';
import { betterLifetime, type Life, type Lifetime, seenLifetime, TIMEWAIT_MS } from './life.ts';
import type { Polls } from './polls.ts';
import type { Report } from './report.ts';
import type { ShortLives } from './short-lives.ts';

/**
 * Time after a poll misses a socket in which its last kernel event may still arrive, milliseconds: LinuxEvents waits a
 * quarter of a second for the last message of a socket.
 */
const LATE_MS = 1000;

/**
 * The states of a life, one method for each transition. `PollRules` and `KernelRules` decide which one to make.
 *
 *     new ── spawn ──▶ open ── miss ──▶ missing
 *     open, missing ── close: the kernel reported the end ──▶ remnant, if the kernel keeps one
 *     open, missing ── close, markGone: without a remnant, or no kernel event came in time ──▶ gone
 *     missing ── see ──▶ open
 *     remnant ── markGone: a poll misses it ──▶ gone
 *     gone ── see: a poll sees the remnant again ──▶ remnant
 *     gone ── reopen: a poll closed it by mistake ──▶ open
 *     gone ── removeExpired ──▶ removed
 */
export class LifeCycle {
  readonly #polls: Polls;
  readonly #index: LifeIndex;
  readonly #events: EmittedEvents;
  readonly #report: Report;
  readonly #shortLives: ShortLives;
  readonly #maxGone: number;
  /** Lives that a poll missed and that wait for the kernel event of their end, with the start of that poll, earliest first. */
  readonly #missing = new Map<Life, number>();
  /** Lives that are gone, oldest first. They stay for two more polls, so that late events find them. */
  readonly #gone = new Set<Life>();

  /** @param maxGone maximum number of lives kept after they are gone, the oldest are dropped first */
  constructor(
    polls: Polls,
    index: LifeIndex,
    events: EmittedEvents,
    report: Report,
    shortLives: ShortLives,
    maxGone: number,
  ) {
    this.#polls = polls;
    this.#index = index;
    this.#events = events;
    this.#report = report;
    this.#shortLives = shortLives;
    this.#maxGone = maxGone;
  }

  spawn(life: Life): void {
    this.#report.add(life);
    this.#events.addSpawn(life);
  }

  /** Gives a life a new version of its socket. Emits a change if it is notable. */
  setSocket(life: Life, socket: Socket, atMs: number, learntBy: LearntBy): void {
    const before = life.socket;
    life.socket = socket;
    this.#report.add(life);
    if (life.closedBy !== undefined || !isNotable(before, socket)) return;
    life.changedMs = Math.max(life.changedMs, atMs);
    life.changedBy = learntBy;
    this.#report.emitChange(life, before);
  }

  /** True if a life waits for the kernel event of its end. */
  get hasMissing(): boolean {
    return this.#missing.size > 0;
  }

  /** Makes a life wait for the kernel event of its end: the last poll missed its socket. */
  miss(life: Life): void {
    this.#missing.delete(life);
    this.#missing.set(life, this.#polls.last.startMs);
  }

  /** Notes that the last poll has seen the life. */
  see(life: Life): void {
    life.lastPoll = this.#polls.last;
    this.#missing.delete(life);
  }

  /** Closes the lives that are missing since a poll that started at `untilMs` or earlier. */
  closeMissing(untilMs: number): void {
    for (const [life, atMs] of this.#missing) {
      if (atMs > untilMs) break;
      this.close(life, atMs, 'poll');
      // A later snapshot may show its remnant, if this one is incomplete.
      this.markGone(life, { mayReturn: life.socket.protocol === 'tcp' });
    }
  }

  /** Ends a life and emits its close. @param kernelLifetime how long it lived, by the kernel event */
  close(life: Life, atMs: number, learntBy: LearntBy, kernelLifetime: Lifetime = {}): void {
    const seen = seenLifetime(life, atMs);
    // The kernel counts from listen() or from the handshake, polls from the first sighting.
    const isSeenLonger =
      kernelLifetime.lifetimeMs !== undefined && kernelLifetime.lifetimeMs < atMs - life.firstSeenMs;
    const lifetime = isSeenLonger ? seen : betterLifetime(seen, kernelLifetime);
    life.closedBy = learntBy;
    this.#missing.delete(life);
    // A poll may have seen the remnant at a later time than that of this kernel event.
    life.changedMs = Math.max(life.changedMs, atMs);
    this.#report.add(life);
    this.#events.addClose(life, learntBy, lifetime);
  }

  /** Lets a life spawn again that a poll closed because it missed the socket by mistake. */
  reopen(life: Life, socket: Socket): void {
    const { startMs, endMs } = this.#polls.last;
    life.socket = socket;
    life.bornMs = startMs;
    life.firstSeenMs = endMs;
    life.isBaseline = false;
    life.changedMs = startMs;
    life.changedBy = 'poll';
    life.closedBy = undefined;
    life.isGone = false;
    this.spawn(life);
  }

  /** Removes the row of a life. @param mayReturn true if a later poll may see its remnant: polls can miss one */
  markGone(life: Life, { mayReturn }: { readonly mayReturn: boolean }): void {
    life.isGone = true;
    life.pollsSinceGone = 0;
    const { endMs } = this.#polls.last;
    const lateMs = Math.max(life.changedMs, endMs) + LATE_MS;
    // Polls that leave out new remnants do not see it again.
    const mayBeSeen = mayReturn && !this.#shortLives.mayHaveRemnants(endMs);
    life.keptUntilMs = mayBeSeen ? Math.max(lateMs, this.#remnantEndMs(life)) : lateMs;
    this.#gone.delete(life);
    this.#gone.add(life);
    this.#report.add(life);
  }

  /** Notes that a poll sees the remnant of a life that may be gone. */
  returnRemnant(life: Life): void {
    life.isGone = false;
  }

  /** Returns when the kernel drops the remnant: by its timer if a poll has seen it, else after TIMEWAIT_MS. */
  #remnantEndMs({ socket: { timer }, changedMs }: Life): number {
    return timer?.kind === 'timewait' ? timer.dueAtMs - this.#polls.wallOffsetMs : changedMs + TIMEWAIT_MS;
  }

  /** Removes lives that have been gone for two polls, once neither a late kernel event nor a remnant can turn up. */
  removeExpired(): void {
    for (const life of this.#gone) {
      if (!life.isGone) {
        this.#gone.delete(life);
        continue;
      }
      // An incomplete snapshot still has it: an interrupted dump keeps sockets as last seen.
      if (this.#polls.socketOf(life)) life.pollsSinceGone = 0;
      if (life.pollsSinceGone++ === 0) continue;
      if (life.keptUntilMs > this.#polls.last.startMs && this.#gone.size <= this.#maxGone) continue;
      this.#gone.delete(life);
      this.#index.remove(life);
    }
  }
}
