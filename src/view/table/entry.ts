import type { SearchFields } from '../../query/search-fields.ts';
import type { MutableSum } from '../../store/sums.ts';
import type { Row } from '../../store/row.ts';

/** The sort key of an entry: numbers, then texts, ascending or descending; null, for unknown values, always last. */
export type SortKey = number | string | null;

/**
 * How the filter counts an entry: a hide rule hides it (`rule`); it is in TIME_WAIT, and shown or folded (`time-wait`);
 * the row of its peer stands for it (`pair`).
 */
export type Counted = 'nothing' | 'rule' | 'time-wait' | 'pair';

export type Compare<T> = (a: T, b: T) => number;

/** A row with copies of all values it is sorted and searched by: following a pointer to them would wait for memory. */
export interface Entry extends SearchFields {
  row: Row;
  /** Valid only while the entry is shown. */
  key: SortKey;
  pid: number;
  /** True unless the socket is closed. */
  open: boolean;
  /** True for a connection that this machine opened. */
  out: boolean;
  /** True for a socket in TIME_WAIT. */
  timeWait: boolean;
  /** True if the row matches the query and no hide rule. */
  shown: boolean;
  /** How the filter has counted it, besides `shown`. */
  counted: Counted;
  /** Its group while rows are grouped. */
  group: Group | undefined;
}

/** A group of shown rows. */
export interface Group {
  readonly value: string | number;
  readonly id: string;
  readonly label: string;
  /** Its entries in order; a folded group keeps them. */
  entries: Entry[];
  /** Sums over its open rows, including pending moves; undefined until first read. */
  sum: MutableSum | undefined;
  /** Number of its rows after pending moves. */
  shown: number;
  /** The sort key that its current position is based on. */
  key: SortKey;
  /** Order among groups with equal keys; unique. */
  readonly rank: SortKey;
  /** True while it has a position among the groups. */
  placed: boolean;
  folded: boolean;
  /** Line of its header. */
  start: number;
  /** Pending moves: entries to take out and to insert. `touched` is true if anything in the group changed. */
  removed: Entry[] | undefined;
  added: Entry[] | undefined;
  touched: boolean;
}
