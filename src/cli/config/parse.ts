import { parse, TomlError } from 'smol-toml';
import * as v from 'valibot';
import { messageOf } from '../errors.ts';
import { type FileSettings, KEYS, type SettingName, type SomeSettings } from '../settings.ts';
import { quoted, UsageError } from '../values.ts';
import { lineFinder } from './lines.ts';
import { nearest } from '../../query/nearest.ts';
import { type CheckQuery, settingSchemas, VIEW_KEYS } from './schema.ts';

/** Of more mistakes than this the rest is counted. */
const MOST_TOLD = 100;

type Path = readonly (string | number)[];

interface Mistake {
  readonly path: Path;
  readonly text: string;
}

const NAMES = Object.keys(KEYS) as SettingName[];
const ALL_KEYS = Object.values(KEYS);

/**
 * Understands a configuration file.
 * @param file its name, for messages
 * @param text of it
 * @throws UsageError with every mistake and its line; where the text is no TOML, with the first
 */
export function parseConfig(file: string, text: string, check: CheckQuery): FileSettings {
  const table = tomlTable(file, text);
  const lineOf = lineFinder(text);
  const views: readonly unknown[] = Array.isArray(table['view']) ? table['view'] : [];
  const mistakes = [
    ...unknownKeys(table, ALL_KEYS, []),
    ...views.flatMap((view, i) => unknownKeys(view, VIEW_KEYS, ['view', i])),
  ];
  const settings: Partial<Record<SettingName, unknown>> = {};
  const lines: Partial<Record<SettingName, readonly number[]>> = {};
  const schemas = settingSchemas(check);
  for (const name of NAMES) {
    const key = KEYS[name];
    if (!Object.hasOwn(table, key)) continue;
    const result = v.safeParse(schemas[name], table[key]);
    settings[name] = result.output;
    lines[name] = name === 'views' ? views.map((_, i) => lineOf([key, i])) : [lineOf([key])];
    for (const { path = [], message } of result.issues ?? [])
      mistakes.push({ path: [key, ...path.map((it) => it.key as string | number)], text: message });
  }
  if (mistakes.length > 0) throw new UsageError(...told(file, mistakes, lineOf));
  return { file, settings: settings as SomeSettings, lines };
}

function tomlTable(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) {
      const [first = ''] = error.message.split('\n');
      const why = first.replace('Invalid TOML document: ', '');
      throw new UsageError(`${file}:${error.line}:${error.column}: not TOML: ${why}`);
    }
    // Keys of thousands of parts use up the stack.
    throw new UsageError(`${file}: cannot be understood: ${messageOf(error)}`);
  }
}

function unknownKeys(table: unknown, known: readonly string[], path: Path): Mistake[] {
  if (typeof table !== 'object' || table === null) return [];
  return Object.keys(table)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const meant = nearest(key, known);
      return {
        path: [...path, key],
        text: `is not known: ${meant === undefined ? `there are ${known.join(', ')}` : `is ${meant} meant?`}`,
      };
    });
}

/** The mistakes in the order of the file, a line each. */
function told(file: string, mistakes: readonly Mistake[], lineOf: (path: Path) => number): string[] {
  const lines = mistakes
    .map(({ path, text }) => ({ line: lineOf(path), text: `${nameOf(path)} ${text}` }))
    .sort((a, b) => a.line - b.line)
    .map(({ line, text }) => `${file}:${line}: ${text}`);
  const rest = lines.length - MOST_TOLD;
  return rest > 0 ? [...lines.slice(0, MOST_TOLD), `${file}: and ${rest} more mistakes`] : lines;
}

/** `view.sort`: which of several views or columns it is, the line says. */
const nameOf = (path: Path): string =>
  path
    .filter((part) => typeof part === 'string')
    .map((key) => (/^[\w-]{1,60}$/.test(key) ? key : quoted(key.slice(0, 60))))
    .join('.');
