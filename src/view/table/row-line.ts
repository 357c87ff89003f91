import type { ColumnId } from '../../store/columns.ts';
import type { Mark, Row } from '../../store/row.ts';
import { type CellContext, type Column, tableTextOf } from '../columns/columns.ts';
import { type Line, span, type Tone } from '../text/line.ts';
import { displayWidth, fit } from '../text/width.ts';
import type { MatchedParts } from './matches.ts';
import { GUTTER, type PlacedColumn } from './place.ts';

/** Marks of rows; they work without colour. */
const GLYPHS: Readonly<Record<Mark, string>> = { none: ' ', spawned: '+', changed: '~', closed: '-' };

const TONES: Readonly<Record<Mark, Tone>> = {
  none: 'plain',
  spawned: 'spawned',
  changed: 'changed',
  closed: 'closed',
};

/** A socket in TIME_WAIT has no program and no data: it is dim. */
const toneOf = ({ mark, socket: { state } }: Row): Tone =>
  mark === 'none' && state === 'TIME_WAIT' ? 'quiet' : TONES[mark];

/** Returns the tone of a cell that differs from the tone of its row; undefined if it has that of its row. */
function ownTone(column: Column, row: Row, tone: Tone): Tone | undefined {
  if (tone === 'plain') return column.tone?.(row);
  return row.mark === 'changed' && column.isUnmarked ? 'plain' : undefined;
}

/** How a row is shown: not selected, selected while the keys act on another pane, or selected and moved by the keys. */
export type Selection = 'none' | 'resting' | 'moving';

/** Returns the text of a cell before it is fitted: the short one where the whole one has no room. */
export function cellIn({ column, width }: PlacedColumn, row: Row, context: CellContext): string {
  const text = tableTextOf(column, row, context);
  return column.shortText && (width < column.width.good || displayWidth(text, width) > width)
    ? column.shortText(row, context, width)
    : text;
}

/** Columns, selection and mark of the line of a row. */
export interface RowStyle {
  readonly columns: readonly PlacedColumn[];
  readonly selection: Selection;
  /** Column of the selected cell, if the row is selected. */
  readonly chosen: ColumnId | null;
  readonly isMarked: boolean;
}

/**
 * Returns one row of the table.
 * @param chosen column of the selected cell, if the row is selected
 * @param matched finds what the query matches, to highlight it
 */
export function rowLine(
  row: Row,
  columns: readonly PlacedColumn[],
  context: CellContext,
  selection: Selection,
  chosen: ColumnId | null = null,
  matched?: MatchedParts,
): Line {
  const isMarked = context.marked?.has(row.id) ?? false;
  const cells = columns.map((placed) => cellIn(placed, row, context));
  return lineOfCells(row, cells, { columns, selection, chosen, isMarked }, matched);
}

/** Returns one row of the table. @param cells texts from `cellIn` */
export function lineOfCells(
  row: Row,
  cells: readonly string[],
  { columns, selection, chosen, isMarked }: RowStyle,
  matched?: MatchedParts,
): Line {
  // The selection bar has one colour; the mark in the first cell still shows the change.
  const selected = selection === 'moving';
  const tone = selected ? 'plain' : toneOf(row);
  let text = GLYPHS[row.mark] + (isMarked ? '*' : selection === 'resting' ? '›' : ' ');
  let at = GUTTER;
  const spans = [];
  let i = 0;
  for (const { column, left, width } of columns) {
    const cell = cells[i++] ?? '';
    const isChosen = selected && column.id === chosen;
    text += ' '.repeat(left - at);
    at = left + width + (isChosen ? 1 : 0);
    const fitted = fit(cell, width, column.align);
    if (isChosen) {
      // The brackets take the cells between the columns.
      spans.push(span(text.slice(0, -1), tone), span(`[${fitted}]`, 'cell'));
      text = '';
      continue;
    }
    const own = selected ? undefined : ownTone(column, row, tone);
    if (own !== undefined) {
      spans.push(span(text, tone));
      text = '';
    }
    let done = 0;
    for (const { from, to } of matched?.(column.id, row.socket, fitted) ?? []) {
      spans.push(span(text + fitted.slice(done, from), own ?? tone), span(fitted.slice(from, to), 'match'));
      text = '';
      done = to;
    }
    text += fitted.slice(done);
    if (own === undefined) continue;
    spans.push(span(text, own));
    text = '';
  }
  spans.push(span(text, tone));
  return { spans, selected };
}
