import type { Query } from '../../query/query.ts';
import type { Sort } from '../../store/columns.ts';
import type { State } from '../../store/state.ts';
import { pictureOf } from '../../store/picture.ts';
import type { RateHistory } from '../../store/rate-history.ts';
import type { Row } from '../../store/row.ts';
import { RowFollower } from './follower.ts';
import { updateInPlace } from './in-place.ts';
import { type GroupItem, type Item, TIME_WAIT_ID } from './item.ts';
import { evaluateAll, evaluateTimeWait, queueMoves, updateTouched } from './moves.ts';
import { withPeers } from './pairs.ts';
import { KeptLines } from './kept-lines.ts';
import { ReadRows } from './read-rows.ts';
import { ShownRows } from './shown.ts';
import { comparator, reverseKeys } from './sorted.ts';

/**
 * The rows that are shown, filtered, sorted and grouped. A tick reads only the rows that changed, and moves those whose
 * sort position changed. A new query is evaluated for all rows, or only for the shown ones if it narrows the last one.
 * Hidden rows have no position.
 *
 *     state ─▶ RowFollower: touched rows ─┬▶ frozen: each row keeps its position (in-place.ts)
 *                                         ├▶ few rows change position: only these are moved (moves.ts)
 *                                         └▶ another column or grouping: all are sorted (rebuild)
 */
export class RowOrder {
  readonly #shown = new ShownRows();
  readonly #follower = new RowFollower(this.#shown.entries);
  /** Sort order of the last update; undefined before the first one. */
  #sort: Sort | undefined;
  /** True if rows or keys changed while the order was frozen. */
  #outOfOrder = false;
  /** The last answer of `indexOf`; undefined once a line may have moved. */
  #indexed: { readonly id: string; readonly index: number } | undefined;

  /** Lines of the last paint. */
  readonly lines = new KeptLines();

  /** Visible rows that were compared for `sameColumns`, and measured for `noteWidths`. */
  readonly compared = new ReadRows();
  readonly measured = new ReadRows();

  /** Increases with each update that may have changed a shown row, or which rows are shown. */
  revision = 0;

