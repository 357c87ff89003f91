import type { Batch, Snapshot } from '../model/batch.ts';
import type { Socket } from '../model/socket.ts';
import type { Source } from '../source/types.ts';
import { diff } from './diff.ts';
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
   * Takes a batch, or a part of one. The next part, and the next reading, wait until the returned promise settles: a
   * slow taker is never flooded.
   */
  readonly onBatch: (batch: Batch) => Promise<void> | void;
  /** Takes an error of the source that left nothing to show. The sampler has stopped by then. */
  readonly onError: (error: unknown) => void;
}

/** The start of a reading, on both clocks. */
interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** Polls a source at an interval and tells what happened in between. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #pacer: Pacer;
  #previous: ReadonlyMap<string, Socket> | undefined;
  #cancelTimer: (() => void) | undefined;
  #busy = false;
  #stopped = false;
  #lastStartMs = 0;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#pacer = new Pacer(options.intervalMs, options.maxShare ?? DEFAULT_MAX_SHARE);
  }

  /** Reads at once and then at every interval, until `stop`. */
  start(): void {
    void this.#tick();
  }

  /** Ends it: nothing is read or told any more, not even the rest of a batch in parts. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
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

  async #tick(): Promise<void> {
    const { source, clock, onError } = this.#options;
    this.#busy = true;
    const start: Moment = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    this.#lastStartMs = start.monotonicMs;
    try {
      const snapshot = await source.read();
      if (this.#stopped) return;
      await this.#tell(this.#batchOf(snapshot, start));
    } catch (error) {
      this.#stopped = true;
      onError(error);
    }
    this.#busy = false;
    if (!this.#stopped) this.#schedule();
  }

  async #tell(batch: Batch): Promise<void> {
    for (const part of partsOf(batch)) {
      await this.#options.onBatch(part);
      if (this.#stopped) return;
    }
  }

  #batchOf({ sockets, interfaces, degradations, sampleMs, ownersMs }: Snapshot, start: Moment): Batch {
    const { clock, source } = this.#options;
    const diffStartMs = clock.monotonicMs();
    const baseline = this.#previous === undefined;
    const difference = diff(this.#previous ?? new Map<string, Socket>(), sockets);
    this.#previous = sockets;
    const endMs = clock.monotonicMs();
    // The first look finds everything new, and runs code that is not compiled yet: it says nothing about the next.
    if (!baseline) this.#pacer.note(endMs - start.monotonicMs);
    const { askedMs, intervalMs, notice } = this.#pacer;
    return {
      ...difference,
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
      cost: { sampleMs, ownersMs, diffMs: endMs - diffStartMs },
    };
  }
}
