import type { TextPool } from '../../query/texts.ts';
import type { Lookups } from '../../store/lookups.ts';
import type { ColumnId } from '../../store/columns.ts';
import type { Row } from '../../store/row.ts';
import { columnOf } from '../columns/columns.ts';
import type { Entry, SortKey } from './entry.ts';

/** The sort keys of one column. */
export interface SortKeys {
  readonly ofRow: (row: Row) => SortKey;
  /** Returns the key of an entry whose texts are up to date. Entries with the same text share one computed key. */
  readonly ofEntry: (entry: Entry) => SortKey;
  /** Returns true if these are the keys of this column with these lookups. */
  readonly areFor: (column: ColumnId, lookups: Lookups) => boolean;
}

/**
 * Returns the sort keys of a column.
 * @param lookups what the keys of a late column depend on
 * @param pool the text pool of the entries
 */
export function sortKeysOf(id: ColumnId, lookups: Lookups, pool: TextPool): SortKeys {
  const { keyFrom, isLate, key = ({ id }: Row) => id } = columnOf(id) ?? {};
  const ofRow = (row: Row): SortKey => key(row, lookups);
  const areFor: SortKeys['areFor'] = (otherId, others) =>
    otherId === id && (isLate !== true || others === lookups);
  const keyOfRow = ({ row }: Entry): SortKey => key(row, lookups);
  if (keyFrom === undefined) return { ofRow, ofEntry: keyOfRow, areFor };
  const keyOfText = pool.memo(keyOfRow);
  return { ofRow, ofEntry: (entry) => keyOfText(entry[keyFrom], entry), areFor };
}
