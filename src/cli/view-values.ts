import {
  COLUMN_IDS,
  type ColumnChoice,
  type ColumnId,
  MAX_COLUMN_WIDTH,
  type Sort,
} from '../store/columns.ts';
import { type GroupBy, GROUPS, type View } from '../store/state.ts';
import { BUILT_IN, isBuiltIn } from '../store/views.ts';
import { nearest } from '../query/nearest.ts';
import { nameValue, type Value } from './values.ts';

/*
 * Values of settings and views that say how the table is shown.
 */

/** Columns by the names that the query has for their values. */
const QUERY_NAMES: Readonly<Record<string, ColumnId>> = {
  proto: 'protocol',
  ns: 'netns',
  if: 'interface',
  cmd: 'command',
  lport: 'localPort',
  rport: 'remotePort',
  sport: 'localPort',
  dport: 'remotePort',
  rx: 'rxBytes',
  tx: 'txBytes',
  bytes: 'totalBytes',
  'rx/s': 'rxRate',
  'tx/s': 'txRate',
  rate: 'totalRate',
  retr: 'retransmits',
  recvq: 'recvQueue',
  sendq: 'sendQueue',
  queue: 'queues',
};

/** Returns a column by its id, in any case, or by its name in the query. */
function columnOf(name: string | undefined): ColumnId | undefined {
  const lower = name?.toLowerCase() ?? '';
  return (
    COLUMN_IDS.find((it) => it.toLowerCase() === lower) ??
    (Object.hasOwn(QUERY_NAMES, lower) ? QUERY_NAMES[lower] : undefined)
  );
}

/** Returns the name of a column that does not exist, without order and width; undefined if the column exists. */
function unknownColumn(given: string): string | undefined {
  const name = given.replace(/^-/, '').replace(/:.*/s, '');
  return columnOf(name) === undefined ? name : undefined;
}

/** Messages about an invalid column. */
const COLUMN_MISTAKE = {
  wrongPart: (given: string) => unknownColumn(given) ?? given,
  meant: (given: string) => nearest(unknownColumn(given) ?? '', COLUMN_IDS),
};

/** A column, with `-` for descending order. */
export const sortValue: Value<Sort> = {
  expected: 'a column such as age, or -age for descending order',
  read: (given) => {
    const [, minus, id] = /^(-?)([\w/]+)$/.exec(given) ?? [];
    const column = columnOf(id);
    return column && { column, descending: minus === '-' };
  },
  ...COLUMN_MISTAKE,
};

/** Returns a sort as `sortValue` reads it. */
export const sortText = ({ column, descending }: Sort): string => `${descending ? '-' : ''}${column}`;

/** A column, with or without a width. */
export const columnValue: Value<ColumnChoice> = {
  expected: `a column such as process, or process:20 for a width of 20 cells (1 to ${MAX_COLUMN_WIDTH})`,
  read: (given) => {
    const [, name, digits] = /^([\w/]+)(?::(\d{1,3}))?$/.exec(given) ?? [];
    const id = columnOf(name);
    if (id === undefined || digits === undefined) return id && { id };
    const width = Number(digits);
    return width >= 1 && width <= MAX_COLUMN_WIDTH ? { id, width } : undefined;
  },
  ...COLUMN_MISTAKE,
};

/** Returns the columns of a list as they were given. */
const partsOf = (given: string): string[] => given.split(',').map((it) => it.trim());

/** Returns the first invalid column of a list; the whole list if only their combination is invalid. */
const wrongColumn = (given: string): string =>
  partsOf(given).find((it) => columnValue.read(it) === undefined) ?? given;

/** Columns separated by commas, each once. */
export const columnsValue: Value<readonly ColumnChoice[]> = {
  expected: 'columns such as process,pid,localPort, each once (netpane --help lists them)',
  read: (given) => {
    const parts = partsOf(given);
    const choices = parts.flatMap((it) => columnValue.read(it) ?? []);
    const isValid = choices.length === parts.length;
    return isValid && new Set(choices.map(({ id }) => id)).size === choices.length ? choices : undefined;
  },
  wrongPart: (given) => COLUMN_MISTAKE.wrongPart(wrongColumn(given)),
  meant: (given) => COLUMN_MISTAKE.meant(wrongColumn(given)),
};

/** Returns columns as `columnValue` reads them. */
export const columnTexts = (columns: readonly ColumnChoice[]): string[] =>
  columns.map(({ id, width }) => (width === undefined ? id : `${id}:${width}`));

/** A grouping, or `none`. */
export const groupValue: Value<GroupBy | 'none'> = nameValue<GroupBy | 'none'>(['none', ...GROUPS]);

/** Name of a view; the names of built-in views are not allowed. */
export const viewName: Value<string> = {
  expected: `a name other than ${BUILT_IN.map(({ name }) => name).join(', ')}`,
  read: (given) => (isBuiltIn(given.trim()) || given.trim() === '' ? undefined : given),
};

/** Returns a view as a table of the configuration file. */
export const viewTable = ({ name, query, columns, sort, group }: View): object => ({
  name,
  query,
  ...(columns && { columns: columnTexts(columns) }),
  ...(sort && { sort: sortText(sort) }),
  ...(group && { group }),
});
