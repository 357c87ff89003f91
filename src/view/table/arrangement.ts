import type { Sort } from '../../store/columns.ts';
import type { Lookups } from '../../store/lookups.ts';
import type { Folds, GroupBy } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import type { RateHistory } from '../../store/rate-history.ts';
import type { Compare, Entry, Group } from './entry.ts';
import type { Item } from './item.ts';

/**
 * The shown entries in order, as the lines of the table: flat, or in groups. Entries are counted at once (`add`,
 * `remove`), and move together at the end of an update (`show`, `hide`, then `applyMoves`; or `sort` or `replace`).
 */
export interface Arrangement {
  /** Null if rows are not grouped. */
  readonly by: GroupBy | null;
  /** Returns true if rows are grouped this way, with what these lookups know. */
  isBy(by: GroupBy | null, lookups: Lookups): boolean;
  /** Increases whenever lines may have moved. */
  readonly version: number;
  /** Number of lines: headers, and the rows of unfolded groups. */
  readonly length: number;
  slice(start: number, end: number): Item[];
  /** Returns the entries in order, including those of folded groups. */
  entries(): Entry[];
  /** Returns the line of a shown entry; -1 if its group is folded. */
  indexOfEntry(entry: Entry): number;
  /** Returns the line of a header; -1 if no group has this id. */
  indexOfId(id: string): number;

  /** Returns true if the row belongs to the group of its entry. */
  isIn(entry: Entry, row: Row): boolean;
  /** Counts a shown entry in the group of its row. */
  add(entry: Entry): void;
  /** Takes a shown entry, not yet changed, out of the count of its group. */
  remove(entry: Entry): void;

  /** Queues an entry to be inserted by the next `applyMoves`. */
  show(entry: Entry): void;
  /** Queues an entry, which still has its shown key and group, to be taken out by the next `applyMoves`. */
  hide(entry: Entry): void;
  /**
   * Applies the queued moves.
   * @param compare the order of the rows; undefined while the order is frozen: new rows then come last
   */
  applyMoves(sort: Sort, compare?: Compare<Entry>): void;
  /** Replaces the content by these entries, which are not sorted yet. */
  sort(entries: readonly Entry[], sort: Sort): void;
  /** Replaces the content by these entries, in order. */
  replace(entries: Entry[], sort: Sort): void;
  /** Returns the rates of a group in the last ticks; undefined without traffic. */
  historyOf(group: Group): RateHistory | undefined;
  /**
   * Ends an update.
   * @param tick number of the last tick
   * @param isRefiltered the filter changed
   */
  endUpdate(tick: number, isRefiltered: boolean): void;
  /** Applies a new set of folds. */
  fold(folds: Folds): void;
}
