import { compileQuery } from '../query/compile.ts';
import { narrows } from '../query/narrows.ts';
import { EVERYTHING, isEverything } from '../query/query.ts';
import { TextPool } from '../query/texts.ts';
import { forget, isFoundAlike, remember } from '../query/words.ts';
import { compileKnown } from '../store/known.ts';
import type { Sort, State } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { COLUMNS } from './columns.ts';
import type { Entry, SortKey } from './entry.ts';
import { Groups, type Item, rowItem } from './groups.ts';
import { addressesIn } from './query-context.ts';
import { comparator, entryOf, exchange, reversed, sortInto, staysInPlace } from './sorted.ts';

/** So many changed rows are put into their places one by one, whatever the count of all rows. */
const FEW = 16;

const keyOf = ({ column }: Sort): ((row: Row) => SortKey) =>
  COLUMNS.find(({ id }) => id === column)?.key ?? ((row) => row.id);

/** What decides which rows are shown. */
type Wanted = Pick<State, 'query' | 'known' | 'hosts' | 'baselineMs'>;

const isSameWish = (a: Wanted, b: Wanted): boolean =>
  a.query === b.query && a.known === b.known && a.hosts === b.hosts && a.baselineMs === b.baselineMs;

const NOTHING_WANTED: Wanted = { query: EVERYTHING, known: [], hosts: new Map(), baselineMs: undefined };

const openOf = ({ open }: Entry): 0 | 1 => (open ? 1 : 0);

/** Those that are shown; there are so many of them. */
function shownOf(entries: readonly Entry[], count: number): Entry[] {
  const shown = new Array<Entry>(count);
  let at = 0;
  for (const entry of entries) if (entry.shown) shown[at++] = entry;
  return shown;
}

/**
 * The rows that are shown, filtered, sorted and grouped. A tick looks at the rows that changed, and moves only those that
 * are sorted elsewhere now; another filter looks at all of them, or, while it is being typed, at those that are left;
 * only another column to sort by sorts all. Groups are made of the sorted rows, and follow the same moves.
 */
export class RowOrder {
  /** What is shown, but for folds and headers. */
  #entries: Entry[] = [];
  /** Every row, filtered or not, in order; the same array when nothing is filtered. */
  #sorted: Entry[] = [];
  /** Room for all of them, which is kept: what is made anew each time has to be collected. */
  readonly #unsorted: Entry[] = [];
  /** All entries by the id of their row. */
  readonly #entryById = new Map<string, Entry>();
  /** The texts by which rows are found. */
  readonly #pool = new TextPool();
  /** How many of those shown are not closed. */
  #open = 0;
  #indexed: { readonly id: string; readonly index: number } | undefined;
  #wanted = NOTHING_WANTED;
  /** What the query may depend on besides a row; it is asked for at each of them. */
  readonly #context = {
    nowMs: 0,
    baselineMs: undefined as number | undefined,
    addressesOf: (host: string) => addressesIn(this.#wanted.hosts)(host),
  };
  #matches: ReturnType<typeof compileQuery> = () => true;
  #isKnown: ReturnType<typeof compileKnown>;
  /** How many that are not closed are hidden only because they are known. */
  #known = 0;
  /** Absent where rows are not grouped. */
  #groups: Groups | undefined;
  /** The groups are to be filled anew. */
  #refill = false;
  #sort: Sort | undefined;
  #key: (row: Row) => SortKey = ({ id }) => id;
  #source: readonly Row[] | State['table'] | undefined;
  #rowOf: (id: string) => Row | undefined = () => undefined;
  /** Rows that may have changed since the picture of a pause was made. */
  #missed: ReadonlySet<string> = new Set();
  /** The order stood still while rows changed. */
  #outOfOrder = false;

  /** Lines of the table: rows, and the headers of groups. */
  get length(): number {
    return this.#groups ? this.#groups.length : this.#entries.length;
  }

