import type { SearchFields } from '../query/words.ts';
import type { OpenSum } from '../store/sums.ts';
import type { Row } from '../store/table.ts';

export type SortKey = number | string;

export type Compare<T> = (a: T, b: T) => number;

/** A row with all that it is sorted and found by at hand: each step to another object is a wait for memory. */
export interface Entry extends SearchFields {
  row: Row;
  /** Of those that are shown; what is there of others is of no use. */
  key: SortKey;
  pid: number;
  /** It is not closed. */
  open: boolean;
  /** A connection that this machine began. */
  out: boolean;
  /** The query lets it through, and no hide rule matches it. */
  shown: boolean;
  /** The query lets it through; a hide rule hides it. */
  hidden: boolean;
  /** What it belongs to where rows are grouped. */
  group: Group | undefined;
}

/** A group, and the rows of it that are shown unless it is folded. */
export interface Group {
  readonly value: string | number;
  readonly id: string;
  readonly label: string;
  /** In their order. */
  entries: Entry[];
  /** Of its rows when all are moved; undefined until it is asked for. */
  sum: OpenSum | undefined;
  /** How many rows it is to have when all are moved. */
  shown: number;
  /** What it is sorted by, in the place where it stands. */
  key: SortKey;
  /** What groups of one key go by: no two have the same. */
  readonly rank: SortKey;
  /** It stands among the groups. */
  placed: boolean;
  folded: boolean;
  /** Position of its header. */
  start: number;
  /** What is to be taken out of its rows, and to be put in; something of it has changed. */
  gone: Entry[] | undefined;
  come: Entry[] | undefined;
  touched: boolean;
}
