import { compileSearch, type Filter, narrows } from '../query/filter.ts';
import { TextPool } from '../query/texts.ts';
import { forget, isFoundAlike, remember } from '../query/words.ts';
import type { Sort, State } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { COLUMNS } from './columns.ts';
import {
  comparator,
  type Entry,
  entryOf,
  exchange,
  reversed,
  sorted,
  type SortKey,
  staysInPlace,
} from './sorted.ts';

/** So many changed rows are put into their places one by one, whatever the count of all rows. */
const FEW = 16;

const keyOf = ({ column }: Sort): ((row: Row) => SortKey) =>
  COLUMNS.find(({ id }) => id === column)?.key ?? ((row) => row.id);

const openOf = ({ open }: Entry): 0 | 1 => (open ? 1 : 0);

/**
 * The rows that are shown, filtered and sorted. A tick looks at the rows that changed, and moves only those that
 * are sorted elsewhere now; another filter looks at all of them, or, while it is being typed, at those that are left;
 * only another column to sort by sorts all.
 */
export class RowOrder {
  /** What is shown. */
  #entries: Entry[] = [];
  /** Every row, filtered or not, in order; the same array when nothing is filtered. */
  #sorted: Entry[] = [];
  /** All entries by the id of their row. */
  readonly #entryById = new Map<string, Entry>();
  /** The texts by which rows are found. */
  readonly #pool = new TextPool();
  /** How many of those shown are not closed. */
  #open = 0;
  #indexed: { readonly id: string; readonly index: number } | undefined;
  #filter: Filter | undefined;
  #matches: ReturnType<typeof compileSearch> = () => true;
  #sort: Sort | undefined;
  #key: (row: Row) => SortKey = ({ id }) => id;
  #source: readonly Row[] | State['table'] | undefined;
  #rowOf: (id: string) => Row | undefined = () => undefined;
  /** Rows that may have changed since the picture of a pause was made. */
  #missed: ReadonlySet<string> = new Set();
  /** The order stood still while rows changed. */
  #outOfOrder = false;

  get length(): number {
    return this.#entries.length;
  }

  /** The rows at these positions, in order; all of them without positions. */
  slice(start?: number, end?: number): Row[] {
    return this.#entries.slice(start, end).map(({ row }) => row);
  }

  /** Rows shown that are not closed. */
  get openCount(): number {
    return this.#open;
  }

  at(index: number): Row | undefined {
    return this.#entries[index]?.row;
  }

  /** Position of a row; -1 when it is not shown. */
  indexOf(id: string | null): number {
    if (id === null) return -1;
    // Nearly always it is the selected row that is asked for, many times.
    if (this.#indexed?.id !== id) {
      const entry = this.#entryById.get(id);
      this.#indexed = { id, index: entry?.shown ? this.#entries.indexOf(entry) : -1 };
    }
    return this.#indexed.index;
  }

  /** Catches up with the state. Of one table there is one order: it takes from it what was touched. */
  update(state: State): void {
    const before = { source: this.#source, sort: this.#sort, filter: this.#filter };
    const touched = this.#follow(state);
    const sameFilter = state.filter === before.filter;
    if (!sameFilter) {
      this.#filter = state.filter;
      this.#matches = compileSearch(state.filter, this.#pool);
    }
    const sameSort = state.sort === before.sort;
    if (!sameSort) {
      this.#sort = state.sort;
      this.#key = keyOf(state.sort);
    }
    const turned = state.sort.column === before.sort?.column;
    if (before.source === undefined) {
      for (const row of state.pause ? state.pause.rows : state.table.rows.values()) this.#renew(row.id);
      this.#rebuild();
    } else if (state.frozen && sameFilter && sameSort) {
      this.#replace(touched);
    } else if (this.#outOfOrder || !turned) {
      for (const id of touched) this.#renew(id);
      if (!turned) for (const entry of this.#entryById.values()) entry.key = this.#key(entry.row);
      this.#rebuild();
    } else {
      this.#reorder(touched, before.sort?.descending ?? false, sameFilter);
      const typed = touched.size === 0 && before.filter && narrows(before.filter, state.filter);
      if (!sameFilter) this.#select(typed ? this.#entries : this.#sorted);
      if (state.sort.descending !== before.sort?.descending) this.#turn();
    }
  }

  /** Turns to the picture of the state. Gives the ids of the rows that may differ from what is known of them. */
  #follow({ table, pause }: State): ReadonlySet<string> {
    const touched = table.takeTouched();
    const source = pause ? pause.rows : table;
    const same = source === this.#source;
    if (same && !pause) return touched;
    const missed = touched.size === 0 ? this.#missed : new Set([...this.#missed, ...touched]);
    this.#missed = pause ? missed : new Set();
    // The picture of a pause stands still.
    if (same) return new Set();
    this.#source = source;
    let rows = pause ? undefined : table.rows;
    this.#rowOf = (id) => (rows ??= new Map(pause?.rows.map((row) => [row.id, row]))).get(id);
    return missed;
  }

  #set(entries: Entry[]): void {
    this.#entries = entries;
    this.#indexed = undefined;
  }

  get #isFiltered(): boolean {
    return Object.keys(this.#filter ?? {}).length > 0;
  }

