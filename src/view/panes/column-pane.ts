import type { ColumnChoice, ColumnId } from '../../store/columns.ts';
import { type Column, columnOf, COLUMNS } from '../columns/columns.ts';
import { paneTitle } from './events.ts';
import { wrap } from '../text/wrap.ts';
import { type Line, line, span } from '../text/line.ts';
import { chosenWidth, type PlacedColumn } from '../table/place.ts';
import { around, type Part, withPosition } from '../text/position.ts';
import { cutEnd, fit } from '../text/width.ts';

/** State of the list of columns. */
export interface ColumnPane {
  /** The columns of the table in order. */
  readonly choices: readonly ColumnChoice[];
  /** The column that the keys act on. */
  readonly cursor: ColumnId;
}

/**
 * Returns the columns that the keys change: the chosen ones, or if there are none, those on the screen, with automatic
 * widths.
 */
export const startingChoices = (
  chosen: readonly ColumnChoice[] | null,
  placed: readonly PlacedColumn[],
): readonly ColumnChoice[] =>
  chosen && chosen.length > 0 ? chosen : placed.map(({ column }) => ({ id: column.id }));

/** Returns every column: the chosen ones in their order, then all others. The cursor moves in this list. */
export function listedColumns(choices: readonly ColumnChoice[]): readonly Column[] {
  const chosen = new Set(choices.flatMap(({ id }) => columnOf(id) ?? []));
  return [...chosen, ...COLUMNS.filter((column) => !chosen.has(column))];
}

/** Returns the index of the cursor; 0 if no column is under it. */
export const cursorIndex = ({ choices, cursor }: ColumnPane): number =>
  Math.max(
    0,
    listedColumns(choices).findIndex(({ id }) => id === cursor),
  );

/** Returns the column `by` lines below the cursor, kept inside the list. */
export function columnAfter(pane: ColumnPane, by: number): ColumnId {
  const columns = listedColumns(pane.choices);
  const index = cursorIndex(pane) + by;
  return columns[Math.max(0, Math.min(index, columns.length - 1))]?.id ?? pane.cursor;
}

/** Adds a column at the end or removes it; the last remaining column stays. */
export function toggleColumn(choices: readonly ColumnChoice[], id: ColumnId): readonly ColumnChoice[] {
  const others = choices.filter((choice) => choice.id !== id);
  if (others.length === choices.length) return [...choices, { id }];
  return others.length > 0 ? others : choices;
}

/** Moves a chosen column one place to the left or right; changes nothing at an end or for an unchosen column. */
export function moveColumn(
  choices: readonly ColumnChoice[],
  id: ColumnId,
  by: 1 | -1,
): readonly ColumnChoice[] {
  const index = choices.findIndex((choice) => choice.id === id);
  const [moved, other] = [choices[index], choices[index + by]];
  return moved && other ? choices.with(index, other).with(index + by, moved) : choices;
}

/**
 * Makes a chosen column one cell wider or narrower, which fixes its width. Removing and adding it again makes the width
 * automatic.
 * @param placed the columns on the screen: an automatic width starts from its present value
 */
export function widenColumn(
  choices: readonly ColumnChoice[],
  id: ColumnId,
  by: 1 | -1,
  placed: readonly PlacedColumn[],
): readonly ColumnChoice[] {
  const shown = placed.find(({ column }) => column.id === id)?.width ?? columnOf(id)?.width.good ?? 0;
  return choices.map((choice) =>
    choice.id === id ? { id, width: chosenWidth((choice.width ?? shown) + by) } : choice,
  );
}

const LABEL = 11;
const WIDTH = 4;
/** Cells before the description: box, name and width, with the spaces after them. */
const BEFORE_ABOUT = 4 + LABEL + 1 + WIDTH + 2;

/** Lines of the full description at the bottom, and the minimum height of a pane that shows it. */
const FOOT = 3;
const ROOM_FOR_FOOT = 8;

const footOf = (height: number): number => (height >= ROOM_FOR_FOOT ? FOOT : 0);

/**
 * Returns which columns are visible.
 * @param height lines of the pane
 * @param top index of the first column that was visible before
 */
export const columnPart = (pane: ColumnPane, height: number, top: number): Part =>
  around(
    { top, height: Math.max(0, height - 1 - footOf(height)), length: listedColumns(pane.choices).length },
    cursorIndex(pane),
  );

/**
 * Returns the lines of the column list with its cursor, and the full description of the column under it.
 * @param before index of the first column that was visible before
 */
export function columnPaneLines(pane: ColumnPane, width: number, height: number, before = 0): Line[] {
  const { choices, cursor } = pane;
  const columns = listedColumns(choices);
  const part = columnPart(pane, height, before);
  const { top, height: rows } = part;
  const foot = footOf(height);
  const isAllVisible = rows >= columns.length;
  const count = isAllVisible ? `${choices.length} of ${columns.length} shown` : `${choices.length} shown`;
  const title = paneTitle('COLUMNS', withPosition(part, count), width);
  const lines = columns.slice(top, top + rows).map((column): Line => {
    const choice = choices.find(({ id }) => id === column.id);
    const cells = choice ? String(choice.width ?? 'auto') : '';
    const text = `${choice ? '[x]' : '[ ]'} ${fit(column.label ?? column.title, LABEL)} ${fit(cells, WIDTH, 'right')}  `;
    const about = cutEnd(column.about, Math.max(0, width - BEFORE_ABOUT));
    const tone = choice ? 'plain' : 'quiet';
    const selected = column.id === cursor;
    return {
      spans: [span(text, selected ? 'plain' : tone), span(about, selected ? 'plain' : 'quiet')],
      selected,
    };
  });
  const words = wrap(columns[cursorIndex(pane)]?.about ?? '', Math.max(10, width));
  return [title, ...lines, ...Array.from({ length: foot }, (_, i) => line(span(words[i] ?? '')))].slice(
    0,
    height,
  );
}
