import type { Batch } from '../model/batch.ts';

/** A batch of this many parts prolongs a storm; a batch of more parts begins one. */
const STORM_PARTS = 4;

/**
 * Minimum time from the last large batch of a storm until it is calm, milliseconds. With a long interval the next batch
 * comes later anyway. Smaller batches do not prolong a storm: for a minute after it, its TIME_WAIT sockets expire,
 * hundreds per second.
 */
const CALM_MS = 3000;

/** Minimum number of sockets, ids and events in batches that leave enough garbage to collect. */
const MIN_ITEMS = 20_000;

/**
 * Detects in the batches when a storm of connections begins, and when it is calm again. Calm also follows a large
 * baseline, or many small batches. V8 collects garbage only while objects are made, so the garbage of a storm would
 * stay until the next one.
 */
export class StormDetector {
  #parts = 0;
  /** Time of the last large batch, on the batches' clock. */
  #lastLargeMs = -Infinity;
  /** Number of sockets, ids and events since the last calm. */
  #items = 0;

  /** Takes a batch, or a part of one. Returns the phase that begins with it, or undefined. */
  note({
    partial,
    baseline,
    monotonicMs,
    spawned,
    changed,
    closed,
    events,
  }: Batch): 'storm' | 'calm' | undefined {
    this.#items += spawned.length + changed.length + closed.length + events.length;
    if (partial) {
      this.#parts++;
      if (this.#parts >= STORM_PARTS - 1) this.#lastLargeMs = monotonicMs;
      return this.#parts === STORM_PARTS && !baseline ? 'storm' : undefined;
    }
    this.#parts = 0;
    if (monotonicMs - this.#lastLargeMs < CALM_MS || this.#items < MIN_ITEMS) return undefined;
    this.#items = 0;
    return 'calm';
  }
}
