import type { HideRule } from '../../store/hide-rules.ts';
import {
  COLUMN_IDS,
  type ColumnChoice,
  type GroupBy,
  GROUPS,
  MAX_COLUMN_WIDTH,
  type Palette,
  PALETTES,
  type PaneName,
  type Sort,
  type View,
} from '../../store/state.ts';
import { DEFAULT_SORT } from '../../store/views.ts';

/** State that is kept from one run to the next. */
export interface SavedState {
  readonly version: 1;
  readonly query: string;
  readonly sort: Sort;
  /** Null for none. */
  readonly group: GroupBy | null;
  /** Null if the columns depend on the width of the pane. */
  readonly columns: readonly ColumnChoice[] | null;
  /** Null if the user has not chosen one: the next terminal may be a different one. */
  readonly theme: Palette | null;
  readonly serviceNames: boolean;
  /** Views that the user has saved. */
  readonly views: readonly View[];
  /** Hide rules. */
  readonly known: readonly HideRule[];
  /** Earlier queries, oldest first, at most MAX_HISTORY. */
  readonly history: readonly string[];
  /** Open panes. */
  readonly panes: readonly PaneName[];
}

/** Maximum number of queries in the history. */
export const MAX_HISTORY = 200;

/** A saved state that cannot be used; the message gives the reason. */
export class DamagedState extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/** Throws a DamagedState. @param where the path of the value, such as `.known[3].port` */
const damaged = (where: string, expected: string): never => {
  throw new DamagedState(`${where === '' ? 'it' : where.slice(1)} is not ${expected}`);
};

const fieldsOf = (value: unknown, where: string): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : damaged(where, 'an object');

const text = (value: unknown, where: string): string =>
  typeof value === 'string' ? value : damaged(where, 'a string');

const flag = (value: unknown, where: string): boolean =>
  typeof value === 'boolean' ? value : damaged(where, 'true or false');

const integer =
  (least: number, most: number) =>
  (value: unknown, where: string): number =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? (value as number)
      : damaged(where, `a whole number from ${least} to ${most}`);

const list = <T>(value: unknown, where: string, item: (value: unknown, where: string) => T): T[] =>
  Array.isArray(value) ? value.map((it, i) => item(it, `${where}[${i}]`)) : damaged(where, 'a list');

/** Returns one of these names; undefined for an unknown name, which another version of netpane may have. */
const name = <T extends string>(names: readonly T[], value: unknown, where: string): T | undefined => {
  const given = text(value, where);
  return names.find((it) => it === given);
};

/** Panes that may be restored; the help is not. */
const PANES: readonly PaneName[] = ['events', 'details', 'traffic', 'graph'];
const width = integer(1, MAX_COLUMN_WIDTH);
/** VSOCK ports have 32 bits. */
const port = integer(0, 2 ** 32 - 1);

const isDefined = <T>(it: T | undefined): it is T => it !== undefined;

function sort(value: unknown, where: string): Sort | undefined {
  const { column, descending } = fieldsOf(value, where);
  const id = name(COLUMN_IDS, column, `${where}.column`);
  const isDescending = flag(descending, `${where}.descending`);
  return id && { column: id, descending: isDescending };
}

function column(value: unknown, where: string): ColumnChoice | undefined {
  const fields = fieldsOf(value, where);
  const id = name(COLUMN_IDS, fields['id'], `${where}.id`);
  const cells = fields['width'] === undefined ? undefined : width(fields['width'], `${where}.width`);
  return id && { id, ...(cells !== undefined && { width: cells }) };
}

/** Returns the columns that this netpane has; undefined if there are none, because a table needs columns. */
function columns(value: unknown, where: string): readonly ColumnChoice[] | undefined {
  const choices = list(value, where, column).filter(isDefined);
  return choices.length > 0 ? choices : undefined;
}

function view(value: unknown, where: string): View {
  const fields = fieldsOf(value, where);
  /** Returns the value of a field; undefined if the field is absent. */
  const optional = <T>(field: string, read: (value: unknown, where: string) => T): T | undefined =>
    fields[field] === undefined ? undefined : read(fields[field], `${where}.${field}`);
  const settings = {
    columns: optional('columns', columns),
    sort: optional('sort', sort),
    group: optional('group', (it, at) => name(GROUPS, it, at)),
  };
  return {
    name: text(fields['name'], `${where}.name`),
    query: text(fields['query'], `${where}.query`),
    ...(settings.columns && { columns: settings.columns }),
    ...(settings.sort && { sort: settings.sort }),
    ...(settings.group && { group: settings.group }),
  };
}

function hideRule(value: unknown, where: string): HideRule {
  const fields = fieldsOf(value, where);
  return {
    process: text(fields['process'], `${where}.process`),
    remote: text(fields['remote'], `${where}.remote`),
    port: port(fields['port'], `${where}.port`),
  };
}

const orNull = <T>(value: unknown, where: string, read: (value: unknown, where: string) => T | undefined) =>
  value === null ? null : (read(value, where) ?? null);

/**
 * Parses a saved state. Leaves out unknown names of columns, groupings, palettes and panes.
 * @throws DamagedState if the text is not a saved state, or was written by a newer netpane
 */
export function parseState(json: string): SavedState {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return damaged('', 'JSON');
  }
  const it = fieldsOf(value, '');
  const { version } = it;
  if (Number.isInteger(version) && (version as number) > 1)
    throw new DamagedState('it was written by a newer netpane');
  if (version !== 1) damaged('.version', '1');
  return {
    version: 1,
    query: text(it['query'], '.query'),
    sort: sort(it['sort'], '.sort') ?? DEFAULT_SORT,
    group: orNull(it['group'], '.group', (value, where) => name(GROUPS, value, where)),
    columns: orNull(it['columns'], '.columns', columns),
    theme: orNull(it['theme'], '.theme', (value, where) => name(PALETTES, value, where)),
    serviceNames: flag(it['serviceNames'], '.serviceNames'),
    views: list(it['views'], '.views', view),
    known: list(it['known'], '.known', hideRule),
    history: list(it['history'], '.history', text).slice(-MAX_HISTORY),
    panes: list(it['panes'], '.panes', (value, where) => name(PANES, value, where)).filter(isDefined),
  };
}
