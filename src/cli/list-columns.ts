import { dashed, SOCKET_COLUMNS, type TextColumn } from '../export/table.ts';
import type { Row } from '../store/row.ts';
import type { ColumnId } from '../store/columns.ts';
import { type CellContext, columnOf } from '../view/columns/columns.ts';

/** Titles for columns whose titles on the screen are alike or cut; they are those of `SOCKET_COLUMNS`. */
const TITLES: Readonly<Partial<Record<ColumnId, string>>> = {
  protocol: 'PROTO',
  localPort: 'LPORT',
  remotePort: 'RPORT',
};

/** Returns a column of the screen as one of `ls`. */
function columnOfScreen(id: ColumnId, context: CellContext): TextColumn<Row> {
  const column = columnOf(id);
  return {
    title: TITLES[id] ?? column?.label ?? column?.title ?? id,
    align: column?.align ?? 'left',
    text: (row) => dashed(column?.text(row, context).trim() ?? ''),
  };
}

const USUAL: readonly TextColumn<Row>[] = SOCKET_COLUMNS.map(({ text, ...column }) => ({
  ...column,
  text: ({ socket }) => text(socket),
}));

/**
 * Returns the columns of the table of `ls`. Their titles are distinct.
 * @param chosen undefined for the usual ones
 * @param extra columns to add, unless they are among the chosen ones
 */
export const listColumns = (
  chosen: readonly ColumnId[] | undefined,
  extra: readonly ColumnId[],
  context: CellContext,
): readonly TextColumn<Row>[] => [
  ...(chosen?.map((id) => columnOfScreen(id, context)) ?? USUAL),
  ...extra.filter((id) => !chosen?.includes(id)).map((id) => columnOfScreen(id, context)),
];
