import type { Difference } from '../../model/batch.ts';
import { MAX_WAITING_EVENTS } from '../../model/bounds.ts';
import type { Event, SingleEvent } from '../../model/event.ts';
import type { Socket } from '../../model/socket.ts';
import type { KernelEvent } from '../../source/types.ts';
import { EmittedEvents } from './emitted-events.ts';
import { KernelRules } from './kernel-rules.ts';
import { LifeCycle } from './life-cycle.ts';
import { LifeIndex } from './life-index.ts';
import { PollRules } from './poll-rules.ts';
import { type Moment, Polls } from './polls.ts';
import { Report } from './report.ts';
import { ShortLives } from './short-lives.ts';

/** All changes since the last batch. */
export interface Merged extends Difference {
  readonly events: readonly Event[];
}

/** How long a socket that a poll missed waits for the kernel event of its end, milliseconds. */
const MISSING_MS = 100;

/** The same time while the event source has more kernel events, which may include that of the end, milliseconds. */
const MISSING_IN_STORM_MS = 2000;

/**
 * Merges polls and kernel events: one life for each connection, with one spawn and one close event, whichever reported
 * it first. The close event comes when the connection ends. Its remnant (TIME_WAIT) stays as a row, and the row is
 * removed without another event.
 *
 *     applyKernelEvents ─▶ KernelRules ─┐               ┌─▶ EmittedEvents ─┐
 *                                       ├─▶ LifeCycle ──┤                  ├─▶ take
 *             applyPoll ─▶ PollRules ───┘               └─▶ Report ────────┤
 *                              └─▶ ShortLives: counted ────────────────────┘
 *
 * `LifeCycle` has the states of a life, `LifeIndex` finds lives, `Polls` has the last snapshot. Without an event
 * source, and for protocols other than TCP and UDP, a poll that misses a socket closes it at once.
 */
export class Merger {
  readonly #polls = new Polls();
  readonly #events = new EmittedEvents();
  readonly #report: Report;
  readonly #index: LifeIndex;
  readonly #cycle: LifeCycle;
  readonly #pollRules: PollRules;
  readonly #kernelRules: KernelRules;
  readonly #shortLives: ShortLives;
  /** Kernel events from before the first poll ended. They apply only to sockets that it saw. */
  #earlyEvents: readonly KernelEvent[] = [];

  /**
   * @param options `emitsEveryChange`: emit an event for each notable change, instead of one for the difference between
   * two batches; `hasEventSource`: an event source reports the end of sockets, mostly before a poll misses them;
   * `hasRemnants`: polls show the remnants of sockets whose end the event source reports; if they do not, a socket of which
   * only the close message is known gets its two events and no life;
   * `maxGone`: maximum number of lives kept after they are gone, the oldest are dropped first; `maxShortLives`: maximum
   * number of lives in a batch that no poll has seen, further ones are only counted
   */
  constructor({
    emitsEveryChange,
    hasEventSource,
    hasRemnants = true,
    maxGone = 2 * MAX_WAITING_EVENTS,
    maxShortLives = Infinity,
  }: {
    readonly emitsEveryChange: boolean;
    readonly hasEventSource: boolean;
    readonly hasRemnants?: boolean;
    readonly maxGone?: number;
    readonly maxShortLives?: number | undefined;
  }) {
    const [polls, events] = [this.#polls, this.#events];
    this.#report = new Report(events, emitsEveryChange);
    this.#index = new LifeIndex(polls, hasEventSource && hasRemnants);
    this.#shortLives = new ShortLives(maxShortLives);
    this.#cycle = new LifeCycle(polls, this.#index, events, this.#report, this.#shortLives, maxGone);
    this.#pollRules = new PollRules(polls, this.#index, this.#cycle, events, this.#report, hasEventSource);
    this.#kernelRules = new KernelRules(
      polls,
      this.#index,
      this.#cycle,
      events,
      this.#shortLives,
      hasRemnants,
    );
  }

