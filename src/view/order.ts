import type { Socket } from '../model/socket.ts';
import { compileFilter, type Filter } from '../query/filter.ts';
import type { Sort, State } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { COLUMNS } from './columns.ts';

/** A row with all that it is sorted by at hand: in a search each step to another object is a wait for memory. */
interface Entry {
  readonly row: Row;
  readonly key: number | string;
  readonly pid: number;
  readonly localPort: number;
  readonly remotePort: number;
}

/** So many changed rows are put into their places one by one, whatever the count of all rows. */
const FEW = 16;

/** So many arguments a call is sure to take; with some 100,000 the stack overflows. */
const ARGUMENTS = 10_000;

const keyOf = ({ column }: Sort): ((row: Row) => number | string) =>
  COLUMNS.find(({ id }) => id === column)?.key ?? ((row) => row.id);

const compareKeys = (a: number | string, b: number | string): number =>
  a === b ? 0 : typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'number' ? -1 : 1;

/** Equal keys go by pid, local port, remote port and at last by id: the order never depends on arrival. */
const compareTies = (a: Entry, b: Entry): number =>
  a.pid - b.pid ||
  a.localPort - b.localPort ||
  a.remotePort - b.remotePort ||
  compareKeys(a.row.id, b.row.id);

type Compare = (a: Entry, b: Entry) => number;

const comparator = (descending: boolean): Compare =>
  descending
    ? (a, b) => compareKeys(b.key, a.key) || compareTies(a, b)
    : (a, b) => compareKeys(a.key, b.key) || compareTies(a, b);

