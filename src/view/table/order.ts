import { compileQuery } from '../../query/compile.ts';
import { narrows } from '../../query/narrows.ts';
import { EVERYTHING } from '../../query/query.ts';
import { TextPool } from '../../query/texts.ts';
import { dropSearchFields, hasSameSearchFields, takeSearchFields } from '../../query/search-fields.ts';
import { compileHideRules } from '../../store/hide-rules.ts';
import { pictureOf } from '../../store/picture.ts';
import type { Picture, Sort, State } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import { columnOf } from '../columns/columns.ts';
import type { Entry, SortKey } from './entry.ts';
import { Groups, type Item, rowItem } from './groups.ts';
import { addressesIn } from './query-context.ts';
import {
  comparator,
  entryOf,
  exchangeSorted,
  setRow,
  reverseKeys,
  sortInto,
  staysInPlace,
} from './sorted.ts';

/** Entries to take out of the order, with the keys they had there, and entries to insert. */
interface Moves {
  readonly removed: Entry[];
  readonly added: Entry[];
}

/** Number of changed rows that are always moved one by one, however few rows there are. */
const FEW = 16;

const columnKey = ({ column }: Sort): ((row: Row) => SortKey) => columnOf(column)?.key ?? (({ id }) => id);

/** The parts of the state that decide which rows are shown. */
type FilterInputs = Pick<State, 'query' | 'hideRules' | 'hosts' | 'baselineMs'>;

const isSameFilter = (a: FilterInputs, b: FilterInputs): boolean =>
  a.query === b.query && a.hideRules === b.hideRules && a.hosts === b.hosts && a.baselineMs === b.baselineMs;

const NO_FILTER: FilterInputs = { query: EVERYTHING, hideRules: [], hosts: new Map(), baselineMs: undefined };

const openOf = ({ open }: Entry): 0 | 1 => (open ? 1 : 0);

type KeyOf = (entry: Entry) => SortKey;

/** Returns the function that gives the sort key of an entry. Entries with the same text share one computed key. */
function keysOf(sort: Sort, pool: TextPool): KeyOf {
  const { keyFrom } = columnOf(sort.column) ?? {};
  const key = columnKey(sort);
  const keyOfRow = ({ row }: Entry): SortKey => key(row);
  if (keyFrom === undefined) return keyOfRow;
  const keyOfText = pool.memo(keyOfRow);
  return (entry) => keyOfText(entry[keyFrom], entry);
}

/**
 * The rows that are shown, filtered, sorted and grouped. A tick reads only the rows that changed, and moves those whose
 * sort position changed. A new query is evaluated for all rows, or only for the shown ones if it narrows the last one.
 * If many rows come or go, all shown rows are sorted again. Hidden rows have no position.
 *
 *     state ─▶ touched rows ─▶ evaluate the filter ─▶ move few rows, or sort all ─▶ groups
 */
