import type { Batch, Snapshot } from '../model/batch.ts';
import { MAX_WAITING_EVENTS } from '../model/bounds.ts';
import { Progress } from '../model/progress.ts';
import type { Event } from '../model/event.ts';
import type { Socket } from '../model/socket.ts';
import type { Leftovers, Source } from '../source/types.ts';
import { diff } from './diff.ts';
import { Merger, type Moment } from './merge.ts';
import { DEFAULT_MAX_SHARE, Pacer } from './pacer.ts';
import { partsOf } from './parts.ts';

/** Where the sampler has its time from. */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970; may jump. */
  wallMs(): number;
  /** Milliseconds on a clock that never jumps or runs backwards. */
  monotonicMs(): number;
  /** Runs `action` once after `delayMs`; returns the call that cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

export interface SamplerOptions {
  readonly source: Source;
  readonly clock: Clock;
  /** The interval that is asked for, milliseconds; a longer one is kept while looking would cost too much. */
  readonly intervalMs: number;
  /** The most of the time that looking may take, above 0, to 1; 0.2 unless said. */
  readonly maxShare?: number;
  /**
   * Maximum number of events held while no batch is taken (a terminal that stands still). The kernel drops further ones
   * and counts them.
   */
  readonly mostWaiting?: number | undefined;
  /**
   * Takes a batch, or a part of one. The next part, and the next reading, wait until the returned promise settles: a
   * slow taker is never flooded.
   */
  readonly onBatch: (batch: Batch) => Promise<void> | void;
  /**
   * Takes events as soon as they are known, each change of state among them; the batches then have none. Without it
   * they come with the next batch, and of a socket that changes several times in between only what came of it.
   */
  readonly onEvents?: (events: readonly Event[]) => void;
  /** Notes what is being done, for another thread to see. */
  readonly progress?: Progress;
  /** Takes an error of the source that left nothing to show. The sampler has stopped by then. */
  readonly onError: (error: unknown) => void;
}

/**
 * What the system has to tell is taken in so often, milliseconds: the buffers of an ordinary user hold what happens in
 * some 150 ms of a thousand connections a second.
 */
const DRAIN_MS = 50;

/** Polls a source at an interval and tells what happened in between. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #mostWaiting: number;
  readonly #pacer: Pacer;
  readonly #merger: Merger;
  readonly #progress: Progress;
  #previous: ReadonlyMap<string, Socket> | undefined;
  #cancelTimer: (() => void) | undefined;
  #cancelDrain: (() => void) | undefined;
  #busy = false;
  #stopped = false;
  #lastStartMs = 0;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#mostWaiting = options.mostWaiting ?? MAX_WAITING_EVENTS;
    this.#progress = options.progress ?? new Progress();
    this.#pacer = new Pacer(options.intervalMs, options.maxShare ?? DEFAULT_MAX_SHARE);
    this.#merger = new Merger({
      tellsAll: options.onEvents !== undefined,
      hasEvents: options.source.events !== undefined,
      mostGone: 2 * this.#mostWaiting,
    });
  }

  /** What stays behind in the system where it is ended without `stop`. */
  get leftovers(): Leftovers | undefined {
    return this.#options.source.leftovers;
  }

  /** Reads at once and then at every interval, until `stop`. */
  start(): void {
    void this.#tick();
    if (this.#options.source.events) this.#scheduleDrain();
  }

  /**
   * Ends it: nothing is read any more, and no batch told, not even the rest of one in parts; `onEvents` is told all that
   * has happened until now. The source is let go.
   */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelTimer?.();
    this.#cancelDrain?.();
    this.#drain();
    this.#merger.giveUp();
    this.#tellEvents();
    this.#options.source.close?.();
  }

  /** @param intervalMs milliseconds from the start of one reading to the start of the next */
  setInterval(intervalMs: number): void {
    this.#pacer.ask(intervalMs);
    if (!this.#busy && !this.#stopped) this.#schedule();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    const { clock } = this.#options;
    // A reading that took longer than the interval is followed at once, never by two.
    const delayMs = Math.max(0, this.#lastStartMs + this.#pacer.intervalMs - clock.monotonicMs());
    this.#cancelTimer = clock.after(delayMs, () => void this.#tick());
  }

  #scheduleDrain(): void {
    this.#cancelDrain = this.#options.clock.after(DRAIN_MS, () => {
      if (!this.#busy || this.#merger.waiting < this.#mostWaiting) this.#drain();
      this.#tellEvents();
      // Whoever is told may have stopped it.
      if (!this.#stopped) this.#scheduleDrain();
    });
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }

  /** Learns what has happened until now. */
  #drain(): void {
    const { events } = this.#options.source;
    if (!events) return;
    this.#progress.begin('events');
    this.#merger.learn(events.drain(), this.#now());
    this.#progress.begin(this.#busy ? 'deliver' : 'rest');
  }

  #tellEvents(): void {
    const { onEvents } = this.#options;
    const events = onEvents ? this.#merger.takeEvents() : [];
    if (events.length > 0) onEvents?.(events);
  }

  async #tick(): Promise<void> {
    const { source, onError } = this.#options;
    this.#busy = true;
    // What happened before the reading is learnt before it: what it sees then came later.
    this.#drain();
    const start = this.#now();
    this.#lastStartMs = start.monotonicMs;
    try {
      this.#progress.begin('poll');
      const snapshot = await source.read();
      if (this.#stopped) return;
      this.#progress.begin('compare');
      const batch = this.#batchOf(snapshot, start);
      this.#progress.begin('deliver');
      await this.#tell(batch);
      this.#progress.countPoll(batch.pacedIntervalMs);
    } catch (error) {
      // A source that was let go while it was read has nothing to say.
      if (!this.#stopped) {
        this.stop();
        onError(error);
      }
    }
    this.#busy = false;
    if (!this.#stopped) this.#schedule();
  }

  async #tell(batch: Batch): Promise<void> {
    for (const part of partsOf(batch)) {
      if (this.#stopped) return;
      await this.#options.onBatch(part);
    }
  }

  #batchOf({ sockets, interfaces, degradations, sampleMs, ownersMs }: Snapshot, start: Moment): Batch {
    const { clock, source } = this.#options;
    const diffStartMs = clock.monotonicMs();
    const baseline = this.#previous === undefined;
    const difference = diff(this.#previous ?? new Map<string, Socket>(), sockets);
    this.#previous = sockets;
    this.#merger.poll(difference, sockets, start, diffStartMs);
    const endMs = clock.monotonicMs();
    // What happens meanwhile costs the same however seldom netpane looks.
    this.#drain();
    this.#tellEvents();
    const merged = this.#merger.take();
    // The first look finds everything new, and runs code that is not compiled yet: it says nothing about the next.
    if (!baseline) this.#pacer.note(endMs - start.monotonicMs);
    const { askedMs, intervalMs, notice } = this.#pacer;
    return {
      ...merged,
      baseline,
      partial: false,
      source: source.name,
      // Counters are of the reading, so what is computed from them takes its start, whatever came after it.
      takenAtMs: start.wallMs,
      monotonicMs: start.monotonicMs,
      intervalMs: askedMs,
      pacedIntervalMs: intervalMs,
      interfaces,
      degradations: notice ? [...degradations, notice] : degradations,
      coverage: source.events?.coverage ?? { level: 'polls', why: `${source.name} only looks` },
      cost: { sampleMs, ownersMs, diffMs: endMs - diffStartMs },
    };
  }
}
