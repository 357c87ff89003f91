import type { RowFollower } from './follower.ts';
import type { ShownRows } from './shown.ts';

/** Updates a frozen order: every row keeps its position, new rows come last. Queues the moves. */
export function updateInPlace(shown: ShownRows, follower: RowFollower, touched: ReadonlySet<string>): void {
  const { entries, arrangement } = shown;
  for (const id of touched) {
    const row = follower.rowOf(id);
    const before = entries.get(id);
    const wasShown = before?.shown ?? false;
    if (!row) {
      if (!before) continue;
      if (wasShown) arrangement.hide(before);
      shown.hide(before);
      entries.remove(before);
      continue;
    }
    const entry = before ?? entries.add(row, undefined);
    // A row that changed its group counts as new in the other group.
    const stays = !wasShown || arrangement.isIn(entry, row);
    if (!stays) arrangement.hide(entry);
    shown.setRow(entry, row);
    if (wasShown && stays && !entry.shown) arrangement.hide(entry);
    else if (entry.shown && !(wasShown && stays)) arrangement.show(entry);
  }
}
