import type { ColumnId } from '../../store/columns.ts';
import type { Row } from '../../store/row.ts';
import type { Query } from '../../query/query.ts';
import type { CellContext } from '../columns/columns.ts';
import type { Line } from '../text/line.ts';
import { type MatchedParts, matchedPartsOf } from './matches.ts';
import type { PlacedColumn } from './place.ts';
import { cellIn, lineOfCells, type RowStyle, type Selection } from './row-line.ts';

/** All inputs of the cells of the table besides their rows. */
type TableContext = Required<CellContext>;

/** A context that notes which of its fields a cell reads that may change while the row stays the same. */
class NotingContext implements CellContext {
  readonly #context: TableContext;
  readonly serviceNames: boolean;
  readonly hasOldRates: boolean;
  readonly lookups: TableContext['lookups'];
  readsTime = false;
  readsTable = false;

  constructor(context: TableContext) {
    this.#context = context;
    this.serviceNames = context.serviceNames;
    this.hasOldRates = context.hasOldRates;
    this.lookups = context.lookups;
  }

  get nowMs(): number {
    this.readsTime = true;
    return this.#context.nowMs;
  }

  get takenAtMs(): number {
    this.readsTime = true;
    return this.#context.takenAtMs;
  }

  get tick(): number {
    this.readsTime = true;
    return this.#context.tick;
  }

  get rows(): TableContext['rows'] {
    this.readsTable = true;
    return this.#context.rows;
  }

  get directoryParts(): TableContext['directoryParts'] {
    this.readsTable = true;
    return this.#context.directoryParts;
  }
}

/** Values that all lines of one paint share. */
interface Common {
  readonly columns: readonly PlacedColumn[];
  readonly context: TableContext;
  readonly query: Query;
  /** Number of the last change of the table. */
  readonly sequence: number;
}

/** The texts of a row. */
interface Cells {
  readonly cells: readonly string[];
  /** Indexes of the cells that depend on the time, and on other rows. */
  readonly timed: readonly number[];
  readonly related: readonly number[];
}

/** A line with the cells and the style that it was made from. */
interface Kept extends Cells, Omit<RowStyle, 'columns'> {
  readonly line: Line;
}

const hasSameColumns = (one: readonly PlacedColumn[], other: readonly PlacedColumn[]): boolean =>
  one.length === other.length &&
  one.every(({ column, left, width }, i) => {
    const its = other[i];
    return column === its?.column && left === its.left && width === its.width;
  });

/**
 * Keeps the lines of the last paint. At rest nothing but an age changes in a line: then only cells that depend on the time,
 * or on other rows that have changed, are made again. After a change of the query or the selection, lines are made again
 * from the same cells.
 */
export class KeptLines {
  #common: Common | undefined;
  #matched: MatchedParts | undefined;
  #kept = new Map<Row, Kept>();

  /**
   * Begins a paint.
   * @returns the function that returns the line of a row: the same object as in the last paint if it says the same.
   *   Its parameter `cell` is the column of the selected cell
   */
  begin(common: Common): (row: Row, selection: Selection, cell: ColumnId | null) => Line {
    const { columns, context, query, sequence } = common;
    const last = this.#common;
    const before = last && hasSameInputs(last, common) ? this.#kept : new Map<Row, Kept>();
    const isSameTable = last?.sequence === sequence && last.context.rows === context.rows;
    const isSameMoment = last !== undefined && isAtSameMoment(last.context, context);
    const isSameQuery = last?.query === query;
    if (!isSameQuery) this.#matched = matchedPartsOf(query);
    this.#common = common;
    const now = new Map<Row, Kept>();
    this.#kept = now;
    const matched = this.#matched;
    return (row, selection, cell) => {
      const chosen = selection === 'moving' ? cell : null;
      const style = { columns, selection, chosen, isMarked: context.marked.has(row.id) };
      const last = before.get(row);
      const hasSameCells =
        last !== undefined &&
        (isSameMoment || areSame(last, last.timed, row, common)) &&
        (isSameTable || areSame(last, last.related, row, common));
      const isKept =
        hasSameCells &&
        isSameQuery &&
        last.selection === selection &&
        last.chosen === chosen &&
        last.isMarked === style.isMarked;
      const kept = isKept
        ? last
        : keptOf(row, style, hasSameCells ? last : cellsOf(row, style, context), matched);
      now.set(row, kept);
      return kept.line;
    };
  }

  /**
   * Returns true if no row of the last paint is marked, and the lines would say the same at the time of this context. Only
   * the time may have changed since.
   */
  areCurrent(context: TableContext): boolean {
    const columns = this.#common?.columns ?? [];
    for (const [row, kept] of this.#kept)
      if (row.mark !== 'none' || !areSame(kept, kept.timed, row, { columns, context })) return false;
    return true;
  }
}

/** Returns true if some cells of a line would say the same as in the last paint. */
const areSame = (
  { cells }: Cells,
  indexes: readonly number[],
  row: Row,
  { columns, context }: Pick<Common, 'columns' | 'context'>,
): boolean => indexes.every((i) => columns[i] && cellIn(columns[i], row, context) === cells[i]);

/** Returns true if no cell differs because of the time. */
const isAtSameMoment = (one: TableContext, other: TableContext): boolean =>
  one.nowMs === other.nowMs && one.takenAtMs === other.takenAtMs && one.tick === other.tick;

const hasSameInputs = (one: Common, other: Common): boolean =>
  one.context.serviceNames === other.context.serviceNames &&
  one.context.hasOldRates === other.context.hasOldRates &&
  one.context.lookups === other.context.lookups &&
  hasSameColumns(one.columns, other.columns);

/** Makes the cells of a row. */
function cellsOf(row: Row, { columns }: RowStyle, context: TableContext): Cells {
  const timed: number[] = [];
  const related: number[] = [];
  const cells = columns.map((placed, i) => {
    const noting = new NotingContext(context);
    const text = cellIn(placed, row, noting);
    if (noting.readsTime) timed.push(i);
    if (noting.readsTable) related.push(i);
    return text;
  });
  return { cells, timed, related };
}

/** Makes the line of a row. */
function keptOf(
  row: Row,
  style: RowStyle,
  { cells, timed, related }: Cells,
  matched: MatchedParts | undefined,
): Kept {
  const { selection, chosen, isMarked } = style;
  const line = lineOfCells(row, cells, style, matched);
  return { selection, chosen, isMarked, line, cells, timed, related };
}
