import { compileQuery } from '../query/compile.ts';
import { narrows } from '../query/narrows.ts';
import { EVERYTHING } from '../query/query.ts';
import { TextPool } from '../query/texts.ts';
import { dropSearchFields, hasSameSearchFields, takeSearchFields } from '../query/words.ts';
import { compileHideRules } from '../store/hide-rules.ts';
import type { Sort, State } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { columnOf } from './columns.ts';
import type { Entry, SortKey } from './entry.ts';
import { Groups, type Item, rowItem } from './groups.ts';
import { addressesIn } from './query-context.ts';
import { comparator, entryOf, exchange, renew, reversed, sortInto, staysInPlace } from './sorted.ts';

/** Entries that have left their places, as they were there, and entries that want a place. */
interface Moves {
  readonly gone: Entry[];
  readonly come: Entry[];
}

/** So many changed rows are put into their places one by one, whatever the count of all rows. */
const FEW = 16;

/** Number of rows that may come and go in a pause before those that are gone are forgotten. */
const MANY = 1000;

const columnKey = ({ column }: Sort): ((row: Row) => SortKey) => columnOf(column)?.key ?? (({ id }) => id);

/** What decides which rows are shown. */
type Wanted = Pick<State, 'query' | 'hideRules' | 'hosts' | 'baselineMs'>;

const isSameWish = (a: Wanted, b: Wanted): boolean =>
  a.query === b.query && a.hideRules === b.hideRules && a.hosts === b.hosts && a.baselineMs === b.baselineMs;

const NOTHING_WANTED: Wanted = { query: EVERYTHING, hideRules: [], hosts: new Map(), baselineMs: undefined };

const openOf = ({ open }: Entry): 0 | 1 => (open ? 1 : 0);

type Keys = (entry: Entry) => SortKey;

/** What entries are sorted by; of those that have in common what decides about it, one is asked. */
function keysOf(sort: Sort, pool: TextPool): Keys {
  const { keyFrom } = columnOf(sort.column) ?? {};
  const key = columnKey(sort);
  const keyAt = ({ row }: Entry): SortKey => key(row);
  if (keyFrom === undefined) return keyAt;
  const known = pool.memo(keyAt);
  return (entry) => known(entry[keyFrom], entry);
}

/**
 * The rows that are shown, filtered, sorted and grouped. A tick looks at the rows that changed, and moves only those that
 * are sorted elsewhere now. Another query asks all rows, or, while it is being typed on, those that are left; where it
 * shows many others than before, all that is shown is sorted anew. What is hidden has no place.
 */
export class RowOrder {
  /** What is shown, in order; empty where rows are grouped, for then their groups have them. */
  #entries: Entry[] = [];
  /** All entries by the id of their row. */
  readonly #entryById = new Map<string, Entry>();
  /** Room for those that are about to be sorted, which is kept: what is made anew each time has to be collected. */
  readonly #unsorted: Entry[] = [];
  /** The texts by which rows are found. */
  readonly #pool = new TextPool();
  #shown = 0;
  /** How many of those shown are not closed. */
  #open = 0;
  #indexed: { readonly id: string; readonly index: number } | undefined;
  #wanted = NOTHING_WANTED;
  /** What the query may depend on besides a row; it is asked for at each of them. */
  readonly #context = {
    nowMs: 0,
    baselineMs: undefined as number | undefined,
    addressesOf: (host: string) => addressesIn(this.#wanted.hosts)(host),
    tooSlow: (regex: string) => void (this.#tooSlow = regex),
  };
  #tooSlow: string | undefined;
  #matches: ReturnType<typeof compileQuery> = () => true;
  #isHiddenByRule: ReturnType<typeof compileHideRules>;
  /** How many that are not closed are hidden only by a hide rule. */
  #hidden = 0;
  /** Absent where rows are not grouped. */
  #groups: Groups | undefined;
  /** What the groups are to be filled with, each with its own in order, in the place of what they have. */
  #filling: Entry[] | undefined;
  #sort: Sort | undefined;
  #key: (row: Row) => SortKey = ({ id }) => id;
  /** The same of an entry that is up to date. */
  #keyOf: Keys = ({ row }) => row.id;
  #source: readonly Row[] | State['table'] | undefined;
  #rowOf: (id: string) => Row | undefined = () => undefined;
  /** Rows that may have changed since the picture of a pause was made. */
  #missed = new Set<string>();
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
    return this.#listed().map(({ row }) => row);
  }

