import type { Batch } from '../model/batch.ts';

/**
 * The most sockets, ids and events in one part. To be handed from thread to thread a part is copied, and then shown: so
 * many take some ten milliseconds while V8 has yet to compile it all, after which a key is heard.
 */
export const PART_SIZE = 500;

/**
 * A batch in parts that are taken one after the other: what spawned first, then what changed, then what closed, then
 * the events. Joined they are the batch; all but the last are `partial`. A batch that is small enough, or empty, is its own only part.
 * @param most sockets, ids and events in a part, at least 1
 */
export function partsOf(batch: Batch, most: number = PART_SIZE): readonly Batch[] {
  const { spawned, changed, closed, events } = batch;
  const total = spawned.length + changed.length + closed.length + events.length;
  if (total <= most) return [batch];
  const parts: Batch[] = [];
  for (let start = 0; start < total; start += most) {
    // The lists lie end to end; of each, what falls between `start` and `start + most`.
    const share = <T>(list: readonly T[], offset: number): readonly T[] =>
      list.slice(Math.max(0, start - offset), Math.max(0, start + most - offset));
    parts.push({
      ...batch,
      spawned: share(spawned, 0),
      changed: share(changed, spawned.length),
      closed: share(closed, spawned.length + changed.length),
      events: share(events, total - events.length),
      partial: batch.partial || start + most < total,
    });
  }
  return parts;
}
