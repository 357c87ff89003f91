import type { Batch } from '../model/batch.ts';

/**
 * Maximum number of sockets, ids and events in one part. A part is copied between threads and then shown: 500 take some
 * ten milliseconds while V8 still has to compile the code, and keys are read between two parts.
 */
export const PART_SIZE = 500;

/**
 * Splits a batch into parts to be taken one after the other: spawned sockets first, then changed ones, closed ids and
 * events. All parts but the last are `partial`. A batch that fits into one part is returned as it is.
 * @param size maximum number of sockets, ids and events in a part, at least 1
 */
export function splitBatch(batch: Batch, size: number = PART_SIZE): readonly Batch[] {
  const { spawned, changed, closed, events } = batch;
  const total = spawned.length + changed.length + closed.length + events.length;
  if (total <= size) return [batch];
  const parts: Batch[] = [];
  for (let start = 0; start < total; start += size) {
    // The four lists count as one long list; this is what a list has between `start` and `start + size` of it.
    const share = <T>(list: readonly T[], offset: number): readonly T[] =>
      list.slice(Math.max(0, start - offset), Math.max(0, start + size - offset));
    parts.push({
      ...batch,
      spawned: share(spawned, 0),
      changed: share(changed, spawned.length),
      closed: share(closed, spawned.length + changed.length),
      events: share(events, total - events.length),
      partial: batch.partial || start + size < total,
    });
  }
  return parts;
}
