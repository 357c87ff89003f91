import { NO_LOOKUPS } from '../../store/lookups.ts';
import type { Sort, State } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import type { Arrangement } from './arrangement.ts';
import type { Entry } from './entry.ts';
import { EntryIndex } from './entry-index.ts';
import { RowFilter } from './filter.ts';
import { FlatRows } from './flat.ts';
import { RowFollower } from './follower.ts';
import { Groups } from './groups.ts';
import type { Item } from './item.ts';
import { type SortKeys, sortKeysOf } from './sort-keys.ts';
import { comparator, reverseKeys, staysInPlace } from './sorted.ts';

/** Entries to take out of the order, with the keys they had there, and entries to insert. */
interface Moves {
  readonly removed: Entry[];
  readonly added: Entry[];
}

/** Number of changed rows that are always moved one by one, however few rows there are. */
const FEW = 16;

/**
 * The rows that are shown, filtered, sorted and grouped. A tick reads only the rows that changed, and moves those whose
 * sort position changed. A new query is evaluated for all rows, or only for the shown ones if it narrows the last one.
 * If many rows come or go, all shown rows are sorted again. Hidden rows have no position.
 *
 *     state ─▶ RowFollower: touched rows ─▶ RowFilter: shown or not ─▶ Arrangement: move few rows, or sort all
 */
export class RowOrder {
  readonly #entries = new EntryIndex();
  readonly #follower = new RowFollower(this.#entries);
  readonly #filter = new RowFilter(this.#entries.pool);
  #arrangement: Arrangement = new FlatRows();
  /** Of the last update; undefined before the first one. */
  #sort: Sort | undefined;
  #keys: SortKeys = sortKeysOf('process', NO_LOOKUPS, this.#entries.pool);
  /** Reused array of the entries to sort: a new array each time would be garbage to collect. */
  readonly #unsorted: Entry[] = [];
  /** True if rows or keys changed while the order was frozen. */
  #outOfOrder = false;
  #indexed: { readonly id: string; readonly index: number } | undefined;

  /** Number of lines of the table: rows and group headers. */
  get length(): number {
    return this.#arrangement.length;
  }

  /** Returns the lines from `start` up to `end`; all lines without arguments. */
  slice(start = 0, end = Infinity): Item[] {
    return this.#arrangement.slice(start, end);
  }

  /** Returns the shown rows in order, including those in folded groups. */
  rows(): Row[] {
    return this.#arrangement.entries().map(({ row }) => row);
  }

  /** Number of shown rows that are open. */
  get openCount(): number {
    return this.#filter.open;
  }

  /** Number of open rows that match the query and are hidden by a hide rule. */
  get hiddenCount(): number {
    return this.#filter.hidden;
  }

  /** See `RowFilter.tooSlow`. */
  get tooSlow(): string | undefined {
    return this.#filter.tooSlow;
  }

  at(index: number): Item | undefined {
    return index < 0 ? undefined : this.#arrangement.slice(index, index + 1)[0];
  }

  /** Returns the row at a position; undefined for a group header. */
  rowAt(index: number): Row | undefined {
    const item = this.at(index);
    return item?.type === 'row' ? item.row : undefined;
  }

  /** Returns the position of a row or group header; -1 if it is not shown. */
  indexOf(id: string | null): number {
    if (id === null) return -1;
    // Callers nearly always ask for the selected row, many times per tick.
    if (this.#indexed?.id !== id) this.#indexed = { id, index: this.#find(id) };
    return this.#indexed.index;
  }

  #find(id: string): number {
    const entry = this.#entries.get(id);
    return entry?.shown ? this.#arrangement.indexOfEntry(entry) : this.#arrangement.indexOfId(id);
  }

  /** Returns the id of the header of the row's group, folded or not; undefined without a group. */
  headerOf(id: string): string | undefined {
    const entry = this.#entries.get(id);
    return entry?.shown ? entry.group?.id : undefined;
  }

  /** Catches up with the state. */
  update(state: State): void {
    const { sort, group, folds, frozen, lookups } = state;
    const before = this.#sort;
    this.#sort = sort;
    this.#indexed = undefined;
    const touched = this.#follower.read(state);
    const change = this.#filter.update(state);
    const isRekeyed = !this.#keys.areFor(sort.column, lookups);
    if (isRekeyed) this.#keys = sortKeysOf(sort.column, lookups, this.#entries.pool);
    const isGroupingUnchanged = group === this.#arrangement.by;
    const isFrozen =
      frozen && sort === before && isGroupingUnchanged && (change === 'none' || change === 'time');
    if (isFrozen) {
      if (isRekeyed) this.#outOfOrder = true;
      this.#updateInPlace(change === 'time' ? new Set([...this.#entries.ids(), ...touched]) : touched);
    } else if (before === undefined || this.#outOfOrder || isRekeyed || !isGroupingUnchanged) {
      this.#rebuild(state, touched);
    } else {
      // Before any entry moves or changes its key.
      if (sort.descending !== before.descending)
        this.#arrangement.replace(reverseKeys(this.#arrangement.entries()), sort);
      const moves = this.#updateTouched(touched);
      const isNarrowed = change === 'narrower' && touched.size === 0;
      this.#applyMoves(change === 'none' ? moves : this.#evaluateAll(moves, isNarrowed), sort);
    }
    this.#arrangement.fold(folds);
    this.#arrangement.applyMoves(sort, isFrozen ? undefined : comparator(sort.descending));
  }

