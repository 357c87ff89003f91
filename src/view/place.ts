import type { ColumnId } from '../store/state.ts';
import type { Row, Seen } from '../store/table.ts';
import { type CellContext, type Column, COLUMNS, presentColumns } from './columns.ts';
import { displayWidth } from './width.ts';

/** A column with the cells it has in this pane. */
export interface PlacedColumn {
  readonly column: Column;
  /** First cell, counted from the left edge. */
  readonly left: number;
  readonly width: number;
}

/** The widest text seen in a column. It only ever grows: the table does not wobble as rows come and go. */
export type WidestSeen = Map<ColumnId, number>;

/** Takes note of the rows that are about to be shown. */
export function noteWidths(widest: WidestSeen, rows: readonly Row[], context: CellContext): void {
  for (const { id, width, text } of COLUMNS) {
    let most = widest.get(id) ?? 0;
    for (const row of rows) {
      if (most >= width.most) break;
      most = Math.max(most, Math.min(width.most, displayWidth(text(row, context))));
    }
    widest.set(id, most);
  }
}

/** Cells before the first column: the mark and a space. */
export const GUTTER = 2;

/** So many columns, by priority, stay in the narrowest pane. */
const ESSENTIAL = 5;

/** Cells between two columns, from the airiest: at no width does air cost a column. */
const GAPS = [2, 1] as const;

/**
 * Chooses the columns for a pane and their widths. The essential columns are squeezed before one leaves; the others
 * come, by priority, as soon as all before them have their good width. What is then left goes to the columns that
 * have had wider texts.
 * @param width cells of the whole pane
 * @param seen what sources have told, on which some columns depend
 */
export function placeColumns(
  width: number,
  widest: ReadonlyMap<ColumnId, number>,
  seen: Seen,
): PlacedColumn[] {
  const size = chooseColumns(width, presentColumns(seen));
  const cells = [...size.values()].reduce((sum, each) => sum + each, 0);
  const free = (gap: number) => width - GUTTER - cells - gap * Math.max(0, size.size - 1);
  const gap = GAPS.find((it) => free(it) >= 0) ?? 1;
  shareOut(size, free(gap), widest);
  let left = GUTTER;
  return COLUMNS.flatMap((column) => {
    const cells = size.get(column);
    if (cells === undefined) return [];
    const placed = { column, left, width: cells };
    left += cells + gap;
    return [placed];
  });
}

/** The columns that a pane has room for with the least air between them, and their widths. */
function chooseColumns(width: number, columns: readonly Column[]): Map<Column, number> {
  const byPriority = columns
    .filter(({ from = 0 }) => width >= from)
    .toSorted((a, b) => a.priority - b.priority);
  const size = new Map<Column, number>();
  const free = () => {
    const cells = [...size.values()].reduce((sum, each) => sum + each, 0);
    return width - GUTTER - cells - Math.max(0, size.size - 1);
  };
  for (const column of byPriority.slice(0, ESSENTIAL)) {
    size.set(column, column.width.least);
    if (free() < 0 && size.size > 1) size.delete(column);
  }
  for (const [column, cells] of size) {
    size.set(column, Math.min(cells + Math.max(0, free()), column.width.good));
  }
  for (const column of byPriority.slice(ESSENTIAL)) {
    if (size.size < ESSENTIAL || free() <= column.width.good) break;
    size.set(column, column.width.good);
  }
  return size;
}

/** Gives the cells that are left over to the columns that need more, one to each in turn. */
function shareOut(size: Map<Column, number>, cells: number, widest: ReadonlyMap<ColumnId, number>): void {
  let left = cells;
  const wanting = (): Column[] =>
    [...size].flatMap(([column, cells]) => (cells < (widest.get(column.id) ?? 0) ? [column] : []));
  for (let columns = wanting(); columns.length > 0 && left > 0; columns = wanting()) {
    for (const column of columns.slice(0, left)) size.set(column, (size.get(column) ?? 0) + 1);
    left -= Math.min(left, columns.length);
  }
}
