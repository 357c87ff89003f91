import type { Batch, Snapshot } from '../model/batch.ts';
import { MAX_WAITING_EVENTS } from '../model/bounds.ts';
import { LOCAL_HOST } from '../model/host.ts';
import { Progress } from '../model/progress.ts';
import type { SingleEvent } from '../model/event.ts';
import type { Socket } from '../model/socket.ts';
import { type CloseResult, closeResult, type SocketToClose } from '../model/close.ts';
import type { Leftovers, Source } from '../source/types.ts';
import { diff } from './diff.ts';
import { Gathering } from './gathering.ts';
import { Merger } from './merge/merger.ts';
import type { Moment } from './merge/polls.ts';
import { DEFAULT_MAX_SHARE, Pacer } from './pacer.ts';
import { splitBatch } from './parts.ts';

/** Time source of the sampler. */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970; may jump. */
  wallMs(): number;
  /** Milliseconds on a monotonic clock. */
  monotonicMs(): number;
  /** CPU time that polls take, milliseconds; absent if only their elapsed time is known. */
  cpuMs?: () => number;
  /** Runs `action` once after `delayMs`. Returns a function that cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

export interface SamplerOptions {
  readonly source: Source;
  readonly clock: Clock;
  /** The requested interval, milliseconds. A longer one is used while polling would take too much of the time. */
  readonly intervalMs: number;
  /** Maximum share of the time that polling may take, above 0, up to 1. @default 0.2 */
  readonly maxShare?: number;
  /**
   * Maximum number of events held while no batch is taken (a stopped terminal). The kernel drops further ones and
   * counts them.
   */
  readonly maxWaiting?: number | undefined;
  /**
   * Maximum number of lives in one batch that no poll has seen; further ones are counted by program and peer. With
   * `onEvents` every life has events.
   */
  readonly maxShortLives?: number | undefined;
  /** True if the source leaves out remnants, see `SourceOptions`. Batches then have only sockets that polls have seen. */
  readonly omitsRemnants?: boolean | undefined;
  /**
   * Takes a batch, or a part of one. The next part and the next poll wait until the returned promise settles, so a slow
   * consumer is never flooded.
   */
  readonly onBatch: (batch: Batch) => Promise<void> | void;
  /**
   * Called before each poll, for a consumer that takes the last part of a batch after `onBatch` has returned. Returns undefined
   * if it has taken it, else a promise that settles when it has.
   */
  readonly whenTaken?: () => Promise<void> | undefined;
  /**
   * Takes events as soon as they are known, with an event for each change of state; batches then have no events.
   * Without it events come with the next batch, and several changes of a socket since the last batch are one event.
   */
  readonly onEvents?: (events: readonly SingleEvent[]) => void;
  /** Records the current activity, for another thread to read. */
  readonly progress?: Progress;
  /** Takes an error that made the poll fail. The sampler has stopped by then. */
  readonly onError: (error: unknown) => void;
}

/**
 * Maximum time from a poll that had no time for all owners to the next one, milliseconds. With an interval of minutes
 * some programs would otherwise be missing for minutes.
 */
const OWNERS_MS = 1000;

/** Returns true if the last poll had no time to find the owner of some socket. */
function hasUnreadOwner(sockets: ReadonlyMap<string, Socket> | undefined): boolean {
  for (const { owners } of sockets?.values() ?? []) if (owners[0]?.knowledge === 'pending') return true;
  return false;
}

/**
 * Maximum time of a drain, milliseconds. Polls and batches must go on even if kernel events come faster than they are
 * drained: the kernel counts those that it has no room for.
 */
const MAX_DRAIN_MS = 1000;

/** Maximum time of the drain at the end, milliseconds: `watch` has 10 s to print all that has happened. */
const LAST_DRAIN_MS = 5000;