  /**
   * Returns true if the next poll must omit new remnants (`PollOptions`): their connections may have been only counted, or
   * their close messages lost, which a gap reports.
   * @param nowMs time on the monotonic clock
   */
  omitsNewRemnants(nowMs: number): boolean {
    return this.#shortLives.mayHaveRemnants(nowMs);
  }

  /** True if a later `applyKernelEvents` may emit a close without a kernel event. */
  get isPending(): boolean {
    return this.#cycle.hasMissing;
  }

  /** Number of events and changed lives that wait to be taken. */
  get waiting(): number {
    return this.#events.length + this.#report.waiting;
  }

  /**
   * Applies kernel events, in order. Sockets that spawn and close before the first poll ends are ignored.
   * @param now when the event source was drained
   * @param hasMore true if it has more events
   */
  applyKernelEvents(kernelEvents: readonly KernelEvent[], now: Moment, hasMore = false): void {
    if (this.#polls.first === undefined) {
      this.#earlyEvents = [...this.#earlyEvents, ...kernelEvents];
      return;
    }
    this.#polls.setClocks(now);
    for (const kernelEvent of kernelEvents) {
      if (kernelEvent.type === 'gap') {
        this.#events.addGap(kernelEvent);
        continue;
      }
      const life = this.#kernelRules.apply(kernelEvent);
      if (life && !life.isGone) this.#pollRules.checkLater(life, now.monotonicMs);
    }
    this.#cycle.closeMissing(now.monotonicMs - (hasMore ? MISSING_IN_STORM_MS : MISSING_MS));
  }

  /**
   * Applies the difference between a snapshot and the one before it.
   * @param sockets the snapshot; it must not change until the poll after the next one
   * @param start when the poll started
   * @param endMs when it ended, on the monotonic clock
   * @param ended see `Snapshot`
   */
  applyPoll(
    { spawned, changed, closed }: Difference,
    sockets: ReadonlyMap<string, Socket>,
    start: Moment,
    endMs: number,
    ended: readonly Socket[] = [],
  ): void {
    const previous = this.#polls.snapshot;
    const isFirst = this.#polls.first === undefined;
    const startMs = start.monotonicMs;
    this.#polls.setClocks(start);
    // This comes before the snapshot is replaced: a life that is created here gets its socket from the previous one.
    const missed = closed.map((id) => this.#index.findOrAdopt(id));
    this.#polls.add(sockets, { startMs, endMs });
    for (const socket of spawned) this.#pollRules.applySpawned(socket, isFirst);
    for (const socket of changed) this.#pollRules.applyChanged(socket, previous.get(socket.id));
    for (const socket of ended) this.#pollRules.applyEnded(socket);
    for (const life of missed) if (life) this.#pollRules.checkLater(life, startMs);
    this.#pollRules.checkDue();
    this.#cycle.removeExpired();
    if (!isFirst) return;
    const { wallOffsetMs } = this.#polls;
    this.applyKernelEvents(this.#earlyEvents, { wallMs: endMs + wallOffsetMs, monotonicMs: endMs });
    this.#earlyEvents = [];
  }

  /** Closes all missing lives now, without waiting for a kernel event. */
  closeAllMissing(): void {
    this.#cycle.closeMissing(Infinity);
  }

  /** Returns all changes since the last call. */
  take(): Merged {
    const difference = this.#report.take();
    const events = this.takeEvents();
    const sums = this.#shortLives.take(this.#polls.wallOffsetMs);
    return {
      ...difference,
      events: sums.length === 0 ? events : [...events, ...sums].sort((one, other) => one.atMs - other.atMs),
    };
  }

  /** Returns the events since the last call of this or of `take`, in order of time, and nothing else. */
  takeEvents(): readonly SingleEvent[] {
    return this.#events.take(this.#polls.wallOffsetMs);
  }
}
