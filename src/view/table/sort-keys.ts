import type { TextPool } from '../../query/texts.ts';
import type { ColumnId } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import { columnOf } from '../columns/columns.ts';
import type { Entry, SortKey } from './entry.ts';

/** The sort keys of one column. */
export interface SortKeys {
  readonly ofRow: (row: Row) => SortKey;
  /** Returns the key of an entry whose texts are up to date. Entries with the same text share one computed key. */
  readonly ofEntry: (entry: Entry) => SortKey;
}

/** @param pool the text pool of the entries */
export function sortKeysOf(id: ColumnId, pool: TextPool): SortKeys {
  const { keyFrom, key: ofRow = ({ id }: Row) => id } = columnOf(id) ?? {};
  const keyOfRow = ({ row }: Entry): SortKey => ofRow(row);
  if (keyFrom === undefined) return { ofRow, ofEntry: keyOfRow };
  const keyOfText = pool.memo(keyOfRow);
  return { ofRow, ofEntry: (entry) => keyOfText(entry[keyFrom], entry) };
}
