import type { Sort, State } from '../store/state.ts';
import type { Mark, Row } from '../store/table.ts';
import { type CellContext, GUTTER, type PlacedColumn } from './columns.ts';
import { type Line, line, type Span, span, type Tone } from './line.ts';
import type { RowOrder } from './order.ts';
import { fit } from './width.ts';

/** Marks that survive without colour. */
const GLYPHS: Readonly<Record<Mark, string>> = { none: ' ', spawned: '+', changed: '~', closed: '-' };

const TONES: Readonly<Record<Mark, Tone>> = {
  none: 'plain',
  spawned: 'spawned',
  changed: 'changed',
  closed: 'closed',
};

/** The titles of the columns, with an arrow at the one that is sorted by. */
export function titleLine(columns: readonly PlacedColumn[], sort: Sort): Line {
  const spans: Span[] = [span(' '.repeat(GUTTER - 1))];
  for (const { column, width } of columns) {
    const sorted = column.id === sort.column;
    const title = sorted ? column.title.slice(0, width - 1) + (sort.descending ? '▾' : '▴') : column.title;
    spans.push(span(` ${fit(title, width, column.align)}`, sorted ? 'strong' : 'header'));
  }
  return line(...spans);
}

/** One row of the table. */
export function rowLine(
  row: Row,
  columns: readonly PlacedColumn[],
  context: CellContext,
  selected: boolean,
): Line {
  let text = GLYPHS[row.mark] + ' '.repeat(GUTTER - 2);
  for (const { column, width } of columns) {
    const short = column.shortText && width < column.width.good;
    text += ` ${fit(short ? column.shortText(row) : column.text(row, context), width, column.align)}`;
  }
  return { spans: [span(text, TONES[row.mark])], selected };
}

/** The visible part of the table; `selected` is the position of the row shown as selected. */
export function tableLines(
  state: State,
  order: RowOrder,
  columns: readonly PlacedColumn[],
  top: number,
  height: number,
  selected: number,
): Line[] {
  if (order.length === 0) return [line(span(emptyText(state), 'quiet'))].slice(0, height);
  const context: CellContext = {
    nowMs: state.pause ? state.pause.nowMs : (state.nowMs ?? 0),
    serviceNames: state.serviceNames,
  };
  const lines: Line[] = [];
  for (let index = top; index < Math.min(top + height, order.length); index++) {
    const row = order.at(index);
    if (row) lines.push(rowLine(row, columns, context, index === selected));
  }
  return lines;
}

const emptyText = (state: State): string => {
  if (state.nowMs === undefined) return '  reading the sockets of this machine …';
  const rows = state.pause ? state.pause.rows.length : state.table.rows.size;
  return rows === 0 ? '  no sockets' : '  nothing matches the filter: esc clears it';
};