  /** The lines at these positions, in order; all of them without positions. */
  slice(start = 0, end = Infinity): Item[] {
    if (this.#groups) return this.#groups.slice(start, end);
    return this.#entries.slice(start, end).map(({ row }) => rowItem(row));
  }

  /** The rows that are shown, in order, those of folded groups too. */
  rows(): Row[] {
    return (this.#groups ? this.#groups.entries() : this.#entries).map(({ row }) => row);
  }

  /** Rows shown that are not closed. */
  get openCount(): number {
    return this.#open;
  }

  /** Rows that are not closed, and hidden only because they are known. */
  get knownCount(): number {
    return this.#known;
  }

  at(index: number): Item | undefined {
    if (this.#groups) return this.#groups.slice(index, index + 1)[0];
    const entry = this.#entries[index];
    return entry && rowItem(entry.row);
  }

  /** The row at a position; undefined for the header of a group. */
  rowAt(index: number): Row | undefined {
    const item = this.at(index);
    return item?.type === 'row' ? item.row : undefined;
  }

  /** Position of a row, or of the header of a group; -1 when it is not shown. */
  indexOf(id: string | null): number {
    if (id === null) return -1;
    // Nearly always it is the selected row that is asked for, many times.
    if (this.#indexed?.id !== id) this.#indexed = { id, index: this.#find(id) };
    return this.#indexed.index;
  }

  #find(id: string): number {
    const entry = this.#entryById.get(id);
    if (!entry?.shown) return this.#groups?.indexOfId(id) ?? -1;
    return this.#groups ? this.#groups.indexOfEntry(entry) : this.#entries.indexOf(entry);
  }

  /** The header of the group that a row is shown in, be it folded or not; undefined where there is none. */
  headerOf(id: string): string | undefined {
    const entry = this.#entryById.get(id);
    return entry?.shown ? entry.group?.id : undefined;
  }

  /** Catches up with the state. Of one table there is one order: it takes from it what was touched. */
  update(state: State): void {
    const before = {
      source: this.#source,
      sort: this.#sort,
      wanted: this.#wanted,
      nowMs: this.#context.nowMs,
    };
    const touched = this.#follow(state);
    this.#context.nowMs = (state.pause ? state.pause.nowMs : state.nowMs) ?? 0;
    if (state.group !== (this.#groups?.by ?? null)) this.#ungroup(state.group);
    const sameFilter = isSameWish(state, before.wanted);
    if (!sameFilter) this.#want(state);
    const isLater = state.query.isTimed && this.#context.nowMs !== before.nowMs;
    const sameSort = state.sort === before.sort;
    if (!sameSort) {
      this.#sort = state.sort;
      this.#key = keyOf(state.sort);
    }
    const turned = state.sort.column === before.sort?.column;
    const isStill = state.frozen && sameFilter && sameSort;
    if (before.source === undefined) {
      for (const row of state.pause ? state.pause.rows : state.table.rows.values()) this.#renew(row.id);
      this.#rebuild();
    } else if (isStill) {
      this.#replace(isLater ? new Set([...this.#entryById.keys(), ...touched]) : touched);
    } else if (this.#outOfOrder || !turned) {
      for (const id of touched) this.#renew(id);
      if (!turned) for (const entry of this.#entryById.values()) entry.key = this.#key(entry.row);
      this.#rebuild();
    } else {
      const sameAnswers = sameFilter && !isLater;
      this.#reorder(touched, before.sort?.descending ?? false, sameAnswers);
      const typed = touched.size === 0 && !isLater && this.#isTypedOn(before.wanted);
      if (!sameAnswers) this.#select(typed ? this.#entries : this.#sorted);
      if (state.sort.descending !== before.sort?.descending) this.#turn();
    }
    this.#group(state, isStill);
  }

  #want({ query, known, hosts, baselineMs }: Wanted): void {
    const before = this.#wanted;
    this.#wanted = { query, known, hosts, baselineMs };
    this.#context.baselineMs = baselineMs;
    if (query !== before.query) this.#matches = compileQuery(query, this.#pool, this.#context);
    if (known !== before.known) this.#isKnown = compileKnown(known);
  }

  /** Nothing is shown now that was not shown before: the query was being typed on. */
  #isTypedOn(before: Wanted): boolean {
    const { query, known } = this.#wanted;
    return (
      known.length === 0 && isSameWish({ ...before, query }, this.#wanted) && narrows(before.query, query)
    );
  }

  /** Whether an entry, of which nothing is known yet, is to be shown. */
  #ask(entry: Entry): boolean {
    if (!this.#matches(entry, entry.row)) return false;
    if (!this.#isKnown?.(entry.row.socket, entry.row.direction)) return true;
    entry.known = true;
    this.#known += openOf(entry);
    return false;
  }

  /** What was known of an entry is not any more. */
  #unask(entry: Entry): void {
    if (entry.known) this.#known -= openOf(entry);
    entry.known = false;
  }

  /** Brings the groups up to date with the rows. */
  #group({ group, folds, sort }: State, isStill: boolean): void {
    if (group === null) return;
    // Positions of rows depend on all before them.
    this.#indexed = undefined;
    if (this.#groups === undefined) {
      this.#groups = new Groups(group, folds);
      for (const entry of this.#entryById.values()) {
        this.#groups.join(entry);
        if (entry.shown) this.#groups.count(entry, 1);
      }
      this.#refill = true;
    }
    this.#groups.fold(folds);
    if (this.#refill) this.#groups.fill(this.#entries, sort);
    else this.#groups.settle(sort, isStill ? undefined : comparator(sort.descending));
    this.#refill = false;
  }

  /** @param next by what they are grouped instead, which then each of them learns anyway */
  #ungroup(next: State['group']): void {
    if (this.#groups === undefined) return;
    this.#groups = undefined;
    this.#indexed = undefined;
    if (next === null) for (const entry of this.#entryById.values()) entry.group = undefined;
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
    return this.#isKnown !== undefined || !isEverything(this.#wanted.query);
  }

  /** Takes those that the filter lets through; `from` holds at least all of them, in order. */
  #select(from: Entry[]): void {
    const isFiltered = this.#isFiltered;
    const wasShown = from !== this.#sorted;
    // Of many all in the order in which they came, which is about that in memory: twice as fast as by their places.
    const all = from.length > this.#sorted.length / 2 ? this.#entryById.values() : from;
    this.#open = 0;
    this.#known = 0;
    this.#groups?.clearSums();
    let count = 0;
    for (const entry of all) {
      entry.known = false;
      entry.shown = !isFiltered || ((entry.shown || !wasShown) && this.#ask(entry));
      if (!entry.shown) continue;
      this.#count(entry, 1);
      count++;
    }
    this.#set(isFiltered ? shownOf(from, count) : from);
    this.#refill = true;
  }

  #turn(): void {
    this.#sorted = reversed(this.#sorted);
    this.#set(this.#isFiltered ? reversed(this.#entries) : this.#sorted);
    this.#refill = true;
  }

  /** Every entry, in about the order of memory. */
  #all(): Entry[] {
    const all = this.#unsorted;
    let at = 0;
    for (const entry of this.#entryById.values()) all[at++] = entry;
    all.length = at;
    return all;
  }

  #rebuild(): void {
    this.#outOfOrder = false;
    sortInto(this.#sorted, this.#all(), this.#sort?.descending ?? false);
    this.#select(this.#sorted);
  }

  /** Takes an entry that is shown into what is counted, or out of it as it was. */
  #count(entry: Entry, sign: 1 | -1): void {
    this.#open += sign * openOf(entry);
    this.#groups?.count(entry, sign);
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
    this.#groups?.join(entry, row);
    if (before) this.#groups?.leave(before);
    this.#entryById.set(row.id, entry);
    return entry;
  }

  #leave(entry: Entry): void {
    this.#entryById.delete(entry.row.id);
    this.#groups?.leave(entry);
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
      if (row && key !== undefined && entry && this.#stays(entry, row, key)) {
        const was = entry.shown;
        this.#turnInto(entry, row);
        if (was && !entry.shown) hidden.push(entry);
        else if (!was && entry.shown) revealed.push(entry);
        continue;
      }
      if (entry) {
        gone.push(entry);
        if (entry.shown) hidden.push(entry);
        if (entry.shown) this.#count(entry, -1);
        this.#unask(entry);
        if (!row) this.#leave(entry);
      }
      if (row && key !== undefined) {
        const now = this.#enter(row, key, entry);
        come.push(now);
        this.#turnInto(now, row);
        if (now.shown) revealed.push(now);
      }
    }
    for (const entry of hidden) this.#groups?.hide(entry);
    for (const entry of revealed) this.#groups?.show(entry);
    const compare = comparator(descending);
    const moved = gone.length + come.length;
    if (moved > Math.max(FEW, this.#sorted.length / 2)) {
      sortInto(this.#sorted, this.#all(), descending);
      if (shown) this.#select(this.#sorted);
      return;
    }
    if (moved > 0) exchange(this.#sorted, gone, come, compare);
    if (!shown) return;
    if (!this.#isFiltered) this.#set(this.#sorted);
    else if (hidden.length + revealed.length > 0) {
      exchange(this.#entries, hidden, revealed, compare);
      this.#set(this.#entries);
    }
  }

  #stays(entry: Entry, row: Row, key: SortKey): boolean {
    return staysInPlace(entry, row, key) && (this.#groups?.isIn(entry, row) ?? true);
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
        if (before.shown) this.#count(before, -1);
        if (before.shown) this.#groups?.hide(before);
        this.#unask(before);
        this.#leave(before);
        continue;
      }
      const was = before?.shown ?? false;
      const entry = before ?? this.#enter(row, this.#key(row), undefined);
      // A row that belongs elsewhere now is new there.
      const stays = this.#groups?.isIn(entry, row) ?? true;
      if (!stays) this.#moveOver(entry, row);
      this.#turnInto(entry, row);
      // What it is sorted by when the order moves again.
      const { shown, known, group } = entry;
      Object.assign(entry, entryOf(row, this.#key(row), entry), { shown, known, group });
      if (was && !shown) hidden.add(entry);
      else if (!was && shown) revealed.push(entry);
      if (was && stays && !shown) this.#groups?.hide(entry);
      else if (shown && !(was && stays)) this.#groups?.show(entry);
    }
    if (hidden.size + revealed.length === 0) return;
    this.#set([...this.#entries.filter((entry) => !hidden.has(entry)), ...revealed]);
  }

  /** From the group that the entry is in to that of its row. */
  #moveOver(entry: Entry, row: Row): void {
    if (entry.shown) {
      this.#groups?.hide(entry);
      this.#count(entry, -1);
      entry.shown = false;
    }
    this.#groups?.leave(entry);
    this.#groups?.join(entry, row);
  }

  /** The entry stands for this row now, and is shown if the filter lets that through. */
  #turnInto(entry: Entry, row: Row): void {
    if (entry.shown) this.#count(entry, -1);
    this.#unask(entry);
    if (!isFoundAlike(entry.row.socket, row.socket)) {
      forget(entry, this.#pool);
      Object.assign(entry, remember(row.socket, this.#pool));
    }
    entry.row = row;
    entry.open = row.mark !== 'closed';
    entry.shown = this.#ask(entry);
    if (entry.shown) this.#count(entry, 1);
  }
}
