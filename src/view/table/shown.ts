import { NO_LOOKUPS } from '../../store/lookups.ts';
import type { Row } from '../../store/row.ts';
import type { Sort } from '../../store/columns.ts';
import type { State } from '../../store/state.ts';
import type { Arrangement } from './arrangement.ts';
import type { Entry } from './entry.ts';
import { EntryIndex } from './entry-index.ts';
import { RowFilter } from './filter.ts';
import { FlatRows } from './flat.ts';
import { Groups } from './groups.ts';
import { type SortKeys, sortKeysOf } from './sort-keys.ts';
import { staysInPlace } from './sorted.ts';

/** The entries of all rows, the filter that decides which are shown, and the arrangement of the shown ones. */
export class ShownRows {
  readonly entries = new EntryIndex();
  readonly filter = new RowFilter(this.entries);
  #arrangement: Arrangement = new FlatRows();
  #keys: SortKeys = sortKeysOf('process', NO_LOOKUPS, this.entries.pool);
  /** Reused array of the entries to sort: a new array each time would be garbage to collect. */
  readonly #unsorted: Entry[] = [];

  get arrangement(): Arrangement {
    return this.#arrangement;
  }

  /** Prepares the arrangement to get all entries; the caller then calls `showAll`. */
  regroup({ group, folds, lookups }: Pick<State, 'group' | 'folds' | 'lookups'>): void {
    if (group !== null) this.#arrangement = new Groups(group, folds, this.entries.pool, lookups);
    else if (this.#arrangement.by !== null) this.#arrangement = new FlatRows();
  }

  /** Takes over the sort column and the lookups. Returns true if the keys of the shown entries are now out of date. */
  updateKeys({ sort: { column }, lookups }: State): boolean {
    if (this.#keys.areFor(column, lookups)) return false;
    this.#keys = sortKeysOf(column, lookups, this.entries.pool);
    return true;
  }

  /** Makes the sort key of an entry. */
  setKey(entry: Entry): void {
    entry.key = this.#keys.ofEntry(entry);
  }

  /** Shows an entry if it passes the filter. */
  show(entry: Entry): boolean {
    const isShown = this.filter.evaluate(entry);
    if (isShown) this.#arrangement.add(entry);
    return isShown;
  }

  /** Hides an entry; call it before the entry changes. */
  hide(entry: Entry): void {
    if (entry.shown) this.#arrangement.remove(entry);
    this.filter.retract(entry);
  }

  /** Gives an entry the new version of its row, and shows or hides it by the filter. */
  setRow(entry: Entry, row: Row): void {
    this.hide(entry);
    this.entries.setRow(entry, row);
    this.show(entry);
  }

  /** Returns true if the new version of a row keeps the position of its entry; hidden entries have none. */
  keepsPlace(entry: Entry, row: Row): boolean {
    if (!entry.shown) return true;
    return staysInPlace(entry, row, this.#keys.ofRow(row)) && this.#arrangement.isIn(entry, row);
  }

  /** Shows the entries that pass the filter, none of which is in the arrangement yet, and sorts them. */
  showAll(sort: Sort): void {
    const unsorted = this.#unsorted;
    let count = 0;
    for (const entry of this.entries.values()) {
      entry.group = undefined;
      if (!this.show(entry)) continue;
      this.setKey(entry);
      unsorted[count++] = entry;
    }
    unsorted.length = count;
    this.#arrangement.sort(unsorted, sort);
  }

  /** Sorts all shown entries. */
  sort(sort: Sort): void {
    const unsorted = this.#unsorted;
    let count = 0;
    for (const entry of this.entries.values()) if (entry.shown) unsorted[count++] = entry;
    unsorted.length = count;
    this.#arrangement.sort(unsorted, sort);
  }
}