/** Polls a source at an interval and sends batches of what changed since the last one. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #maxWaiting: number;
  readonly #pacer: Pacer;
  readonly #merger: Merger;
  readonly #progress: Progress;
  #previous: ReadonlyMap<string, Socket> | undefined;
  #cancelTimer: (() => void) | undefined;
  /** Undefined if no drain is scheduled. */
  #cancelDrain: (() => void) | undefined;
  #isWaiting = false;
  readonly #gathering = new Gathering();
  #isBusy = false;
  #isStopped = false;
  #lastStartMs = 0;
  /** CPU time at the start of the poll, milliseconds. */
  #startCpuMs = 0;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING_EVENTS;
    this.#progress = options.progress ?? new Progress();
    this.#pacer = new Pacer(options.intervalMs, options.maxShare ?? DEFAULT_MAX_SHARE);
    this.#merger = new Merger({
      emitsEveryChange: options.onEvents !== undefined,
      hasEventSource: options.source.events !== undefined,
      hasRemnants: options.omitsRemnants !== true,
      maxGone: 2 * this.#maxWaiting,
      maxShortLives: options.onEvents ? undefined : options.maxShortLives,
    });
  }

  /** The kernel objects that remain if the thread ends without `stop`; undefined if none do. */
  get leftovers(): Leftovers | undefined {
    return this.#options.source.leftovers;
  }

  /** True if polls run other programs. */
  get runsPrograms(): boolean {
    return this.#options.source.runsPrograms ?? false;
  }

  /** Polls at once and then at every interval, until `stop`. */
  start(): void {
    void this.#poll();
    this.#awaitEvents();
  }

  /**
   * Stops polling and closes the source. No further batch or part is sent; `onEvents` gets all events until now.
   */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#cancelDrain?.();
    this.#drain();
    this.#merger.closeAllMissing();
    this.#sendEvents();
    this.#options.source.close?.();
  }

  /** Closes sockets of other programs, see `Source.closeSockets`. Never throws. */
  closeSockets(sockets: readonly SocketToClose[]): CloseResult {
    const { source } = this.#options;
    const why = `the source ${source.name} cannot close sockets`;
    return source.closeSockets?.(sockets) ?? closeResult(sockets.map(() => why));
  }

  /** See `Source`. */
  readonly releaseMemory = () => this.#options.source.releaseMemory?.();

  /** @param intervalMs milliseconds from the start of one poll to the start of the next */
  setInterval(intervalMs: number): void {
    this.#pacer.request(intervalMs);
    if (!this.#isBusy && !this.#isStopped) this.#schedule();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    const { clock } = this.#options;
    // After a poll that took longer than the interval, one poll follows at once, never two.
    let { intervalMs } = this.#pacer;
    if (intervalMs > OWNERS_MS && hasUnreadOwner(this.#previous)) intervalMs = this.#pacer.atMost(OWNERS_MS);
    const delayMs = Math.max(0, this.#lastStartMs + intervalMs - clock.monotonicMs());
    this.#cancelTimer = clock.after(delayMs, () => void this.#poll());
  }

  /** Waits for kernel events, or schedules the next drain if they cannot be waited for. */
  #awaitEvents(): void {
    const { events } = this.#options.source;
    if (!events || this.#isStopped) return;
    if (!events.wait || events.isPending || this.#merger.isPending) this.#scheduleDrain();
    if (!events.wait || this.#isWaiting) return;
    this.#isWaiting = true;
    events.wait(() => {
      this.#isWaiting = false;
      if (this.#isStopped) return;
      // Soon after the last drain there may be many: they are drained together.
      if (this.#gathering.hasTime(this.#options.clock.monotonicMs())) this.#scheduleDrain();
      else this.#drainBetweenPolls();
    });
  }

  #scheduleDrain(): void {
    this.#cancelDrain ??= this.#options.clock.after(this.#gathering.ms, () => {
      this.#cancelDrain = undefined;
      this.#drainBetweenPolls();
    });
  }

  #drainBetweenPolls(): void {
    if (!this.#isBusy || this.#merger.waiting < this.#maxWaiting) this.#drain();
    // The kernel keeps the events until there is room for them.
    else this.#gathering.noteNoDrain(this.#options.clock.monotonicMs());
    this.#sendEvents();
    this.#awaitEvents();
  }

  #cpuMs(): number {
    const { clock } = this.#options;
    return clock.cpuMs?.() ?? clock.monotonicMs();
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }

  /**
   * Applies all kernel events until now, up to a maximum number and time. The last drain reports a gap if it leaves some.
   * Sends the events of each part before it drains the next one.
   */
  #drain(): void {
    const {
      clock,
      source: { events },
    } = this.#options;
    if (!events) return;
    this.#progress.begin('events');
    const wasStopped = this.#isStopped;
    const deadlineMs = clock.monotonicMs() + (wasStopped ? LAST_DRAIN_MS : MAX_DRAIN_MS);
    // No other drain follows the last one: it has no maximum but the time.
    const max = wasStopped ? Infinity : this.#maxWaiting;
    let count = 0;
    const hasTime = () => count < max && clock.monotonicMs() < deadlineMs;
    for (let isNextPart = false; !isNextPart || hasTime(); isNextPart = true) {
      const kernelEvents = events.drain(isNextPart);
      count += Math.max(1, kernelEvents.length);
      this.#merger.applyKernelEvents(kernelEvents, this.#now(), events.hasMore);
      this.#sendEvents();
      // `onEvents` may stop the sampler, which drains the rest.
      if (!events.hasMore || this.#isStopped !== wasStopped) break;
    }
    if (wasStopped && events.hasMore) this.#noteLoss();
    this.#gathering.noteDrain(events, count, clock.monotonicMs());
    this.#progress.begin(this.#isBusy ? 'deliver' : 'rest');
  }

  /** Sends a gap for the kernel events that the last drain left. */
  #noteLoss(): void {
    const now = this.#now();
    this.#merger.applyKernelEvents([{ type: 'gap', atMs: now.monotonicMs, learntBy: 'destroy' }], now);
    this.#sendEvents();
  }

  #sendEvents(): void {
    const { onEvents } = this.#options;
    const events = onEvents ? this.#merger.takeEvents() : [];
    if (events.length > 0) onEvents?.(events);
  }

  async #poll(): Promise<void> {
    this.#isBusy = true;
    const taking = this.#options.whenTaken?.();
    if (taking) await taking;
    if (!this.#isStopped) await this.#pollNow();
  }

  async #pollNow(): Promise<void> {
    const { source, onError } = this.#options;
    // Kernel events from before the poll are applied first: anything new in the snapshot happened after them.
    this.#drain();
    const start = this.#now();
    this.#lastStartMs = start.monotonicMs;
    this.#startCpuMs = this.#cpuMs();
    try {
      this.#progress.begin('poll');
      const omitsNewRemnants = this.#merger.omitsNewRemnants(start.monotonicMs);
      const snapshot = await source.read({ omitsNewRemnants });
      if (this.#isStopped) return;
      this.#progress.begin('compare');
      const batch = this.#batchOf(snapshot, start);
      this.#progress.begin('deliver');
      await this.#send(batch);
      this.#progress.countPoll(batch.pacedIntervalMs);
    } catch (error) {
      // A poll that fails because `stop` closed the source is not an error.
      if (!this.#isStopped) {
        this.stop();
        onError(error);
      }
    }
    this.#isBusy = false;
    if (this.#isStopped) return;
    this.#schedule();
    this.#awaitEvents();
  }

  async #send(batch: Batch): Promise<void> {
    for (const part of splitBatch(batch)) {
      if (this.#isStopped) return;
      await this.#options.onBatch(part);
    }
  }

  #batchOf(snapshot: Snapshot, start: Moment): Batch {
    const { sockets, ended, interfaces, degradations, socketsMs, ownersMs } = snapshot;
    const { clock, source } = this.#options;
    const diffStartMs = clock.monotonicMs();
    const baseline = this.#previous === undefined;
    const difference = diff(this.#previous ?? new Map<string, Socket>(), sockets);
    this.#previous = sockets;
    this.#merger.applyPoll(difference, sockets, start, diffStartMs, ended);
    const endMs = clock.monotonicMs();
    const endCpuMs = this.#cpuMs();
    // Kernel events cost the same at any interval, so the pacer does not count them.
    this.#drain();
    this.#sendEvents();
    const merged = this.#merger.take();
    // The first poll finds everything new and runs code that is not compiled yet: its cost says nothing about the next.
    if (!baseline) this.#pacer.addCost(endCpuMs - this.#startCpuMs, endMs - start.monotonicMs);
    const { realMs, notice } = this.#pacer;
    return {
      ...merged,
      baseline,
      partial: false,
      host: LOCAL_HOST,
      source: source.name,
      // Start of the poll: rates are computed from its counters, not from kernel events after it.
      takenAtMs: start.wallMs,
      monotonicMs: start.monotonicMs,
      pacedIntervalMs: realMs,
      interfaces,
      degradations: [...degradations, ...(notice ? [notice] : [])],
      coverage: source.events?.coverage ?? { level: 'polls', why: `${source.name} only polls` },
      cost: { socketsMs, ownersMs, diffMs: endMs - diffStartMs },
    };
  }
}
