import { planOf, type Plan } from '../columns/plan.ts';
import { type ColumnChoice, type ColumnId, MAX_COLUMN_WIDTH, type WidestSeen } from '../../store/columns.ts';
import type { Row } from '../../store/row.ts';
import type { Seen } from '../../store/seen-fields.ts';
import { type CellContext, type Column, columnOf, tableTextOf } from '../columns/columns.ts';
import { displayWidth } from '../text/width.ts';

/** A column with its position and width in the pane. */
export interface PlacedColumn {
  readonly column: Column;
  /** First cell, counted from the left edge. */
  readonly left: number;
  readonly width: number;
}

/** Returns the widest texts, with those of the rows that are about to be shown; the same object if none is wider. */
export function noteWidths(
  widest: WidestSeen,
  rows: readonly Row[],
  context: CellContext,
  columns: readonly Column[],
): WidestSeen {
  const wider = new Map<ColumnId, number>();
  for (const column of columns) {
    const { id, width } = column;
    const before = widest.get(id) ?? 0;
    let most = before;
    for (const row of rows) {
      if (most >= width.most) break;
      most = Math.max(
        most,
        Math.min(width.most, displayWidth(tableTextOf(column, row, context), width.most)),
      );
    }
    if (most > before) wider.set(id, most);
  }
  return wider.size === 0 ? widest : new Map([...widest, ...wider]);
}

/** Cells before the first column: the mark and a space. */
export const GUTTER = 2;

/** Maximum width of a column that is fitted to its texts. */
const MAX_FITTED = 21;

/** Width from which gaps of two cells come before a longer command line. */
const ROOMY = 160;

/** Possible gaps between columns, the widest first. A wider gap never costs a column. */
const GAPS = [2, 1] as const;

/** Bounds of a chosen width, cells. */
export const CHOSEN_WIDTH = { least: 1, most: MAX_COLUMN_WIDTH } as const;

/**
 * Chooses the columns of a pane and their widths.
 * - Automatic columns: the essential ones shrink before one is dropped; others appear, by priority, once all before
 *   them have their good width.
 * - Chosen columns: the last ones shrink first and are dropped first; a chosen width stays.
 * Remaining cells go to columns that have had wider texts.
 * @param width cells of the whole pane
 * @param seen what the sources have shown so far; decides which automatic columns exist
 * @param choices the columns the user chose; null or empty for automatic columns
 * @param plan the automatic columns
 */
export function placeColumns(
  width: number,
  widest: WidestSeen,
  seen: Seen,
  choices: readonly ColumnChoice[] | null = null,
  plan = planOf({ seen }),
): PlacedColumn[] {
  const isChosen = choices !== null && choices.length > 0;
  const size = sizesOf(width, widest, choices, plan);
  const filler = isChosen || plan.filler === undefined || !size.has(plan.filler) ? undefined : plan.filler;
  const cells = [...size.values()].reduce((sum, each) => sum + each, 0);
  const free = (gap: number) => width - GUTTER - cells - gap * Math.max(0, size.size - 1);
  // In a pane of usual width the filler needs the cells more than the gaps.
  const gaps = filler && width < ROOMY ? [1] : GAPS;
  const gap = gaps.find((it) => free(it) >= 0) ?? 1;
  const fixed = new Set(choices?.flatMap((choice) => (choice.width === undefined ? [] : [choice.id])));
  if (filler) fixed.add(filler.id);
  const left = distribute(size, free(gap), widest, fixed);
  if (filler) {
    const wanted = Math.max(widest.get(filler.id) ?? 0, size.get(filler) ?? 0);
    size.set(filler, Math.min((size.get(filler) ?? 0) + left, wanted));
  }
  const order = isChosen ? [...size.keys()] : [...plan.order, ...(filler ? [filler] : [])];
  let at = GUTTER;
  return order.flatMap((column) => {
    const cells = size.get(column);
    if (cells === undefined) return [];
    const placed = { column, left: at, width: cells };
    at += cells + gap;
    return [placed];
  });
}

/** Returns all columns of the table in order, also those for which a pane has no room. */
export const allColumns = (choices: readonly ColumnChoice[] | null, { order }: Plan): readonly Column[] =>
  choices && choices.length > 0 ? choices.flatMap(({ id }) => columnOf(id) ?? []) : order;

