import type { HideRule } from '../../store/hide-rules.ts';
import { MAX_HISTORY } from '../../store/history.ts';
import { COLUMN_IDS, type ColumnChoice, MAX_COLUMN_WIDTH, type Sort } from '../../store/columns.ts';
import { COVERING_PANES, PANE_NAMES, type PaneName } from '../../store/panes.ts';
import { type GroupBy, GROUPS, type Palette, PALETTES, type View } from '../../store/state.ts';
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
  /** Null if the user has not chosen colours: another terminal may need others. */
  readonly theme: Palette | null;
  readonly serviceNames: boolean;
  /** Views that the user has saved. */
  readonly views: readonly View[];
  /** Hide rules; `known` is their name in the file. */
  readonly known: readonly HideRule[];
  /** Earlier queries, oldest first, at most MAX_HISTORY. */
  readonly history: readonly string[];
  /** Open panes. */
  readonly panes: readonly PaneName[];
}

/** Error about a saved state that cannot be used: damaged, or of a newer netpane. The message gives the reason. */
export class DamagedState extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/** Throws a DamagedState. @param where the path of the value, such as `.known[3].port`; empty for the whole state */
const damaged = (where: string, expected: string): never => {
  throw new DamagedState(`${where === '' ? 'it' : where.slice(1)} is not ${expected}`);
};

const fieldsOf = (value: unknown, where: string): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : damaged(where, 'an object');

const readText = (value: unknown, where: string): string =>
  typeof value === 'string' ? value : damaged(where, 'a string');

const readFlag = (value: unknown, where: string): boolean =>
  typeof value === 'boolean' ? value : damaged(where, 'true or false');

/** Returns a function that reads an integer of this range. */
const integerReader =
  (least: number, most: number) =>
  (value: unknown, where: string): number =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? (value as number)
      : damaged(where, `a whole number from ${least} to ${most}`);

const readList = <T>(value: unknown, where: string, readItem: (value: unknown, where: string) => T): T[] =>
  Array.isArray(value) ? value.map((it, i) => readItem(it, `${where}[${i}]`)) : damaged(where, 'a list');

/** Reads one of these names. Returns undefined for another text: it may be a name of another version of netpane. */
const readName = <T extends string>(names: readonly T[], value: unknown, where: string): T | undefined => {
  const given = readText(value, where);
  return names.find((it) => it === given);
};

/** Panes that are restored: those that do not cover the table. */
export const RESTORED_PANES = PANE_NAMES.filter((name) => !COVERING_PANES.includes(name));

const readWidth = integerReader(1, MAX_COLUMN_WIDTH);
/** VSOCK ports have 32 bits. */
const readPort = integerReader(0, 2 ** 32 - 1);

const isDefined = <T>(it: T | undefined): it is T => it !== undefined;

function readSort(value: unknown, where: string): Sort | undefined {
  const { column, descending } = fieldsOf(value, where);
  const id = readName(COLUMN_IDS, column, `${where}.column`);
  const isDescending = readFlag(descending, `${where}.descending`);
  return id && { column: id, descending: isDescending };
}

function readColumn(value: unknown, where: string): ColumnChoice | undefined {
  const fields = fieldsOf(value, where);
  const id = readName(COLUMN_IDS, fields['id'], `${where}.id`);
  const width = fields['width'] === undefined ? undefined : readWidth(fields['width'], `${where}.width`);
  return id && { id, ...(width !== undefined && { width }) };
}

/** Reads columns, without unknown ones. Returns undefined if none is left, because a table needs at least one. */
function readColumns(value: unknown, where: string): readonly ColumnChoice[] | undefined {
  const choices = readList(value, where, readColumn).filter(isDefined);
  return choices.length > 0 ? choices : undefined;
}

function readView(value: unknown, where: string): View {
  const fields = fieldsOf(value, where);
  /** Returns the value of a field; undefined if the field is absent. */
  const optional = <T>(field: string, read: (value: unknown, where: string) => T): T | undefined =>
    fields[field] === undefined ? undefined : read(fields[field], `${where}.${field}`);
  const settings = {
    columns: optional('columns', readColumns),
    sort: optional('sort', readSort),
    group: optional('group', (it, at) => readName(GROUPS, it, at)),
  };
  return {
    name: readText(fields['name'], `${where}.name`),
    query: readText(fields['query'], `${where}.query`),
    ...(settings.columns && { columns: settings.columns }),
    ...(settings.sort && { sort: settings.sort }),
    ...(settings.group && { group: settings.group }),
  };
}

function readHideRule(value: unknown, where: string): HideRule {
  const fields = fieldsOf(value, where);
  return {
    process: readText(fields['process'], `${where}.process`),
    remote: readText(fields['remote'], `${where}.remote`),
    port: readPort(fields['port'], `${where}.port`),
  };
}

/** Reads a value that may be null. Returns null also for an unknown name. */
const readOrNull = <T>(
  value: unknown,
  where: string,
  read: (value: unknown, where: string) => T | undefined,
) => (value === null ? null : (read(value, where) ?? null));

/**
 * Parses a saved state. Leaves out columns, groupings, palettes and panes that this version of netpane does not know.
 * @throws DamagedState if the text is not a saved state, or was written by a newer netpane
 */
export function parseState(json: string): SavedState {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return damaged('', 'JSON');
  }
  const fields = fieldsOf(value, '');
  const { version } = fields;
  if (Number.isInteger(version) && (version as number) > 1)
    throw new DamagedState('it was written by a newer netpane');
  if (version !== 1) damaged('.version', '1');
  return {
    version: 1,
    query: readText(fields['query'], '.query'),
    sort: readSort(fields['sort'], '.sort') ?? DEFAULT_SORT,
    group: readOrNull(fields['group'], '.group', (value, where) => readName(GROUPS, value, where)),
    columns: readOrNull(fields['columns'], '.columns', readColumns),
    theme: readOrNull(fields['theme'], '.theme', (value, where) => readName(PALETTES, value, where)),
    serviceNames: readFlag(fields['serviceNames'], '.serviceNames'),
    views: readList(fields['views'], '.views', readView),
    known: readList(fields['known'], '.known', readHideRule),
    history: readList(fields['history'], '.history', readText).slice(-MAX_HISTORY),
    panes: readList(fields['panes'], '.panes', (value, where) =>
      readName(RESTORED_PANES, value, where),
    ).filter(isDefined),
  };
}