  #listed(): Entry[] {
    return this.#filling ?? this.#groups?.entries() ?? this.#entries;
  }

  /** Rows shown that are not closed. */
  get openCount(): number {
    return this.#open;
  }

  /** Rows that are not closed, and hidden only by a hide rule. */
  get hiddenCount(): number {
    return this.#hidden;
  }

  /** A regex of the query that took too long, and finds no more. */
  get tooSlow(): string | undefined {
    return this.#tooSlow;
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
    const { sort, group, frozen, query } = state;
    const isFirst = this.#source === undefined;
    const before = { sort: this.#sort, wanted: this.#wanted, nowMs: this.#context.nowMs };
    const touched = this.#follow(state);
    this.#context.nowMs = (state.pause ? state.pause.nowMs : state.nowMs) ?? 0;
    const sameFilter = isSameWish(state, before.wanted);
    if (!sameFilter) this.#want(state);
    const isLater = query.isTimed && this.#context.nowMs !== before.nowMs;
    const sameColumn = sort.column === before.sort?.column;
    this.#sort = sort;
    if (!sameColumn) {
      this.#key = columnKey(sort);
      this.#keyOf = keysOf(sort, this.#pool);
    }
    const sameGroups = group === (this.#groups?.by ?? null);
    const isStill = frozen && !isFirst && sameFilter && sort === before.sort && sameGroups;
    if (isStill) {
      this.#replace(isLater ? new Set([...this.#entryById.keys(), ...touched]) : touched);
    } else if (isFirst || this.#outOfOrder || !sameColumn || !sameGroups) {
      this.#beginAnew(state, touched);
    } else {
      const isTypedOn = touched.size === 0 && !isLater && this.#isTypedOn(before.wanted);
      // First, while all stand where they stood.
      if (sort.descending !== before.sort?.descending) this.#list(reversed(this.#listed()));
      const moves = this.#take(touched);
      const sameAnswers = sameFilter && !isLater;
      this.#move(sameAnswers ? moves : this.#askAgain(moves, isTypedOn), sort.descending);
    }
    if (this.#groups) this.#settle(this.#groups, state, isStill);
  }

  #want({ query, hideRules, hosts, baselineMs }: Wanted): void {
    const before = this.#wanted;
    this.#wanted = { query, hideRules, hosts, baselineMs };
    this.#context.baselineMs = baselineMs;
    if (query !== before.query) {
      this.#tooSlow = undefined;
      this.#matches = compileQuery(query, this.#pool, this.#context);
    }
    if (hideRules !== before.hideRules) this.#isHiddenByRule = compileHideRules(hideRules);
  }

  /** Nothing is shown now that was not shown before: the query was being typed on. */
  #isTypedOn(before: Wanted): boolean {
    const { query, hideRules } = this.#wanted;
    return (
      hideRules.length === 0 && isSameWish({ ...before, query }, this.#wanted) && narrows(before.query, query)
    );
  }

  /** Turns to the picture of the state. Gives the ids of the rows that may differ from what is known of them. */
  #follow({ table, pause }: State): ReadonlySet<string> {
    const touched = table.takeChangedIds();
    const source = pause ? pause.rows : table;
    const same = source === this.#source;
    if (same && !pause) return touched;
    const missed = this.#missed;
    for (const id of touched) missed.add(id);
    if (!pause) this.#missed = new Set();
    // The picture of a pause stands still.
    if (same) {
      this.#forgetPassed(table);
      return new Set();
    }
    const isFirst = this.#source === undefined;
    this.#source = source;
    let rows = pause ? undefined : table.rows;
    this.#rowOf = (id) => (rows ??= new Map(pause?.rows.map((row) => [row.id, row]))).get(id);
    return isFirst ? new Set(pause ? pause.rows.map(({ id }) => id) : table.rows.keys()) : missed;
  }

  /** Forgets rows that came and went while the picture stood still: in a long pause these are millions. */
  #forgetPassed({ rows }: State['table']): void {
    const missed = this.#missed;
    if (missed.size < 2 * (this.#entryById.size + rows.size) + MANY) return;
    for (const id of missed) if (!this.#entryById.has(id) && !rows.has(id)) missed.delete(id);
  }

  /** Asks, sorts and groups everything. */
  #beginAnew({ group, folds, sort }: State, touched: ReadonlySet<string>): void {
    this.#outOfOrder = false;
    for (const id of touched) {
      const row = this.#rowOf(id);
      const entry = this.#entryById.get(id);
      if (row) this.#enter(row, entry);
      else if (entry) this.#leave(entry);
    }
    this.#groups = group === null ? undefined : new Groups(group, folds, this.#pool);
    this.#shown = this.#open = this.#hidden = 0;
    for (const entry of this.#entryById.values()) {
      entry.group = undefined;
      entry.hidden = false;
      entry.shown = this.#ask(entry);
      if (!entry.shown) continue;
      entry.key = this.#keyOf(entry);
      this.#count(entry, 1);
    }
    this.#arrange(sort.descending);
  }

  /** Whether an entry, of which nothing is known yet, is to be shown. */
  #ask(entry: Entry): boolean {
    if (!this.#matches(entry, entry.row)) return false;
    if (!this.#isHiddenByRule?.(entry.row.socket, entry.row.direction)) return true;
    entry.hidden = true;
    this.#hidden += openOf(entry);
    return false;
  }

  /** What was known of an entry is not any more. */
  #unask(entry: Entry): void {
    if (entry.hidden) this.#hidden -= openOf(entry);
    entry.hidden = false;
  }

  /** Takes an entry that is shown into what is counted, or out of it as it was. */
  #count(entry: Entry, sign: 1 | -1): void {
    this.#shown += sign;
    this.#open += sign * openOf(entry);
    if (sign === 1) this.#groups?.add(entry);
    else this.#groups?.remove(entry);
  }

  /** A new entry, not shown yet, in the place of the one there was of this row. */
  #enter(row: Row, before: Entry | undefined): Entry {
    const alike = before !== undefined && hasSameSearchFields(before.row.socket, row.socket);
    const entry = entryOf(row, alike ? before : takeSearchFields(row.socket, this.#pool));
    if (before && !alike) dropSearchFields(before, this.#pool);
    this.#entryById.set(row.id, entry);
    return entry;
  }

  #leave(entry: Entry): void {
    this.#entryById.delete(entry.row.id);
    dropSearchFields(entry, this.#pool);
  }

  /** An entry, which is still as it was, is not shown any more. */
  #hide(entry: Entry): void {
    if (entry.shown) this.#count(entry, -1);
    entry.shown = false;
    this.#unask(entry);
  }

  /** The entry stands for this row now, and is shown if the filter lets that through. */
  #turnInto(entry: Entry, row: Row): void {
    this.#hide(entry);
    if (!hasSameSearchFields(entry.row.socket, row.socket)) {
      dropSearchFields(entry, this.#pool);
      Object.assign(entry, takeSearchFields(row.socket, this.#pool));
    }
    renew(entry, row);
    entry.shown = this.#ask(entry);
    if (entry.shown) this.#count(entry, 1);
  }

  /** Brings the entries of touched rows up to date. @returns those that have left their places, and those that want one */
  #take(touched: ReadonlySet<string>): Moves {
    const [gone, come]: [Entry[], Entry[]] = [[], []];
    for (const id of touched) {
      const row = this.#rowOf(id);
      let entry = this.#entryById.get(id);
      const wasShown = entry?.shown ?? false;
      if (row && entry && this.#stays(entry, row)) {
        this.#turnInto(entry, row);
        if (wasShown && !entry.shown) gone.push(entry);
        if (wasShown || !entry.shown) continue;
      } else {
        if (entry) {
          if (wasShown) gone.push(entry);
          this.#hide(entry);
          if (!row) this.#leave(entry);
        }
        if (!row) continue;
        entry = this.#enter(row, entry);
        entry.shown = this.#ask(entry);
        if (!entry.shown) continue;
        this.#count(entry, 1);
      }
      entry.key = this.#keyOf(entry);
      come.push(entry);
    }
    return { gone, come };
  }

  /** True where a row goes where its entry stands; what is hidden stands nowhere. */
  #stays(entry: Entry, row: Row): boolean {
    if (!entry.shown) return true;
    return staysInPlace(entry, row, this.#key(row)) && (this.#groups?.isIn(entry, row) ?? true);
  }

  /**
   * Asks all entries once more.
   * @param moves what is to be moved already
   * @param isTypedOn nothing is to be shown that is hidden
   * @returns that, with what is to be hidden and shown besides
   */
  #askAgain({ gone, come }: Moves, isTypedOn: boolean): Moves {
    const [left, fresh] = [new Set(gone), new Set(come)];
    // Of many all in the order in which they came, which is about that in memory: twice as fast as by their places.
    const isFew = isTypedOn && this.#shown < this.#entryById.size / 2;
    for (const entry of isFew ? this.#listed() : this.#entryById.values()) {
      const wasShown = entry.shown;
      if (isTypedOn && !wasShown) continue;
      this.#unask(entry);
      const isShown = this.#ask(entry);
      if (isShown === wasShown) continue;
      entry.shown = isShown;
      this.#count(entry, isShown ? 1 : -1);
      if (isShown) entry.key = this.#keyOf(entry);
      // A regex that has become too slow meanwhile answers otherwise than a moment ago.
      if (isShown && !left.has(entry)) come.push(entry);
      if (!isShown && !fresh.has(entry)) gone.push(entry);
    }
    return { gone: gone.filter(({ shown }) => !shown), come: come.filter(({ shown }) => shown) };
  }

  /** Takes entries out of the order and puts others in; where they are many, what is shown is put in order anew. */
  #move({ gone, come }: Moves, descending: boolean): void {
    const moved = gone.length + come.length;
    if (moved === 0) return;
    if (moved > Math.max(FEW, this.#shown / 4) || this.#filling) {
      if (come.length > 0) this.#arrange(descending);
      else this.#list(this.#listed().filter(({ shown }) => shown));
    } else if (this.#groups) {
      for (const entry of gone) this.#groups.hide(entry);
      for (const entry of come) this.#groups.show(entry);
    } else {
      exchange(this.#entries, gone, come, comparator(descending));
      this.#indexed = undefined;
    }
  }

  /** Sorts what is shown. */
  #arrange(descending: boolean): void {
    const unsorted = this.#unsorted;
    let count = 0;
    for (const entry of this.#entryById.values()) if (entry.shown) unsorted[count++] = entry;
    unsorted.length = count;
    const sorted = this.#groups ? new Array<Entry>(count) : this.#entries;
    sortInto(sorted, unsorted, descending);
    this.#list(sorted);
  }

  /** From now on these are shown, in this order. */
  #list(entries: Entry[]): void {
    this.#filling = this.#groups && entries;
    this.#entries = this.#groups ? [] : entries;
    this.#indexed = undefined;
  }

  /** Brings the groups up to date with the rows. */
  #settle(groups: Groups, { folds, sort }: State, isStill: boolean): void {
    // Positions of rows depend on all before them.
    this.#indexed = undefined;
    groups.fold(folds);
    if (this.#filling) groups.fill(this.#filling, sort);
    else groups.settle(sort, isStill ? undefined : comparator(sort.descending));
    this.#filling = undefined;
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
      const wasShown = before?.shown ?? false;
      if (!row) {
        if (!before) continue;
        if (wasShown) hidden.add(before);
        if (wasShown) this.#groups?.hide(before);
        this.#hide(before);
        this.#leave(before);
        continue;
      }
      const entry = before ?? this.#enter(row, undefined);
      // A row that belongs elsewhere now is new there.
      const stays = !wasShown || (this.#groups?.isIn(entry, row) ?? true);
      if (!stays) this.#groups?.hide(entry);
      this.#turnInto(entry, row);
      if (wasShown && !entry.shown) hidden.add(entry);
      else if (!wasShown && entry.shown) revealed.push(entry);
      if (wasShown && stays && !entry.shown) this.#groups?.hide(entry);
      else if (entry.shown && !(wasShown && stays)) this.#groups?.show(entry);
    }
    if (this.#groups || hidden.size + revealed.length === 0) return;
    this.#list([...this.#entries.filter((entry) => !hidden.has(entry)), ...revealed]);
  }
}