  /** Number of lines of the table: rows, group headers, and the line of sockets in TIME_WAIT. */
  get length(): number {
    return this.rowLines + (this.#lastLine ? 1 : 0);
  }

  /** Number of rows and group headers. */
  get rowLines(): number {
    return this.#shown.arrangement.length;
  }

  /** Returns the lines from `start` up to `end`; all lines without arguments. */
  slice(start = 0, end = Infinity): Item[] {
    const { arrangement } = this.#shown;
    const items = arrangement.slice(start, end);
    const last = this.#lastLine;
    if (last && start <= arrangement.length && end > arrangement.length) items.push(last);
    return items;
  }

  /** Returns the shown rows in order, including those in folded groups. */
  rows(): Row[] {
    return this.#shown.arrangement.entries().map(({ row }) => row);
  }

  /** Returns every row that matches the query and no hide rule: the shown ones in order, then the joined and folded ones. */
  matchingRows(): Row[] {
    const rows = this.rows();
    for (const { row, shown, counted } of this.#shown.entries.values())
      if (!shown && (counted === 'pair' || counted === 'time-wait')) rows.push(row);
    return rows;
  }

  /** Number of shown rows that are open. */
  get openCount(): number {
    return this.#shown.filter.open;
  }

  /** Number of open rows that match the query and are hidden by a hide rule. */
  get hiddenCount(): number {
    return this.#shown.filter.hidden;
  }

  /** Returns the number of open rows that another query matches and no hide rule hides. Reads all rows. */
  countOf(query: Query): number {
    return this.#shown.filter.countOf(query);
  }

  /** Number of open rows that match the query and are shown by the row of their peer. */
  get joinedCount(): number {
    return this.#shown.filter.joined;
  }

  /** Number of open sockets in TIME_WAIT that match the query and are only counted. */
  get foldedTimeWait(): number {
    const { item } = this.#shown.filter.timeWait;
    return item?.folded ? item.count : 0;
  }

  /** See `RowFilter.tooSlow`. */
  get tooSlow(): string | undefined {
    return this.#shown.filter.tooSlow;
  }

  /** The line of sockets in TIME_WAIT, below all others. */
  get #lastLine(): Item | undefined {
    return this.#shown.filter.timeWait.item;
  }

  at(index: number): Item | undefined {
    return index < 0 ? undefined : this.slice(index, index + 1)[0];
  }

  /** Returns the row at a position; undefined for a group header. */
  rowAt(index: number): Row | undefined {
    const item = this.at(index);
    return item?.type === 'row' ? item.row : undefined;
  }

  /** Returns the position of a row or group header; -1 if it is not shown. */
  indexOf(id: string | null): number {
    if (id === null) return -1;
    if (id === TIME_WAIT_ID) return this.#lastLine ? this.#shown.arrangement.length : -1;
    // Callers nearly always ask for the selected row, many times per tick.
    if (this.#indexed?.id !== id) this.#indexed = { id, index: this.#find(id) };
    return this.#indexed.index;
  }

  #find(id: string): number {
    const { entries, arrangement } = this.#shown;
    const entry = entries.get(id);
    return entry?.shown ? arrangement.indexOfEntry(entry) : arrangement.indexOfId(id);
  }

  /**
   * Returns the id of the line that stands for a row when it is folded: the header of its group, or the line of sockets
   * in TIME_WAIT; undefined without one.
   */
  headerOf(id: string): string | undefined {
    const entry = this.#shown.entries.get(id);
    if (entry?.shown) return entry.group?.id;
    return entry?.counted === 'time-wait' ? this.#lastLine?.id : undefined;
  }

  /** Returns all rows of a group, in order, also of a folded one. */
  rowsIn({ first }: GroupItem): readonly Row[] {
    return this.#shown.entries.get(first.id)?.group?.entries.map(({ row }) => row) ?? [];
  }

  /** Returns the rates of a group in the last ticks; undefined without traffic. */
  historyOf({ first }: GroupItem): RateHistory | undefined {
    const group = this.#shown.entries.get(first.id)?.group;
    return group && this.#shown.arrangement.historyOf(group);
  }

  /** Catches up with the state. */
  update(state: State): void {
    const { arrangement } = this.#shown;
    const { version } = arrangement;
    this.#update(state);
    const now = this.#shown.arrangement;
    if (now !== arrangement || now.version !== version) this.#indexed = undefined;
  }

  #update(state: State): void {
    const { sort, group, folds, frozen, lookups } = state;
    const shown = this.#shown;
    const before = this.#sort;
    this.#sort = sort;
    const changed = this.#follower.read(state);
    const touched =
      state.joinsPairs || state.query.asksPeers ? withPeers(shown.entries, this.#follower, changed) : changed;
    const change = shown.filter.update(state);
    const isRekeyed = shown.updateKeys(state);
    const isRegrouped = !shown.arrangement.isBy(group, lookups);
    if (touched.size > 0 || change !== 'none' || isRegrouped) this.revision++;
    const isFrozen = frozen && sort === before && !isRegrouped && (change === 'none' || change === 'time');
    if (isFrozen) {
      const asked = change === 'time' ? new Set([...touched, ...shown.entries.ids()]) : touched;
      if (isRekeyed || asked.size > 0) this.#outOfOrder = true;
      updateInPlace(shown, this.#follower, asked);
    } else if (before === undefined || this.#outOfOrder || isRekeyed || isRegrouped) {
      this.#outOfOrder = false;
      this.#rebuild(state, touched);
    } else {
      // The order is reversed before any entry moves or changes its key.
      if (sort.descending !== before.descending)
        shown.arrangement.replace(reverseKeys(shown.arrangement.entries()), sort);
      const moves = updateTouched(shown, this.#follower, touched);
      const isNarrowed = change === 'narrower' && touched.size === 0;
      queueMoves(shown, change === 'none' ? moves : evaluateAll(shown, moves, isNarrowed), sort);
    }
    shown.arrangement.fold(folds);
    const compare = isFrozen ? undefined : comparator(sort.descending);
    shown.arrangement.applyMoves(sort, compare);
    if (shown.filter.timeWait.update(folds)) {
      queueMoves(shown, evaluateTimeWait(shown), sort, isFrozen);
      shown.arrangement.applyMoves(sort, compare);
    }
    shown.arrangement.endUpdate(pictureOf(state).tick, change === 'any' || change === 'narrower');
  }

  /** Filters, sorts and groups all rows. */
  #rebuild(state: State, touched: ReadonlySet<string>): void {
    const shown = this.#shown;
    for (const id of touched) {
      const row = this.#follower.rowOf(id);
      const entry = shown.entries.get(id);
      if (entry) shown.filter.retract(entry);
      if (row) shown.entries.add(row, entry);
      else if (entry) shown.entries.remove(entry);
    }
    shown.regroup(state);
    shown.showAll(state.sort);
  }
}
