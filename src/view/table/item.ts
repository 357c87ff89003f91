import type { Sum } from '../../store/sums.ts';
import type { Row } from '../../store/row.ts';

/** The header line of a group. */
export interface GroupItem {
  readonly type: 'group';
  /** Differs from every socket id. */
  readonly id: string;
  /** Printable. */
  readonly label: string;
  /** True if its rows are not shown. */
  readonly folded: boolean;
  /** Sums over its open rows that match the filter. */
  readonly sum: Sum;
  /** Its first row. */
  readonly first: Row;
}

/** One line of the table: a row or a group header. */
export type Item = { readonly type: 'row'; readonly id: string; readonly row: Row } | GroupItem;

export const rowItem = (row: Row): Item => ({ type: 'row', id: row.id, row });
