import type { Sort, State } from '../store/state.ts';
import type { Mark, Row } from '../store/table.ts';
import type { CellContext } from './columns.ts';
import { type Line, line, span, type Tone } from './line.ts';
import type { RowOrder } from './order.ts';
import { GUTTER, type PlacedColumn } from './place.ts';
import { displayWidth, fit } from './width.ts';

/** Marks that survive without colour. */
const GLYPHS: Readonly<Record<Mark, string>> = { none: ' ', spawned: '+', changed: '~', closed: '-' };

const TONES: Readonly<Record<Mark, Tone>> = {
  none: 'plain',
  spawned: 'spawned',
  changed: 'changed',
  closed: 'closed',
};

/**
 * The titles of the columns, with an arrow at the one that is sorted by.
 * @param gutter stands before them
 */
export function titleLine(columns: readonly PlacedColumn[], sort: Sort, gutter = ''): Line {
  const spans = [span(fit(gutter, GUTTER), 'header')];
  let at = GUTTER;
  for (const { column, left, width } of columns) {
    const sorted = column.id === sort.column;
    const title = sorted ? column.title.slice(0, width - 1) + (sort.descending ? '▾' : '▴') : column.title;
    const text = fit(title, width, column.align);
    spans.push(span(' '.repeat(left - at)), span(text, sorted ? 'strong' : 'header'));
    at = left + width;
  }
  return line(...spans);
}

/** How a row is shown: as the selected one, with the keys at it or elsewhere, or as any other. */
export type Selection = 'none' | 'resting' | 'moving';

/** One row of the table. */
export function rowLine(
  row: Row,
  columns: readonly PlacedColumn[],
  context: CellContext,
  selection: Selection,
): Line {
  let text = GLYPHS[row.mark] + (selection === 'resting' ? '›' : ' ');
  let at = GUTTER;
  for (const { column, left, width } of columns) {
    let cell = column.text(row, context);
    if (column.shortText && (width < column.width.good || displayWidth(cell) > width))
      cell = column.shortText(row);
    text += ' '.repeat(left - at) + fit(cell, width, column.align);
    at = left + width;
  }
  // The bar of the selection is of one look; the mark in its first cell still tells.
  const selected = selection === 'moving';
  return { spans: [span(text, selected ? 'plain' : TONES[row.mark])], selected };
}

/** What the cells depend on now. */
export const cellContext = ({ pause, nowMs, serviceNames }: State): CellContext => ({
  nowMs: pause ? pause.nowMs : (nowMs ?? 0),
  serviceNames,
});

/**
 * The visible part of the table.
 * @param selected position of the row shown as selected
 * @param isFocused the keys move the selection
 */
export function tableLines(
  state: State,
  order: RowOrder,
  columns: readonly PlacedColumn[],
  top: number,
  height: number,
  selected: number,
  isFocused: boolean,
): Line[] {
  if (order.length === 0) return [line(span(emptyText(state), 'quiet'))].slice(0, height);
  const context = cellContext(state);
  const lines: Line[] = [];
  const selection = isFocused ? 'moving' : 'resting';
  for (let index = top; index < Math.min(top + height, order.length); index++) {
    const row = order.at(index);
    if (row) lines.push(rowLine(row, columns, context, index === selected ? selection : 'none'));
  }
  return lines;
}

const emptyText = (state: State): string => {
  if (state.nowMs === undefined) return '  reading the sockets of this machine …';
  const rows = state.pause ? state.pause.rows.length : state.table.rows.size;
  return rows === 0 ? '  no sockets' : '  nothing matches: esc clears the filter';
};
