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

/** Id of the line of sockets in TIME_WAIT. No socket id begins with NUL: see `GROUP_PREFIX`. */
export const TIME_WAIT_ID = '\0TIME_WAIT';

/** The last line of the table, which stands for many sockets in TIME_WAIT. */
export interface TimeWaitItem {
  readonly type: 'time-wait';
  readonly id: typeof TIME_WAIT_ID;
  /** Number of the open ones that match the filter. */
  readonly count: number;
  /** True if they are not rows as well. */
  readonly folded: boolean;
}

/** One line of the table: a row, a group header, or the line of sockets in TIME_WAIT. */
export type Item =
  | { readonly type: 'row'; readonly id: string; readonly row: Row }
  | GroupItem
  | TimeWaitItem;

export const rowItem = (row: Row): Item => ({ type: 'row', id: row.id, row });
