import type { Socket } from '../model/socket.ts';
import { compileFilter, type Filter } from '../query/filter.ts';
import type { Sort, State } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { COLUMNS } from './columns.ts';

interface Entry {
  readonly row: Row;
  readonly key: number | string;
}

const keyOf = ({ column }: Sort): ((row: Row) => number | string) =>
  COLUMNS.find(({ id }) => id === column)?.key ?? ((row) => row.id);

const compareKeys = (a: number | string, b: number | string): number =>
  a === b ? 0 : typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'number' ? -1 : 1;

/** Equal keys go by pid, local port, remote port and at last by id: the order never depends on arrival. */
const compareTies = (a: Row, b: Row): number =>
  compareKeys(a.socket.owners[0]?.pid ?? -1, b.socket.owners[0]?.pid ?? -1) ||
  a.socket.local.port - b.socket.local.port ||
  (a.socket.remote?.port ?? -1) - (b.socket.remote?.port ?? -1) ||
  compareKeys(a.id, b.id);

const comparator = (descending: boolean): ((a: Entry, b: Entry) => number) =>
  descending
    ? (a, b) => compareKeys(b.key, a.key) || compareTies(a.row, b.row)
    : (a, b) => compareKeys(a.key, b.key) || compareTies(a.row, b.row);

/** Two sorted lists as one. */
function merge(a: readonly Entry[], b: readonly Entry[], compare: (a: Entry, b: Entry) => number): Entry[] {
  const merged: Entry[] = [];
  let j = 0;
  for (const entry of a) {
    for (let next = b[j]; next && compare(next, entry) < 0; next = b[++j]) merged.push(next);
    merged.push(entry);
  }
  for (let next = b[j]; next; next = b[++j]) merged.push(next);
  return merged;
}

/**
 * The rows that are shown, filtered and sorted. A tick costs one pass over the rows and a sort of those that
 * changed; only another filter or another sort order sorts all of them.
 */
export class RowOrder {
  #entries: Entry[] = [];
  #indexById: Map<string, number> | undefined;
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
    this.#indexById ??= new Map(this.#entries.map(({ row }, index) => [row.id, index]));
    return this.#indexById.get(id) ?? -1;
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
    const sameSort = state.sort === this.#sort;
    this.#sort = state.sort;
    if (!sameFilter || !sameSort || source !== this.#source) {
      this.#source = source;
      this.#rebuild(state);
    } else if (!state.pause && touched.size > 0) {
      if (state.frozen) this.#replace(state, touched);
      else this.#reorder(state, touched);
    } else if (!state.frozen && this.#outOfOrder) {
      this.#rebuild(state);
    }
  }

  /** The order stood still while rows changed. */
  #outOfOrder = false;

  #set(entries: Entry[]): void {
    this.#entries = entries;
    this.#indexById = undefined;
  }

  #rebuild({ pause, table, sort }: State): void {
    const key = keyOf(sort);
    const entries: Entry[] = [];
    for (const row of pause ? pause.rows : table.rows.values()) {
      if (this.#matches(row.socket)) entries.push({ row, key: key(row) });
    }
    this.#outOfOrder = false;
    this.#set(entries.sort(comparator(sort.descending)));
  }

  /** The touched rows of now that the filter lets through. */
  #entriesOf({ table, sort }: State, ids: Iterable<string>): Entry[] {
    const key = keyOf(sort);
    const entries: Entry[] = [];
    for (const id of ids) {
      const row = table.rows.get(id);
      if (row && this.#matches(row.socket)) entries.push({ row, key: key(row) });
    }
    return entries;
  }

  #reorder(state: State, touched: ReadonlySet<string>): void {
    if (this.#outOfOrder) {
      this.#rebuild(state);
      return;
    }
    const compare = comparator(state.sort.descending);
    const unchanged = this.#entries.filter(({ row }) => !touched.has(row.id));
    this.#set(merge(unchanged, this.#entriesOf(state, touched).sort(compare), compare));
  }

  /** Frozen: every row keeps its place, new ones come last. */
  #replace(state: State, touched: ReadonlySet<string>): void {
    const now = new Map(this.#entriesOf(state, touched).map((entry) => [entry.row.id, entry]));
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