/** Returns the columns that `placeColumns` will place, for `noteWidths`. */
export const columnsIn = (
  width: number,
  widest: WidestSeen,
  seen: Seen,
  choices: readonly ColumnChoice[] | null,
  plan = planOf({ seen }),
): Column[] => {
  const columns = [...sizesOf(width, widest, choices, plan).keys()];
  // The filler is measured too: its texts decide whether it appears.
  const { filler } = plan;
  return choices?.length || !filler || columns.includes(filler) ? columns : [...columns, filler];
};

const sizesOf = (
  width: number,
  widest: WidestSeen,
  choices: readonly ColumnChoice[] | null,
  plan: Plan,
): Map<Column, number> =>
  choices && choices.length > 0 ? chosenColumns(width, choices) : chooseColumns(width, widest, plan);

/** Returns the first chosen columns that fit, with their widths. */
function chosenColumns(width: number, choices: readonly ColumnChoice[]): Map<Column, number> {
  const wanted = new Map<Column, { readonly least: number; readonly good: number }>();
  for (const { id, width: cells } of choices) {
    const column = columnOf(id);
    const fixed = cells === undefined ? undefined : chosenWidth(cells);
    if (column) wanted.set(column, fixed === undefined ? column.width : { least: fixed, good: fixed });
  }
  const shown = [...wanted];
  /** Returns the missing cells with the smallest gap between columns. */
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
  // A single column is narrowed to the pane, so that its texts are cut with `…` and not by the edge.
  if (only && others.length === 0)
    return new Map([[only[0], Math.max(1, Math.min(only[1], width - GUTTER))]]);
  return new Map(sizes);
}

/** Returns the nearest width within the bounds. */
export const chosenWidth = (cells: number): number =>
  Math.max(CHOSEN_WIDTH.least, Math.min(Math.trunc(cells), CHOSEN_WIDTH.most));

/** Returns the automatic columns that fit with the smallest gap, with their widths. */
function chooseColumns(width: number, widest: WidestSeen, plan: Plan): Map<Column, number> {
  const { ranked, sorted, filler, isFitted, essential, wanted } = plan;
  const goodOf = (column: Column): number => {
    const { id, title, width } = column;
    const { least, good, most } = width;
    // The filler gets the cells that are left, also as the column of the sort order.
    if (column === filler) return least;
    return isFitted
      ? Math.max(least, title.length + 1, Math.min(widest.get(id) ?? 0, Math.max(good, MAX_FITTED), most))
      : good;
  };
  const columns = ranked.filter((it) => it === sorted || wanted.includes(it) || width >= (it.from ?? 0));
  const size = new Map<Column, number>();
  const free = () => {
    const cells = [...size.values()].reduce((sum, each) => sum + each, 0);
    return width - GUTTER - cells - Math.max(0, size.size - 1);
  };
  for (const column of columns.slice(0, essential)) {
    size.set(column, column.width.least);
    if (free() < 0 && size.size > 1) size.delete(column);
  }
  // Without a known text the filler would be a column of dots.
  const isFillerLeft = filler !== undefined && !size.has(filler) && (widest.get(filler.id) ?? 0) > 1;
  const least = isFillerLeft ? filler.width.least : Infinity;
  const widen = (wantedBy: (column: Column) => number) => {
    for (const [column, cells] of size)
      size.set(column, Math.min(cells + Math.max(0, free()), Math.max(cells, wantedBy(column))));
  };
  // No text is cut while another column is wider than its texts. A column with short texts can wait.
  widen((column) => (column.shortText ? 0 : Math.min(goodOf(column), widest.get(column.id) ?? 0)));
  widen(goodOf);
  for (const column of columns.slice(essential)) {
    // The less important columns leave room for the filler.
    const reserved = (isFitted || column.from !== undefined) && free() > least ? least + 1 : 0;
    if (size.size < essential || free() - reserved <= goodOf(column)) break;
    size.set(column, goodOf(column));
  }
  if (filler && free() > least) size.set(filler, least);
  return size;
}

/** Gives the remaining cells, one at a time in turn, to columns that need more; fixed widths stay. Returns the rest. */
function distribute(
  size: Map<Column, number>,
  cells: number,
  widest: WidestSeen,
  fixed: ReadonlySet<ColumnId>,
): number {
  let left = cells;
  const needing = (): Column[] =>
    [...size].flatMap(([column, cells]) =>
      cells < (widest.get(column.id) ?? 0) && !fixed.has(column.id) ? [column] : [],
    );
  for (let columns = needing(); columns.length > 0 && left > 0; columns = needing()) {
    for (const column of columns.slice(0, left)) size.set(column, (size.get(column) ?? 0) + 1);
    left -= Math.min(left, columns.length);
  }
  return left;
}
