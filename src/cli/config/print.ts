import { stringify } from 'smol-toml';
import { printable } from '../../model/text.ts';
import type { Sort } from '../../store/state.ts';
import type { ColumnChoice, View } from '../../store/state.ts';
import { KEYS, type Origin, type Origins, type SettingName, type Settings } from '../settings.ts';
import { configPath, type Environment, statePath } from './paths.ts';

/** A value as the configuration file writes it. `absent` describes a value that is set by leaving out the key. */
type Written = string | number | boolean | readonly string[] | { readonly absent: string };

const durationText = (ms: number): string => {
  if (ms > 0 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
};

const sortText = ({ column, descending }: Sort): string => `${descending ? '-' : ''}${column}`;

const columnTexts = (columns: readonly ColumnChoice[]): string[] =>
  columns.map(({ id, width }) => (width === undefined ? id : `${id}:${width}`));

type Single = Exclude<SettingName, 'views'>;

const WRITTEN: { readonly [Name in Single]: (value: Settings[Name]) => Written } = {
  intervalMs: durationText,
  lingerMs: durationText,
  maxShare: (share) => Math.round(share * 10_000) / 100,
  eventBufferKiB: (kib) => kib ?? { absent: 'automatic' },
  eventsKept: (count) => count,
  source: (name) => name ?? { absent: 'first that works' },
  also: (kinds) => kinds,
  palette: (name) => name,
  query: (text) => text,
  sort: sortText,
  group: (name) => name ?? 'none',
  columns: (choices) => (choices ? columnTexts(choices) : { absent: 'automatic, by pane width' }),
  serviceNames: (on) => on,
  mouse: (on) => on,
  restore: (on) => on,
};

/** Returns the origin of a value for a comment of TOML, which must not contain control characters. */
function originText(origin: Origin, item = 0): string {
  switch (origin.from) {
    case 'default':
    case 'command line':
      return origin.from;
    case 'environment':
      return `${origin.variable} in the environment`;
    case 'file': {
      const line = origin.lines[item];
      return printable(line === undefined ? origin.file : `${origin.file}:${line}`);
    }
  }
}

/** Characters that control a terminal or are invisible, except line ends. */
const UNSAFE = /(?!\n)[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/gu;

/** Characters outside ASCII. */
const NOT_ASCII = /\P{ASCII}/gu;

/** Returns the TOML escape of a character. A lone surrogate, which TOML does not allow, becomes U+FFFD. */
function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code > 0xffff) return `\\U${code.toString(16).padStart(8, '0')}`;
  return code >= 0xd800 && code <= 0xdfff ? '\\uFFFD' : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Returns a table as TOML that is safe for a terminal. `stringify` writes only strings that allow escapes. */
function toml(table: object, isUtf8: boolean): string {
  const text = stringify(table).trimEnd().replace(UNSAFE, escaped);
  return isUtf8 ? text : text.replace(NOT_ASCII, escaped);
}

/**
 * Returns the settings in effect as a configuration file, with a comment about the origin of each.
 * @param isUtf8 false writes the values in ASCII, with escapes; a comment may still contain a path outside ASCII
 */
export function configText(settings: Settings, origins: Origins, isUtf8 = true): string {
  const singles = (Object.keys(WRITTEN) as Single[]).map((name) => {
    const write = WRITTEN[name] as (value: unknown) => Written;
    const written = write(settings[name]);
    const isAbsent = typeof written === 'object' && 'absent' in written;
    const text = isAbsent ? `# ${KEYS[name]}: ${written.absent}` : toml({ [KEYS[name]]: written }, isUtf8);
    return `${text}  # ${originText(origins[name])}`;
  });
  const { views } = settings;
  const tables =
    views.length > 0
      ? views.map((view, i) => viewText(view, originText(origins.views, i), isUtf8))
      : [`# [[view]]: none  # ${originText(origins.views)}\n`];
  return [`${singles.join('\n')}\n`, ...tables].join('\n');
}

function viewText({ name, query, columns, sort, group }: View, origin: string, isUtf8: boolean): string {
  const table = {
    name,
    query,
    ...(columns && { columns: columnTexts(columns) }),
    ...(sort && { sort: sortText(sort) }),
    ...(group && { group }),
  };
  return `[[${KEYS.views}]]  # ${origin}\n${toml(table, isUtf8)}\n`;
}

/** Returns the paths of the files that netpane uses, one per line. */
export function pathsText(configFile: string | undefined, environment: Environment): string {
  const nowhere = 'none (HOME is not set)';
  const config = configFile ?? configPath(environment) ?? nowhere;
  return `config  ${printable(config)}\nstate   ${printable(statePath(environment) ?? nowhere)}\n`;
}
