import type { ColumnChoice, ColumnId } from '../store/state.ts';
import { type Column, columnOf, COLUMNS } from './columns.ts';
import { paneTitle } from './events.ts';
import { wrap } from './help.ts';
import { type Line, line, span } from './line.ts';
import { chosenWidth, type PlacedColumn } from './place.ts';
import { cutEnd, fit } from './width.ts';

/** What the list of columns shows. */
export interface ColumnPane {
  /** The columns of the table, in their order. */
  readonly choices: readonly ColumnChoice[];
  /** The column that the keys act on. */
  readonly cursor: ColumnId;
}

/**
 * What the keys begin with: the columns that were chosen, or those that came by themselves and are on the screen, with
 * their widths left to the content.
 */
export const startingChoices = (
  chosen: readonly ColumnChoice[] | null,
  placed: readonly PlacedColumn[],
): readonly ColumnChoice[] =>
  chosen && chosen.length > 0 ? chosen : placed.map(({ column }) => ({ id: column.id }));

/** Every column: those that are chosen, in their order, then all others. The cursor moves in this list. */
export function listedColumns(choices: readonly ColumnChoice[]): readonly Column[] {
  const chosen = new Set(choices.flatMap(({ id }) => columnOf(id) ?? []));
  return [...chosen, ...COLUMNS.filter((column) => !chosen.has(column))];
}

/** Where the cursor comes to by so many columns; it stays on the list. */
export function columnAfter({ choices, cursor }: ColumnPane, by: number): ColumnId {
  const columns = listedColumns(choices);
  const index = columns.findIndex(({ id }) => id === cursor) + by;
  return columns[Math.max(0, Math.min(index, columns.length - 1))]?.id ?? cursor;
}

/** Adds a column at the end, or takes it out; the last one stays. */
export function toggleColumn(choices: readonly ColumnChoice[], id: ColumnId): readonly ColumnChoice[] {
  const others = choices.filter((choice) => choice.id !== id);
  if (others.length === choices.length) return [...choices, { id }];
  return others.length > 0 ? others : choices;
}

/** Moves a chosen column by one place, to the left or to the right; one at the end stays, as does one not chosen. */
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
 * Makes a chosen column wider or narrower by a cell, and fixes its width by that; taken out and added again it is left
 * to the content once more.
 * @param placed the columns on the screen: what the content decided is where it begins
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
/** Cells before the explanation: the box, the name and the width, each with a space behind it. */
const BEFORE_ABOUT = 4 + LABEL + 1 + WIDTH + 2;

/** Lines of the explanation at the foot, and from which height on it is there. */
const FOOT = 3;
const ROOM_FOR_FOOT = 8;

/** The list of all columns around the cursor, and below it what the one under the cursor shows, in full. */
export function columnPaneLines({ choices, cursor }: ColumnPane, width: number, height: number): Line[] {
  const columns = listedColumns(choices);
  const title = paneTitle('COLUMNS', `${choices.length} of ${columns.length} shown`, width);
  const foot = height >= ROOM_FOR_FOOT ? FOOT : 0;
  const rows = Math.max(0, height - 1 - foot);
  const index = Math.max(
    0,
    columns.findIndex(({ id }) => id === cursor),
  );
  const top = Math.max(0, Math.min(index - Math.floor(rows / 2), columns.length - rows));
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
  const words = wrap(columns[index]?.about ?? '', Math.max(10, width));
  return [title, ...lines, ...Array.from({ length: foot }, (_, i) => line(span(words[i] ?? '')))].slice(
    0,
    height,
  );
}