/** First position whose entry does not come before `entry`: its own, where it is there. */
function positionOf(entry: Entry, entries: readonly Entry[], compare: Compare): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const there = entries[middle];
    if (there && compare(there, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A sorted list without some of its entries and with others. Both are few: only their places are looked up. */
function exchange(
  entries: readonly Entry[],
  gone: readonly Entry[],
  come: readonly Entry[],
  compare: Compare,
): Entry[] {
  const cuts = [
    ...gone.map((entry) => ({ at: positionOf(entry, entries, compare), entry, skip: 1 })),
    ...come.map((entry) => ({ at: positionOf(entry, entries, compare), entry, skip: 0 })),
  ];
  // What comes stands before what is at its place, be that to go or to stay.
  cuts.sort((a, b) => a.at - b.at || a.skip - b.skip || compare(a.entry, b.entry));
  const parts: Entry[][] = [];
  let from = 0;
  for (const { at, entry, skip } of cuts) {
    parts.push(entries.slice(from, at));
    if (skip === 0) parts.push([entry]);
    from = at + skip;
  }
  parts.push(entries.slice(from));
  let result: Entry[] = [];
  for (let i = 0; i < parts.length; i += ARGUMENTS) result = result.concat(...parts.slice(i, i + ARGUMENTS));
  return result;
}

const entryOf = (row: Row, key: number | string): Entry => ({
  row,
  key,
  pid: row.socket.owners[0]?.pid ?? -1,
  localPort: row.socket.local.port,
  remotePort: row.socket.remote?.port ?? -1,
});

/** The same entries with their keys the other way round; those with equal keys stay as they were to each other. */
function reversed(entries: readonly Entry[]): Entry[] {
  const result: Entry[] = [];
  for (let end = entries.length; end > 0;) {
    let start = end - 1;
    while (start > 0 && entries[start - 1]?.key === entries[end - 1]?.key) start--;
    for (const entry of entries.slice(start, end)) result.push(entry);
    end = start;
  }
  return result;
}

/** The rows of the picture by id, filtered or not. */
const rowsOf = ({ pause, table }: State): ReadonlyMap<string, Row> =>
  pause ? new Map(pause.rows.map((row) => [row.id, row])) : table.rows;

/**
 * The rows that are shown, filtered and sorted. A tick looks at the rows that changed, another filter
 * at all of them; only another column to sort by sorts all of them.
 */
export class RowOrder {
  /** What is shown. */
  #entries: Entry[] = [];
  /** Every row, filtered or not, in order; the same array when nothing is filtered. */
  #sorted: Entry[] = [];
  /** All entries by the id of their row. */
  #entryById = new Map<string, Entry>();
  #indexed: { readonly id: string; readonly index: number } | undefined;
  #filter: Filter | undefined;
  #matches: (socket: Socket) => boolean = () => true;
  #sort: Sort | undefined;
  #source: readonly Row[] | State['table'] | undefined;

  get length(): number {
    return this.#entries.length;
  }

  /** The rows at these positions, in order; all of them without positions. */
  slice(start?: number, end?: number): Row[] {
    return this.#entries.slice(start, end).map(({ row }) => row);
  }

  /** Rows shown that are not closed. */
  get openCount(): number {
    let count = 0;
    for (const { row } of this.#entries) if (row.mark !== 'closed') count++;
    return count;
  }

  at(index: number): Row | undefined {
    return this.#entries[index]?.row;
  }

  /** Position of a row; -1 when it is not shown. */
  indexOf(id: string | null): number {
    if (id === null) return -1;
    // Nearly always it is the selected row that is asked for, many times.
    if (this.#indexed?.id !== id) {
      this.#indexed = { id, index: this.#entries.findIndex(({ row }) => row.id === id) };
    }
    return this.#indexed.index;
  }

  /** Catches up with the state. */
  update(state: State): void {
    const touched = state.table.takeTouched();
    const source = state.pause ? state.pause.rows : state.table;
    const sameFilter = state.filter === this.#filter;
    if (!sameFilter) {
      this.#filter = state.filter;
      this.#matches = compileFilter(state.filter);
    }
    const before = this.#sort;
    const sameSort = state.sort === before;
    this.#sort = state.sort;
    const sameSource = source === this.#source;
    this.#source = source;
    if (state.frozen && sameFilter && sameSort) {
      // Into a pause or out of it: another picture, in the order that stands still.
      if (!sameSource) this.#replace(state, new Set([...this.#ids(), ...rowsOf(state).keys()]));
      else if (!state.pause && touched.size > 0) this.#replace(state, touched);
      return;
    }
    const turned = !sameSort && state.sort.column === before?.column;
    const many = touched.size > FEW && touched.size > this.#sorted.length / 4;
    if (!sameSource || this.#outOfOrder || (!sameSort && !turned) || many) {
      this.#rebuild(state);
      return;
    }
    const turns = turned && state.sort.descending !== before.descending;
    if (turns) this.#sorted = reversed(this.#sorted);
    const changes = !state.pause && touched.size > 0;
    if (changes) this.#reorder(state, touched, sameFilter && !turns);
    if (!sameFilter || turns) this.#select();
  }

  /** The order stood still while rows changed. */
  #outOfOrder = false;

  #set(entries: Entry[]): void {
    this.#entries = entries;
    this.#indexed = undefined;
  }

  #ids(): string[] {
    return this.#entries.map(({ row }) => row.id);
  }

  get #isFiltered(): boolean {
    return Object.keys(this.#filter ?? {}).length > 0;
  }

  /** Takes from all rows those that the filter lets through. */
  #select(): void {
    this.#set(this.#isFiltered ? this.#sorted.filter((it) => this.#lets(it)) : this.#sorted);
  }

  #lets({ row }: Entry): boolean {
    return this.#matches(row.socket);
  }

  #rebuild(state: State): void {
    this.#outOfOrder = false;
    const entries = this.#entriesOf(state, rowsOf(state).keys());
    this.#entryById = new Map(entries.map((entry) => [entry.row.id, entry]));
    this.#sorted = entries.sort(comparator(state.sort.descending));
    this.#select();
  }

  /** Those of the rows that there are now. */
  #entriesOf(state: State, ids: Iterable<string>): Entry[] {
    const key = keyOf(state.sort);
    const rows = rowsOf(state);
    const entries: Entry[] = [];
    for (const id of ids) {
      const row = rows.get(id);
      if (row) entries.push(entryOf(row, key(row)));
    }
    return entries;
  }

  /** Puts touched rows into their places among all rows and, where asked to, among those shown. */
  #reorder(state: State, touched: ReadonlySet<string>, shown: boolean): void {
    const compare = comparator(state.sort.descending);
    const gone = [...touched].flatMap((id) => this.#entryById.get(id) ?? []);
    const come = this.#entriesOf(state, touched);
    for (const id of touched) this.#entryById.delete(id);
    for (const entry of come) this.#entryById.set(entry.row.id, entry);
    this.#sorted = exchange(this.#sorted, gone, come, compare);
    if (!shown) return;
    if (!this.#isFiltered) this.#set(this.#sorted);
    else {
      const lets = (it: Entry) => this.#lets(it);
      this.#set(exchange(this.#entries, gone.filter(lets), come.filter(lets), compare));
    }
  }

  /** Frozen: every row keeps its place, new ones come last. */
  #replace(state: State, touched: ReadonlySet<string>): void {
    const entries = this.#entriesOf(state, touched).filter((it) => this.#lets(it));
    const now = new Map(entries.map((entry) => [entry.row.id, entry]));
    const kept: Entry[] = [];
    for (const entry of this.#entries) {
      if (!touched.has(entry.row.id)) kept.push(entry);
      else {
        const replacement = now.get(entry.row.id);
        if (replacement) kept.push(replacement);
        now.delete(entry.row.id);
      }
    }
    this.#outOfOrder = true;
    this.#set([...kept, ...now.values()]);
  }
}