  /** Takes those that the filter lets through; `from` holds at least all of them, in order. */
  #select(from: Entry[]): void {
    const isFiltered = this.#isFiltered;
    const wasShown = from !== this.#sorted;
    // Of many all in the order in which they came, which is about that in memory: twice as fast as by their places.
    if (isFiltered && from.length > this.#sorted.length / 2) {
      for (const entry of this.#entryById.values()) {
        entry.shown = (entry.shown || !wasShown) && this.#matches(entry);
      }
    } else for (const entry of from) entry.shown = !isFiltered || this.#matches(entry);
    const entries = isFiltered ? from.filter(({ shown }) => shown) : from;
    this.#open = 0;
    for (const entry of entries) this.#open += openOf(entry);
    this.#set(entries);
  }

  #turn(): void {
    this.#sorted = reversed(this.#sorted);
    this.#set(this.#isFiltered ? reversed(this.#entries) : this.#sorted);
  }

  #rebuild(): void {
    this.#outOfOrder = false;
    this.#sorted = sorted(this.#entryById.values(), this.#sort?.descending ?? false);
    this.#select(this.#sorted);
  }

  /** Brings one row up to date, wherever it stands. */
  #renew(id: string): void {
    const row = this.#rowOf(id);
    const entry = this.#entryById.get(id);
    if (row) this.#enter(row, this.#key(row), entry);
    else if (entry) this.#leave(entry);
  }

  /** A new entry, in the place of the one there was of this row. */
  #enter(row: Row, key: SortKey, before: Entry | undefined): Entry {
    const alike = before !== undefined && isFoundAlike(before.row.socket, row.socket);
    const entry = entryOf(row, key, alike ? before : remember(row.socket, this.#pool));
    if (before && !alike) forget(before, this.#pool);
    this.#entryById.set(row.id, entry);
    return entry;
  }

  #leave(entry: Entry): void {
    this.#entryById.delete(entry.row.id);
    forget(entry, this.#pool);
  }

  /** Puts touched rows into their places among all rows and, where asked to, among those shown. */
  #reorder(touched: ReadonlySet<string>, descending: boolean, shown: boolean): void {
    /** Out of the sorted rows and into them; out of those shown and into them. */
    const [gone, come, hidden, revealed]: [Entry[], Entry[], Entry[], Entry[]] = [[], [], [], []];
    for (const id of touched) {
      const row = this.#rowOf(id);
      const entry = this.#entryById.get(id);
      const key = row && this.#key(row);
      if (row && key !== undefined && entry && staysInPlace(entry, row, key)) {
        const was = entry.shown;
        this.#turnInto(entry, row);
        if (was && !entry.shown) hidden.push(entry);
        else if (!was && entry.shown) revealed.push(entry);
        continue;
      }
      if (entry) {
        gone.push(entry);
        if (entry.shown) hidden.push(entry);
        if (entry.shown) this.#open -= openOf(entry);
        if (!row) this.#leave(entry);
      }
      if (row && key !== undefined) {
        const now = this.#enter(row, key, entry);
        come.push(now);
        this.#turnInto(now, row);
        if (now.shown) revealed.push(now);
      }
    }
    const compare = comparator(descending);
    const moved = gone.length + come.length;
    if (moved > Math.max(FEW, this.#sorted.length / 2)) {
      this.#sorted = sorted(this.#entryById.values(), descending);
      if (shown) this.#select(this.#sorted);
      return;
    }
    if (moved > 0) this.#sorted = exchange(this.#sorted, gone, come, compare);
    if (!shown) return;
    if (!this.#isFiltered) this.#set(this.#sorted);
    else if (hidden.length + revealed.length > 0)
      this.#set(exchange(this.#entries, hidden, revealed, compare));
  }

  /** Frozen: every row keeps its place, new ones come last. */
  #replace(touched: ReadonlySet<string>): void {
    if (touched.size === 0) return;
    this.#outOfOrder = true;
    const hidden = new Set<Entry>();
    const revealed: Entry[] = [];
    for (const id of touched) {
      const row = this.#rowOf(id);
      const before = this.#entryById.get(id);
      if (!row) {
        if (!before) continue;
        if (before.shown) hidden.add(before);
        if (before.shown) this.#open -= openOf(before);
        this.#leave(before);
        continue;
      }
      const was = before?.shown ?? false;
      const entry = before ?? this.#enter(row, this.#key(row), undefined);
      this.#turnInto(entry, row);
      // What it is sorted by when the order moves again.
      Object.assign(entry, entryOf(row, this.#key(row), entry), { shown: entry.shown });
      if (was && !entry.shown) hidden.add(entry);
      else if (!was && entry.shown) revealed.push(entry);
    }
    if (hidden.size + revealed.length === 0) return;
    this.#set([...this.#entries.filter((entry) => !hidden.has(entry)), ...revealed]);
  }

  /** The entry stands for this row now, and is shown if the filter lets that through. */
  #turnInto(entry: Entry, row: Row): void {
    if (entry.shown) this.#open -= openOf(entry);
    if (!isFoundAlike(entry.row.socket, row.socket)) {
      forget(entry, this.#pool);
      Object.assign(entry, remember(row.socket, this.#pool));
    }
    entry.row = row;
    entry.open = row.mark !== 'closed';
    entry.shown = this.#matches(entry);
    if (entry.shown) this.#open += openOf(entry);
  }
}
