import { type ColumnChoice, type ColumnId, MAX_COLUMN_WIDTH } from '../store/state.ts';
import type { Row, Seen } from '../store/table.ts';
import { type CellContext, type Column, columnOf, COLUMNS, presentColumns } from './columns.ts';
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

/** Takes note of the rows that are about to be shown in these columns. */
export function noteWidths(
  widest: WidestSeen,
  rows: readonly Row[],
  context: CellContext,
  columns: readonly Column[],
): void {
  for (const { id, width, text } of columns) {
    let most = widest.get(id) ?? 0;
    for (const row of rows) {
      if (most >= width.most) break;
      most = Math.max(most, Math.min(width.most, displayWidth(text(row, context), width.most)));
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

/** A chosen width lies between these, cells. */
export const CHOSEN_WIDTH = { least: 1, most: MAX_COLUMN_WIDTH } as const;

/**
 * Chooses the columns for a pane and their widths. Of columns that come by themselves the essential ones are squeezed
 * before one leaves; the others come, by priority, as soon as all before them have their good width. Of those that the
 * user has chosen the last ones are squeezed, and leave, first; a chosen width stays. What is then left goes to the
 * columns that have had wider texts.
 * @param width cells of the whole pane
 * @param seen what sources have told, on which columns depend that come by themselves
 * @param choices what the user has chosen; with null, or none, the columns come by themselves
 */
export function placeColumns(
  width: number,
  widest: ReadonlyMap<ColumnId, number>,
  seen: Seen,
  choices: readonly ColumnChoice[] | null = null,
): PlacedColumn[] {
  const size = sizesOf(width, seen, choices);
  const cells = [...size.values()].reduce((sum, each) => sum + each, 0);
  const free = (gap: number) => width - GUTTER - cells - gap * Math.max(0, size.size - 1);
  const gap = GAPS.find((it) => free(it) >= 0) ?? 1;
  const fixed = new Set(choices?.flatMap((choice) => (choice.width === undefined ? [] : [choice.id])));
  shareOut(size, free(gap), widest, fixed);
  const order = choices && choices.length > 0 ? [...size.keys()] : COLUMNS;
  let left = GUTTER;
  return order.flatMap((column) => {
    const cells = size.get(column);
    if (cells === undefined) return [];
    const placed = { column, left, width: cells };
    left += cells + gap;
    return [placed];
  });
}

/** The columns that `placeColumns` places, whose texts are to be taken note of. */
export const columnsIn = (width: number, seen: Seen, choices: readonly ColumnChoice[] | null): Column[] => [
  ...sizesOf(width, seen, choices).keys(),
];

const sizesOf = (width: number, seen: Seen, choices: readonly ColumnChoice[] | null): Map<Column, number> =>
  choices && choices.length > 0 ? chosenColumns(width, choices) : chooseColumns(width, presentColumns(seen));

/** The first of the chosen columns, as many as a pane has room for, and their widths. */
function chosenColumns(width: number, choices: readonly ColumnChoice[]): Map<Column, number> {
  const wanted = new Map<Column, { readonly least: number; readonly good: number }>();
  for (const { id, width: cells } of choices) {
    const column = columnOf(id);
    const fixed = cells === undefined ? undefined : chosenWidth(cells);
    if (column) wanted.set(column, fixed === undefined ? column.width : { least: fixed, good: fixed });
  }
  const shown = [...wanted];
  /** Cells that are missing, with the least air between the columns. */
  const missing = (part: 'least' | 'good') =>
    shown.reduce((sum, [, cells]) => sum + cells[part] + 1, GUTTER - 1) - width;
  while (shown.length > 1 && missing('least') > 0) shown.pop();
  let excess = missing('good');
  const sizes = shown.toReversed().map(([column, { least, good }]) => {
    const taken = Math.max(0, Math.min(excess, good - least));
    excess -= taken;
    return [column, good - taken] as const;
  });
  const [only, ...others] = sizes.reverse();
  // One that is alone is cut as its texts are, and not by the edge of the screen.
  if (only && others.length === 0)
    return new Map([[only[0], Math.max(1, Math.min(only[1], width - GUTTER))]]);
  return new Map(sizes);
}

/** A width that may be chosen, nearest to this one. */
export const chosenWidth = (cells: number): number =>
  Math.max(CHOSEN_WIDTH.least, Math.min(Math.trunc(cells), CHOSEN_WIDTH.most));

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

/** Gives the cells that are left over to the columns that need more, one to each in turn; to those of fixed width none. */
function shareOut(
  size: Map<Column, number>,
  cells: number,
  widest: ReadonlyMap<ColumnId, number>,
  fixed: ReadonlySet<ColumnId>,
): void {
  let left = cells;
  const wanting = (): Column[] =>
    [...size].flatMap(([column, cells]) =>
      cells < (widest.get(column.id) ?? 0) && !fixed.has(column.id) ? [column] : [],
    );
  for (let columns = wanting(); columns.length > 0 && left > 0; columns = wanting()) {
    for (const column of columns.slice(0, left)) size.set(column, (size.get(column) ?? 0) + 1);
    left -= Math.min(left, columns.length);
  }
}
