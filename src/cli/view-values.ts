import {
  COLUMN_IDS,
  type ColumnChoice,
  type ColumnId,
  type GroupBy,
  GROUPS,
  MAX_COLUMN_WIDTH,
  type Sort,
} from '../store/state.ts';
import { BUILT_IN, isBuiltIn } from '../store/views.ts';
import { nameValue, type Value } from './values.ts';

/*
 * Values of settings and views that say how the table is shown.
 */

const columnOf = (id: string | undefined): ColumnId | undefined => COLUMN_IDS.find((it) => it === id);

/** A column, with `-` for descending order. */
export const sortValue: Value<Sort> = {
  expected: 'a column such as age, or -age for descending order',
  read: (given) => {
    const [, minus, id] = /^(-?)(\w+)$/.exec(given) ?? [];
    const column = columnOf(id);
    return column && { column, descending: minus === '-' };
  },
};

/** Returns a sort as `sortValue` reads it. */
export const sortText = ({ column, descending }: Sort): string => `${descending ? '-' : ''}${column}`;

/** A column, with or without a width. */
export const columnValue: Value<ColumnChoice> = {
  expected: `a column such as process, or process:20 for a width of 20 cells (1 to ${MAX_COLUMN_WIDTH})`,
  read: (given) => {
    const [, name, digits] = /^(\w+)(?::(\d{1,3}))?$/.exec(given) ?? [];
    const id = columnOf(name);
    if (id === undefined || digits === undefined) return id && { id };
    const width = Number(digits);
    return width >= 1 && width <= MAX_COLUMN_WIDTH ? { id, width } : undefined;
  },
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
