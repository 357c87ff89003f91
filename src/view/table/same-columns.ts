import type { ColumnId, SameColumns } from '../../store/columns.ts';
import type { State } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import { type CellContext, columnOf } from '../columns/columns.ts';

/** Columns that may leave while they say the same in every row; not those that often change, nor those that identify a row. */
const CANDIDATES: readonly ColumnId[] = [
  'user',
  'protocol',
  'netns',
  'state',
  'remoteAddress',
  'remotePort',
  'interface',
];

/** Maximum number of rows that are compared when the query changes. */
export const MAX_COMPARED = 1000;

/** Returns the text of a column that all rows share; undefined if they differ, or the table shows more in it. */
function sharedText(id: ColumnId, rows: readonly Row[], context: CellContext): string | undefined {
  const column = columnOf(id);
  const [first] = rows;
  if (column === undefined || first === undefined) return undefined;
  const text = column.text(first, context);
  // A cell that shows the program of a peer does not count as shared: no other column shows this program.
  const isShared = (row: Row): boolean =>
    column.text(row, context) === text && column.tableText?.(row, context) === undefined;
  return rows.every(isShared) ? text : undefined;
}

/**
 * Returns the columns that say the same in every row. They are found among the first rows when the query changes. Later a
 * column is only removed, when a visible row differs, so that columns do not come and go with the rows.
 * @param visible the rows about to be shown
 * @param firstRows returns the first rows of the table
 * @param unread the visible rows that were not compared with `same` before
 */
export function sameColumns(
  { same, query, prompt }: Pick<State, 'same' | 'query' | 'prompt'>,
  visible: readonly Row[],
  firstRows: () => readonly Row[],
  context: CellContext,
  unread = visible,
): SameColumns | null {
  if (visible.length === 0) return same;
  // Columns stay while a query is typed.
  if (same === null || (same.query !== query && prompt === null)) {
    const rows = firstRows();
    const isOfSeveral = rows.length > 1;
    const ids = isOfSeveral ? CANDIDATES : [];
    const texts = ids.flatMap((id) => {
      const text = sharedText(id, rows, context);
      return text === undefined ? [] : [[id, text] as const];
    });
    return { query, isOfSeveral, texts: new Map(texts) };
  }
  if (unread.length === 0) return same;
  const left = [...same.texts].filter(([id, text]) => sharedText(id, unread, context) === text);
  return left.length === same.texts.size ? same : { ...same, texts: new Map(left) };
}
