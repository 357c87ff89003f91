import type { Sort } from '../../store/columns.ts';
import type { Entry } from './entry.ts';
import type { RowFollower } from './follower.ts';
import type { ShownRows } from './shown.ts';

/** Entries to take out of the order, with the keys they had there, and entries to insert. */
interface Moves {
  readonly removed: Entry[];
  readonly added: Entry[];
}

/** Number of changed rows that are always moved one by one, however few rows there are. */
const FEW = 16;

/** Updates the entries of touched rows. Returns the moves that they need. */
export function updateTouched(shown: ShownRows, follower: RowFollower, touched: ReadonlySet<string>): Moves {
  const [removed, added]: [Entry[], Entry[]] = [[], []];
  for (const id of touched) {
    const row = follower.rowOf(id);
    let entry = shown.entries.get(id);
    const wasShown = entry?.shown ?? false;
    if (row && entry && shown.keepsPlace(entry, row)) {
      shown.setRow(entry, row);
      if (wasShown && !entry.shown) removed.push(entry);
      if (wasShown || !entry.shown) continue;
    } else {
      if (entry) {
        if (wasShown) removed.push(entry);
        shown.hide(entry);
        if (!row) shown.entries.remove(entry);
      }
      if (!row) continue;
      entry = shown.entries.add(row, entry);
      if (!shown.show(entry)) continue;
    }
    shown.setKey(entry);
    added.push(entry);
  }
  return { removed, added };
}

/**
 * Evaluates the filter again for all entries.
 * @param moves the moves that touched rows need
 * @param isNarrowed no hidden entry can be shown
 * @returns these moves together with those that the filter needs
 */
export function evaluateAll(shown: ShownRows, { removed, added }: Moves, isNarrowed: boolean): Moves {
  const { entries, filter, arrangement } = shown;
  const [removedBefore, addedBefore] = [new Set(removed), new Set(added)];
  // Many entries are read by arrival, which is about their order in memory: twice as fast as by position.
  const isFew = isNarrowed && filter.shown < entries.size / 2;
  for (const entry of isFew ? arrangement.entries() : entries.values()) {
    const wasShown = entry.shown;
    if (isNarrowed && !wasShown) continue;
    const isShown = filter.evaluate(entry);
    if (isShown === wasShown) continue;
    if (isShown) {
      arrangement.add(entry);
      shown.setKey(entry);
    } else arrangement.remove(entry);
    // A regex that just became too slow may answer differently than it did in `updateTouched`.
    if (isShown && !removedBefore.has(entry)) added.push(entry);
    if (!isShown && !addedBefore.has(entry)) removed.push(entry);
  }
  // Hidden sockets in TIME_WAIT are counted, though not shown.
  if (isNarrowed) for (const entry of filter.timeWait.entries) if (!entry.shown) filter.evaluate(entry);
  return { removed: removed.filter((it) => !it.shown), added: added.filter((it) => it.shown) };
}

/** Shows or hides the sockets in TIME_WAIT after they were folded or unfolded. Returns the moves that they need. */
export function evaluateTimeWait(shown: ShownRows): Moves {
  const { filter, arrangement } = shown;
  const [removed, added]: [Entry[], Entry[]] = [[], []];
  for (const entry of filter.timeWait.entries) {
    const wasShown = entry.shown;
    const isShown = filter.evaluate(entry);
    if (isShown === wasShown) continue;
    if (isShown) {
      arrangement.add(entry);
      shown.setKey(entry);
      added.push(entry);
    } else {
      arrangement.remove(entry);
      removed.push(entry);
    }
  }
  return { removed, added };
}

/** Queues the moves; if there are many, sorts all shown entries instead, unless the order is frozen. */
export function queueMoves(shown: ShownRows, { removed, added }: Moves, sort: Sort, isFrozen = false): void {
  const { filter, arrangement } = shown;
  const moved = removed.length + added.length;
  if (isFrozen || moved <= Math.max(FEW, filter.shown / 4)) {
    for (const entry of removed) arrangement.hide(entry);
    for (const entry of added) arrangement.show(entry);
  } else if (added.length > 0) shown.sort(sort);
  else
    arrangement.replace(
      arrangement.entries().filter((it) => it.shown),
      sort,
    );
}