export class RowOrder {
  /** The shown entries in order; empty while rows are grouped, because the groups hold them then. */
  #entries: Entry[] = [];
  /** All entries, shown and hidden, by the id of their row. */
  readonly #entryById = new Map<string, Entry>();
  /** Reused array of the entries to sort: a new array each time would be garbage to collect. */
  readonly #unsorted: Entry[] = [];
  /** The distinct texts that rows are searched, sorted and grouped by. */
  readonly #pool = new TextPool();
  #shown = 0;
  /** Number of shown rows that are open. */
  #open = 0;
  #indexed: { readonly id: string; readonly index: number } | undefined;
  #filter = NO_FILTER;
  /** The inputs of the query besides the row. The compiled query reads them on every evaluation. */
  readonly #context = {
    nowMs: 0,
    baselineMs: undefined as number | undefined,
    addressesOf: (host: string) => addressesIn(this.#filter.hosts)(host),
    tooSlow: (regex: string) => void (this.#tooSlow = regex),
  };
  #tooSlow: string | undefined;
  #matches: ReturnType<typeof compileQuery> = () => true;
  #isHiddenByRule: ReturnType<typeof compileHideRules>;
  /** Number of open rows that match the query and are hidden by a hide rule. */
  #hiddenByRule = 0;
  /** Undefined while rows are not grouped. */
  #groups: Groups | undefined;
  /** Sorted entries that replace the content of all groups at the end of `update`. */
  #pending: Entry[] | undefined;
  #sort: Sort | undefined;
  #keyOfRow: (row: Row) => SortKey = ({ id }) => id;
  /** Returns the sort key of an entry whose texts are up to date. */
  #keyOfEntry: KeyOf = ({ row }) => row.id;
  /** The rows of the last update: those of the table, or of a pause. */
  #rows: Picture['rows'] | undefined;
  /** Sequence number of the first change of the table that is not read yet; those of a pause are read at its end. */
  #unread = 0;
  /** True if rows changed while the order was frozen. */
  #outOfOrder = false;

  /** Number of lines of the table: rows and group headers. */
  get length(): number {
    return this.#groups ? this.#groups.length : this.#entries.length;
  }

  /** Returns the lines from `start` up to `end`; all lines without arguments. */
  slice(start = 0, end = Infinity): Item[] {
    if (this.#groups) return this.#groups.slice(start, end);
    return this.#entries.slice(start, end).map(({ row }) => rowItem(row));
  }

  /** Returns the shown rows in order, including those in folded groups. */
  rows(): Row[] {
    return this.#entriesInOrder().map(({ row }) => row);
  }

  #entriesInOrder(): Entry[] {
    return this.#pending ?? this.#groups?.entries() ?? this.#entries;
  }

  /** Number of shown rows that are open. */
  get openCount(): number {
    return this.#open;
  }

  /** Number of open rows that match the query and are hidden by a hide rule. */
  get hiddenCount(): number {
    return this.#hiddenByRule;
  }

  /** A regex of the query that was too slow and matches nothing any more; undefined if there is none. */
  get tooSlow(): string | undefined {
    return this.#tooSlow;
  }

  at(index: number): Item | undefined {
    if (this.#groups) return this.#groups.slice(index, index + 1)[0];
    const entry = this.#entries[index];
    return entry && rowItem(entry.row);
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
    const entry = this.#entryById.get(id);
    if (!entry?.shown) return this.#groups?.indexOfId(id) ?? -1;
    return this.#groups ? this.#groups.indexOfEntry(entry) : this.#entries.indexOf(entry);
  }

  /** Returns the id of the header of the row's group, folded or not; undefined without a group. */
  headerOf(id: string): string | undefined {
    const entry = this.#entryById.get(id);
    return entry?.shown ? entry.group?.id : undefined;
  }

  /** Catches up with the state. */
  update(state: State): void {
    const { sort, group, frozen, query } = state;
    const isFirst = this.#rows === undefined;
    const before = { sort: this.#sort, filter: this.#filter, nowMs: this.#context.nowMs };
    const { rows, nowMs } = pictureOf(state);
    const touched = this.#readTouched(state, rows);
    this.#context.nowMs = nowMs;
    const isFilterUnchanged = isSameFilter(state, before.filter);
    if (!isFilterUnchanged) this.#setFilter(state);
    const isLater = query.isTimed && this.#context.nowMs !== before.nowMs;
    const isColumnUnchanged = sort.column === before.sort?.column;
    this.#sort = sort;
    if (!isColumnUnchanged) {
      this.#keyOfRow = columnKey(sort);
      this.#keyOfEntry = keysOf(sort, this.#pool);
    }
    const isGroupingUnchanged = group === (this.#groups?.by ?? null);
    const isFrozen = frozen && !isFirst && isFilterUnchanged && sort === before.sort && isGroupingUnchanged;
    if (isFrozen) {
      this.#updateInPlace(isLater ? new Set([...this.#entryById.keys(), ...touched]) : touched);
    } else if (isFirst || this.#outOfOrder || !isColumnUnchanged || !isGroupingUnchanged) {
      this.#rebuild(state, touched);
    } else {
      const isNarrowed = touched.size === 0 && !isLater && this.#isNarrowed(before.filter);
      // Before any entry moves or changes its key.
      if (sort.descending !== before.sort?.descending) this.#setOrder(reverseKeys(this.#entriesInOrder()));
      const moves = this.#updateTouched(touched);
      const areAnswersUnchanged = isFilterUnchanged && !isLater;
      this.#applyMoves(areAnswersUnchanged ? moves : this.#evaluateAll(moves, isNarrowed), sort.descending);
    }
    if (this.#groups) this.#updateGroups(this.#groups, state, isFrozen);
  }

  #setFilter({ query, hideRules, hosts, baselineMs }: FilterInputs): void {
    const before = this.#filter;
    this.#filter = { query, hideRules, hosts, baselineMs };
    this.#context.baselineMs = baselineMs;
    if (query !== before.query) {
      this.#tooSlow = undefined;
      this.#matches = compileQuery(query, this.#pool, this.#context);
    }
    if (hideRules !== before.hideRules) this.#isHiddenByRule = compileHideRules(hideRules);
  }

  /** Returns true if the new query can only hide rows: the user typed on at the end of the last one. */
  #isNarrowed(before: FilterInputs): boolean {
    const { query, hideRules } = this.#filter;
    return (
      hideRules.length === 0 &&
      isSameFilter({ ...before, query }, this.#filter) &&
      narrows(before.query, query)
    );
  }

  /** Switches between the live rows and those of a pause. Returns the ids of rows that may have changed since. */
  #readTouched({ table, pause }: State, rows: Picture['rows']): ReadonlySet<string> {
    // The rows of a pause do not change.
    if (pause && rows === this.#rows) return new Set();
    this.#rows = rows;
    const changes = table.changesSince(this.#unread);
    if (!pause) this.#unread = table.sequence;
    return changes === 'everything' ? this.#differences(rows) : changes;
  }

  /** Returns the ids of the rows that are not those of the entries. */
  #differences(rows: Picture['rows']): Set<string> {
    const ids = new Set<string>();
    for (const [id, row] of rows) if (this.#entryById.get(id)?.row !== row) ids.add(id);
    for (const id of this.#entryById.keys()) if (!rows.has(id)) ids.add(id);
    return ids;
  }

  /** Filters, sorts and groups all rows. */
  #rebuild({ group, folds, sort }: State, touched: ReadonlySet<string>): void {
    this.#outOfOrder = false;
    for (const id of touched) {
      const row = this.#rows?.get(id);
      const entry = this.#entryById.get(id);
      if (row) this.#addEntry(row, entry);
      else if (entry) this.#removeEntry(entry);
    }
    this.#groups = group === null ? undefined : new Groups(group, folds, this.#pool);
    this.#shown = this.#open = this.#hiddenByRule = 0;
    for (const entry of this.#entryById.values()) {
      entry.group = undefined;
      entry.hidden = false;
      entry.shown = this.#evaluate(entry);
      if (!entry.shown) continue;
      entry.key = this.#keyOfEntry(entry);
      this.#count(entry, 1);
    }
    this.#sortAll(sort.descending);
  }

  /** Returns true if the entry matches the query and no hide rule. Counts it if a hide rule hides it. */
  #evaluate(entry: Entry): boolean {
    if (!this.#matches(entry, entry.row)) return false;
    if (!this.#isHiddenByRule?.(entry.row.socket, entry.row.direction)) return true;
    entry.hidden = true;
    this.#hiddenByRule += openOf(entry);
    return false;
  }

  /** Takes back the count of an entry that a hide rule hid. */
  #clearHidden(entry: Entry): void {
    if (entry.hidden) this.#hiddenByRule -= openOf(entry);
    entry.hidden = false;
  }

  /** Adds a shown entry to the counts and its group (1), or takes it out (-1) before it changes. */
  #count(entry: Entry, sign: 1 | -1): void {
    this.#shown += sign;
    this.#open += sign * openOf(entry);
    if (sign === 1) this.#groups?.add(entry);
    else this.#groups?.remove(entry);
  }

  /** Makes an entry for a row, not shown yet, and replaces the earlier entry of the row. */
  #addEntry(row: Row, before: Entry | undefined): Entry {
    const alike = before !== undefined && hasSameSearchFields(before.row.socket, row.socket);
    const entry = entryOf(row, alike ? before : takeSearchFields(row.socket, this.#pool));
    if (before && !alike) dropSearchFields(before, this.#pool);
    this.#entryById.set(row.id, entry);
    return entry;
  }

  #removeEntry(entry: Entry): void {
    this.#entryById.delete(entry.row.id);
    dropSearchFields(entry, this.#pool);
  }

  /** Hides an entry; call it before the entry changes. */
  #hide(entry: Entry): void {
    if (entry.shown) this.#count(entry, -1);
    entry.shown = false;
    this.#clearHidden(entry);
  }

  /** Gives an entry the new version of its row, and shows or hides it by the filter. */
  #setRow(entry: Entry, row: Row): void {
    this.#hide(entry);
    if (!hasSameSearchFields(entry.row.socket, row.socket)) {
      dropSearchFields(entry, this.#pool);
      Object.assign(entry, takeSearchFields(row.socket, this.#pool));
    }
    setRow(entry, row);
    entry.shown = this.#evaluate(entry);
    if (entry.shown) this.#count(entry, 1);
  }

  /** Updates the entries of touched rows. @returns the entries to take out of the order and to insert */
  #updateTouched(touched: ReadonlySet<string>): Moves {
    const [removed, added]: [Entry[], Entry[]] = [[], []];
    for (const id of touched) {
      const row = this.#rows?.get(id);
      let entry = this.#entryById.get(id);
      const wasShown = entry?.shown ?? false;
      if (row && entry && this.#keepsPlace(entry, row)) {
        this.#setRow(entry, row);
        if (wasShown && !entry.shown) removed.push(entry);
        if (wasShown || !entry.shown) continue;
      } else {
        if (entry) {
          if (wasShown) removed.push(entry);
          this.#hide(entry);
          if (!row) this.#removeEntry(entry);
        }
        if (!row) continue;
        entry = this.#addEntry(row, entry);
        entry.shown = this.#evaluate(entry);
        if (!entry.shown) continue;
        this.#count(entry, 1);
      }
      entry.key = this.#keyOfEntry(entry);
      added.push(entry);
    }
    return { removed, added };
  }

  /** Returns true if the new version of a row keeps the position of its entry; hidden entries have none. */
  #keepsPlace(entry: Entry, row: Row): boolean {
    if (!entry.shown) return true;
    return staysInPlace(entry, row, this.#keyOfRow(row)) && (this.#groups?.isIn(entry, row) ?? true);
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
    const isFew = isNarrowed && this.#shown < this.#entryById.size / 2;
    for (const entry of isFew ? this.#entriesInOrder() : this.#entryById.values()) {
      const wasShown = entry.shown;
      if (isNarrowed && !wasShown) continue;
      this.#clearHidden(entry);
      const isShown = this.#evaluate(entry);
      if (isShown === wasShown) continue;
      entry.shown = isShown;
      this.#count(entry, isShown ? 1 : -1);
      if (isShown) entry.key = this.#keyOfEntry(entry);
      // A regex that just became too slow may answer differently than it did in `updateTouched`.
      if (isShown && !removedBefore.has(entry)) added.push(entry);
      if (!isShown && !addedBefore.has(entry)) removed.push(entry);
    }
    return { removed: removed.filter(({ shown }) => !shown), added: added.filter(({ shown }) => shown) };
  }

  /** Takes entries out of the order and inserts others; if there are many, sorts all shown entries instead. */
  #applyMoves({ removed, added }: Moves, descending: boolean): void {
    const moved = removed.length + added.length;
    if (moved === 0) return;
    if (moved > Math.max(FEW, this.#shown / 4) || this.#pending) {
      if (added.length > 0) this.#sortAll(descending);
      else this.#setOrder(this.#entriesInOrder().filter(({ shown }) => shown));
    } else if (this.#groups) {
      for (const entry of removed) this.#groups.hide(entry);
      for (const entry of added) this.#groups.show(entry);
    } else {
      exchangeSorted(this.#entries, removed, added, comparator(descending));
      this.#indexed = undefined;
    }
  }

  /** Sorts all shown entries. */
  #sortAll(descending: boolean): void {
    const unsorted = this.#unsorted;
    let count = 0;
    for (const entry of this.#entryById.values()) if (entry.shown) unsorted[count++] = entry;
    unsorted.length = count;
    const sorted = this.#groups ? new Array<Entry>(count) : this.#entries;
    sortInto(sorted, unsorted, descending);
    this.#setOrder(sorted);
  }

  /** Replaces the shown entries, in order. */
  #setOrder(entries: Entry[]): void {
    this.#pending = this.#groups && entries;
    this.#entries = this.#groups ? [] : entries;
    this.#indexed = undefined;
  }

  /** Updates the groups after all entries have moved. */
  #updateGroups(groups: Groups, { folds, sort }: State, isFrozen: boolean): void {
    // The position of a row depends on all groups before it.
    this.#indexed = undefined;
    groups.fold(folds);
    if (this.#pending) groups.fill(this.#pending, sort);
    else groups.applyMoves(sort, isFrozen ? undefined : comparator(sort.descending));
    this.#pending = undefined;
  }

  /** Updates a frozen order: every row keeps its position, new rows come last. */
  #updateInPlace(touched: ReadonlySet<string>): void {
    if (touched.size === 0) return;
    this.#outOfOrder = true;
    const hidden = new Set<Entry>();
    const revealed: Entry[] = [];
    for (const id of touched) {
      const row = this.#rows?.get(id);
      const before = this.#entryById.get(id);
      const wasShown = before?.shown ?? false;
      if (!row) {
        if (!before) continue;
        if (wasShown) hidden.add(before);
        if (wasShown) this.#groups?.hide(before);
        this.#hide(before);
        this.#removeEntry(before);
        continue;
      }
      const entry = before ?? this.#addEntry(row, undefined);
      // A row that changed its group counts as new in the other group.
      const stays = !wasShown || (this.#groups?.isIn(entry, row) ?? true);
      if (!stays) this.#groups?.hide(entry);
      this.#setRow(entry, row);
      if (wasShown && !entry.shown) hidden.add(entry);
      else if (!wasShown && entry.shown) revealed.push(entry);
      if (wasShown && stays && !entry.shown) this.#groups?.hide(entry);
      else if (entry.shown && !(wasShown && stays)) this.#groups?.show(entry);
    }
    if (this.#groups || hidden.size + revealed.length === 0) return;
    this.#setOrder([...this.#entries.filter((entry) => !hidden.has(entry)), ...revealed]);
  }
}
