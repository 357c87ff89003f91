import type { Batch } from '../model/batch.ts';

/**
 * Maximum number of sockets, ids and events in one part. To copy 500 between threads and to show them takes some ten
 * milliseconds while V8 still has to compile the code. Keys are read between two parts.
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
    // A part is the range from `start` to `start + size` of the four lists joined; a list begins at `offset` there.
    const inPart = <T>(list: readonly T[], offset: number): readonly T[] =>
      list.slice(Math.max(0, start - offset), Math.max(0, start + size - offset));
    parts.push({
      ...batch,
      spawned: inPart(spawned, 0),
      changed: inPart(changed, spawned.length),
      closed: inPart(closed, spawned.length + changed.length),
      events: inPart(events, total - events.length),
      partial: batch.partial || start + size < total,
    });
  }
  return parts;
}
