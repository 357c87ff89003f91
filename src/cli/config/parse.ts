import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { messageOf } from '../errors.ts';
import type { FileSettings, PartialSettings } from '../resolve.ts';
import { SETTING_NAMES, SETTINGS, type SettingName } from '../settings.ts';
import { quoted, UsageError } from '../values.ts';
import { placesOf } from './lines.ts';
import { nearest } from '../../query/nearest.ts';
import { type CheckQuery, RULE_KEYS, schemas, VIEW_KEYS } from './schema.ts';

/** Maximum number of mistakes reported one by one; the rest are only counted. */
const MAX_REPORTED = 100;

type Path = readonly (string | number)[];

interface Mistake {
  /** Place in the document, for its line number. */
  readonly path: Path;
  /** Column of the mistake, from 1; absent if only its line is reported. */
  readonly column?: number;
  /** The whole message, with the name of the key. */
  readonly text: string;
}

const KEYS = Object.values(SETTINGS).map(({ key }) => key);

/** Keys of the tables of a list, by the key of the list. */
const TABLE_KEYS: Readonly<Record<string, readonly string[]>> = { view: VIEW_KEYS, on: RULE_KEYS };

/**
 * Parses a configuration file.
 * @param file the file name, for messages
 * @throws UsageError with every mistake and its line; only the first one if the text is not TOML
 */
export function parseConfig(file: string, text: string, check: CheckQuery): FileSettings {
  const table = tomlTable(file, text);
  const { lineOf, columnOf } = placesOf(text);
  const tablesOf = (key: string): readonly unknown[] => {
    const value = table[key];
    return Array.isArray(value) ? value : [];
  };
  const mistakes = [
    ...unknownKeys(table, KEYS, []),
    ...Object.entries(TABLE_KEYS).flatMap(([key, known]) =>
      tablesOf(key).flatMap((it, i) => unknownKeys(it, known, [key, i])),
    ),
  ];
  const settings: Partial<Record<SettingName, unknown>> = {};
  const lines: Partial<Record<SettingName, readonly number[]>> = {};
  const available = schemas(check);
  for (const name of SETTING_NAMES) {
    const { key, schema } = SETTINGS[name];
    if (!Object.hasOwn(table, key)) continue;
    const result = v.safeParse(schema(available), table[key]);
    settings[name] = result.output;
    lines[name] = TABLE_KEYS[key] ? tablesOf(key).map((_, i) => lineOf([key, i])) : [lineOf([key])];
    for (const issue of result.issues ?? []) {
      const path = [key, ...(issue.path ?? []).map((it) => it.key as string | number)];
      const [, id, at] = path;
      // Issues about keys name their action.
      if (name === 'keys' && typeof id === 'string') {
        const column = columnOf([key, id], typeof at === 'number' ? at : undefined);
        mistakes.push({ path: [key, id], column, text: issue.message });
      } else mistakes.push({ path, text: `${nameOf(path)} ${issue.message}` });
    }
  }
  if (mistakes.length > 0) throw new UsageError(...mistakeLines(file, mistakes, lineOf));
  return { file, settings: settings as PartialSettings, lines };
}

function tomlTable(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) {
      const [first = ''] = error.message.split('\n');
      const why = first.replace('Invalid TOML document: ', '');
      throw new UsageError(`${file}:${error.line}:${error.column}: invalid TOML: ${why}`);
    }
    // Keys of thousands of parts use up the stack.
    throw new UsageError(`${file}: cannot be parsed: ${messageOf(error)}`);
  }
}

function unknownKeys(table: unknown, known: readonly string[], path: Path): Mistake[] {
  if (typeof table !== 'object' || table === null) return [];
  return Object.keys(table)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const keyPath = [...path, key];
      const meant = nearest(key, known);
      const help = meant === undefined ? `the keys are ${known.join(', ')}` : `did you mean ${meant}?`;
      return { path: keyPath, text: `unknown key ${nameOf(keyPath)}: ${help}` };
    });
}

/** Returns one line per mistake, in the order of the file. */
function mistakeLines(file: string, mistakes: readonly Mistake[], lineOf: (path: Path) => number): string[] {
  const lines = mistakes
    .map(({ path, column, text }) => ({ line: lineOf(path), column, text }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, column, text }) => `${file}:${line}${column === undefined ? '' : `:${column}`}: ${text}`);
  const rest = lines.length - MAX_REPORTED;
  return rest > 0 ? [...lines.slice(0, MAX_REPORTED), `${file}: ${rest} more mistakes`] : lines;
}

/** Returns the name of a key for a message: `view.sort`. It omits list indexes: the line number shows the item. */
const nameOf = (path: Path): string =>
  path
    .filter((part) => typeof part === 'string')
    .map((key) => (key === '' ? "''" : /^[\w-]{1,60}$/.test(key) ? key : quoted(key.slice(0, 60))))
    .join('.');
