import type { Batch, Difference, Snapshot } from '../model/batch.ts';
import type { Socket } from '../model/socket.ts';
import type { Source } from '../source/types.ts';
import { diff } from './diff.ts';

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
  readonly intervalMs: number;
  /** Takes a batch. The next reading waits until the returned promise settles: a slow taker is never flooded. */
  readonly onBatch: (batch: Batch) => Promise<void> | void;
  /** Takes an error of the source that left nothing to show. The sampler has stopped by then. */
  readonly onError: (error: unknown) => void;
}

/** Polls a source at an interval and tells what happened in between. */
export class Sampler {
  readonly #options: SamplerOptions;
  #intervalMs: number;
  #previous: ReadonlyMap<string, Socket> | undefined;
  #cancelTimer: (() => void) | undefined;
  #busy = false;
  #stopped = false;
  #lastStartMs = 0;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs;
  }

  /** Reads at once and then at every interval, until `stop`. */
  start(): void {
    void this.#tick();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer?.();
  }

  /** @param intervalMs milliseconds from the start of one reading to the start of the next */
  setInterval(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    if (!this.#busy && !this.#stopped) this.#schedule();
  }

  #schedule(): void {
    this.#cancelTimer?.();
    const { clock } = this.#options;
    // A reading that took longer than the interval is followed at once, never by two.
    const delayMs = Math.max(0, this.#lastStartMs + this.#intervalMs - clock.monotonicMs());
    this.#cancelTimer = clock.after(delayMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    const { source, clock, onBatch, onError } = this.#options;
    this.#busy = true;
    this.#lastStartMs = clock.monotonicMs();
    try {
      const snapshot = await source.read();
      if (this.#stopped) return;
      await onBatch(this.#batchOf(snapshot));
    } catch (error) {
      this.#stopped = true;
      onError(error);
    }
    this.#busy = false;
    if (!this.#stopped) this.#schedule();
  }

  #batchOf({ sockets, interfaces, degradations, sampleMs, ownersMs }: Snapshot): Batch {
    const { clock, source } = this.#options;
    const startMs = clock.monotonicMs();
    const baseline = this.#previous === undefined;
    const difference: Difference = diff(this.#previous ?? new Map(), sockets);
    this.#previous = sockets;
    const monotonicMs = clock.monotonicMs();
    return {
      ...difference,
      baseline,
      partial: false,
      source: source.name,
      takenAtMs: clock.wallMs(),
      monotonicMs,
      intervalMs: this.#intervalMs,
      pacedIntervalMs: this.#intervalMs,
      interfaces,
      degradations,
      cost: { sampleMs, ownersMs, diffMs: monotonicMs - startMs },
    };
  }
}
