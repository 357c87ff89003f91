import type { Batch } from '../model/batch.ts';
import type { Event } from '../model/event.ts';

/**
 * A batch of this many sockets, ids, events and connections that were only counted, or more, begins a storm or prolongs it.
 */
const LARGE_BATCH = 2000;

/**
 * Minimum time from the last large batch of a storm until it is calm, milliseconds. By then its closed rows are gone: they
 * linger for three seconds by default. With a long interval the next batch comes later anyway. Smaller batches do not
 * prolong a storm: for a minute after it, its TIME_WAIT sockets may expire, hundreds per second.
 */
const CALM_MS = 6000;

/** Minimum number of sockets, ids, events and counted connections since the last calm for a calm without a storm. */
const MIN_GARBAGE = 20_000;

/** Returns the number of connections that were only counted. */
function countedIn(events: readonly Event[]): number {
  let count = 0;
  for (const event of events) if (event.type === 'sum') count += event.count;
  return count;
}

/**
 * Detects in the batches when a storm of connections begins, and when it is calm again. Calm also follows a large
 * baseline, or many small batches. V8 collects garbage only while objects are made, so the garbage of a storm would
 * stay until the next one.
 */
export class StormDetector {
  #isStorm = false;
  /** Number of sockets, ids, events and counted connections in the current batch so far. */
  #inBatch = 0;
  /** Number of them since the last calm. */
  #sinceCalm = 0;
  /** Time of the last large batch, on the batches' clock. */
  #lastLargeMs = -Infinity;

  /** Counts events that no batch contains, because the sampler passed them to `onEvents`, as part of the next batch. */
  noteEvents(count: number): void {
    this.#inBatch += count;
    this.#sinceCalm += count;
  }

  /** Takes a batch, or a part of one. Returns the phase that begins with it, or undefined. */
  note(batch: Batch): 'storm' | 'calm' | undefined {
    const { partial, baseline, monotonicMs, spawned, changed, closed, events } = batch;
    this.noteEvents(spawned.length + changed.length + closed.length + events.length + countedIn(events));
    const isLarge = this.#inBatch >= LARGE_BATCH;
    if (!partial) this.#inBatch = 0;
    if (isLarge) {
      this.#lastLargeMs = monotonicMs;
      if (this.#isStorm || baseline) return undefined;
      this.#isStorm = true;
      return 'storm';
    }
    const isCalm = !partial && monotonicMs - this.#lastLargeMs >= CALM_MS;
    if (!isCalm || (!this.#isStorm && this.#sinceCalm < MIN_GARBAGE)) return undefined;
    this.#isStorm = false;
    this.#sinceCalm = 0;
    return 'calm';
  }
}