  /** Filters, sorts and groups all rows. */
  #rebuild({ group, folds, sort }: State, touched: ReadonlySet<string>): void {
    this.#outOfOrder = false;
    for (const id of touched) {
      const row = this.#follower.rowOf(id);
      const entry = this.#entries.get(id);
      if (row) this.#entries.add(row, entry);
      else if (entry) this.#entries.remove(entry);
    }
    if (group !== null) this.#arrangement = new Groups(group, folds, this.#entries.pool);
    else if (this.#arrangement.by !== null) this.#arrangement = new FlatRows();
    this.#filter.reset();
    for (const entry of this.#entries.values()) {
      entry.group = undefined;
      if (this.#show(entry)) entry.key = this.#keys.ofEntry(entry);
    }
    this.#sortAll(sort);
  }

  /** Shows an entry if it passes the filter. */
  #show(entry: Entry): boolean {
    const isShown = this.#filter.evaluate(entry);
    if (isShown) this.#arrangement.add(entry);
    return isShown;
  }

  /** Hides an entry; call it before the entry changes. */
  #hide(entry: Entry): void {
    if (entry.shown) this.#arrangement.remove(entry);
    this.#filter.retract(entry);
  }

  /** Gives an entry the new version of its row, and shows or hides it by the filter. */
  #setRow(entry: Entry, row: Row): void {
    this.#hide(entry);
    this.#entries.setRow(entry, row);
    this.#show(entry);
  }

  /** Updates the entries of touched rows. @returns the entries to take out of the order and to insert */
  #updateTouched(touched: ReadonlySet<string>): Moves {
    const [removed, added]: [Entry[], Entry[]] = [[], []];
    for (const id of touched) {
      const row = this.#follower.rowOf(id);
      let entry = this.#entries.get(id);
      const wasShown = entry?.shown ?? false;
      if (row && entry && this.#keepsPlace(entry, row)) {
        this.#setRow(entry, row);
        if (wasShown && !entry.shown) removed.push(entry);
        if (wasShown || !entry.shown) continue;
      } else {
        if (entry) {
          if (wasShown) removed.push(entry);
          this.#hide(entry);
          if (!row) this.#entries.remove(entry);
        }
        if (!row) continue;
        entry = this.#entries.add(row, entry);
        if (!this.#show(entry)) continue;
      }
      entry.key = this.#keys.ofEntry(entry);
      added.push(entry);
    }
    return { removed, added };
  }

  /** Returns true if the new version of a row keeps the position of its entry; hidden entries have none. */
  #keepsPlace(entry: Entry, row: Row): boolean {
    if (!entry.shown) return true;
    return staysInPlace(entry, row, this.#keys.ofRow(row)) && this.#arrangement.isIn(entry, row);
  }

  /**
   * Evaluates the filter again for all entries.
   * @param moves the moves that touched rows need
   * @param isNarrowed no hidden entry can be shown
   * @returns these moves together with those that the filter needs
   */
  #evaluateAll({ removed, added }: Moves, isNarrowed: boolean): Moves {
    const [removedBefore, addedBefore] = [new Set(removed), new Set(added)];
    // Many entries are read by arrival, which is about their order in memory: twice as fast as by position.
    const isFew = isNarrowed && this.#filter.shown < this.#entries.size / 2;
    for (const entry of isFew ? this.#arrangement.entries() : this.#entries.values()) {
      const wasShown = entry.shown;
      if (isNarrowed && !wasShown) continue;
      this.#filter.retract(entry);
      const isShown = this.#filter.evaluate(entry);
      if (isShown === wasShown) continue;
      if (isShown) {
        this.#arrangement.add(entry);
        entry.key = this.#keys.ofEntry(entry);
      } else this.#arrangement.remove(entry);
      // A regex that just became too slow may answer differently than it did in `updateTouched`.
      if (isShown && !removedBefore.has(entry)) added.push(entry);
      if (!isShown && !addedBefore.has(entry)) removed.push(entry);
    }
    return { removed: removed.filter(({ shown }) => !shown), added: added.filter(({ shown }) => shown) };
  }

  /** Queues the moves; if there are many, sorts all shown entries instead. */
  #applyMoves({ removed, added }: Moves, sort: Sort): void {
    const moved = removed.length + added.length;
    if (moved > Math.max(FEW, this.#filter.shown / 4)) {
      if (added.length > 0) this.#sortAll(sort);
      else
        this.#arrangement.replace(
          this.#arrangement.entries().filter(({ shown }) => shown),
          sort,
        );
      return;
    }
    for (const entry of removed) this.#arrangement.hide(entry);
    for (const entry of added) this.#arrangement.show(entry);
  }

  /** Sorts all shown entries. */
  #sortAll(sort: Sort): void {
    const unsorted = this.#unsorted;
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.shown) unsorted[count++] = entry;
    unsorted.length = count;
    this.#arrangement.sort(unsorted, sort);
  }

  /** Updates a frozen order: every row keeps its position, new rows come last. */
  #updateInPlace(touched: ReadonlySet<string>): void {
    if (touched.size > 0) this.#outOfOrder = true;
    for (const id of touched) {
      const row = this.#follower.rowOf(id);
      const before = this.#entries.get(id);
      const wasShown = before?.shown ?? false;
      if (!row) {
        if (!before) continue;
        if (wasShown) this.#arrangement.hide(before);
        this.#hide(before);
        this.#entries.remove(before);
        continue;
      }
      const entry = before ?? this.#entries.add(row, undefined);
      // A row that changed its group counts as new in the other group.
      const stays = !wasShown || this.#arrangement.isIn(entry, row);
      if (!stays) this.#arrangement.hide(entry);
      this.#setRow(entry, row);
      if (wasShown && stays && !entry.shown) this.#arrangement.hide(entry);
      else if (entry.shown && !(wasShown && stays)) this.#arrangement.show(entry);
    }
  }
}
