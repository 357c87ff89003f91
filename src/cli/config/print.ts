import { stringify } from 'smol-toml';
import { printable } from '../../model/text.ts';
import { BINDINGS } from '../../tui/keymap.ts';
import type { Origin, Origins } from '../resolve.ts';
import type { Written } from '../setting.ts';
import { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from '../settings.ts';
import { configPath, type Environment, noPathReason, statePath } from './paths.ts';

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
  const lines: string[] = [];
  const tables: string[] = [];
  for (const name of SETTING_NAMES) {
    const { key } = SETTINGS[name];
    const origin = origins[name];
    const written = writtenValue(name, settings[name]);
    if (typeof written !== 'object' || Array.isArray(written))
      lines.push(`${toml({ [key]: written }, isUtf8)}  # ${originText(origin)}`);
    else if ('absent' in written) lines.push(`# ${key}: ${written.absent}  # ${originText(origin)}`);
    else if ('table' in written) tables.push(keyTexts(key, written.table, origin, isUtf8));
    else if ('tables' in written) tables.push(...tableTexts(key, written.tables, origin, isUtf8));
  }
  return [`${lines.join('\n')}\n`, ...tables].join('\n');
}

const writtenValue = <Name extends SettingName>(name: Name, value: Settings[Name]): Written =>
  SETTINGS[name].print(value);

/** Returns the table of keys: those that the file sets, and as comments those of all other actions. */
function keyTexts(key: string, table: object, origin: Origin, isUtf8: boolean): string {
  const others = BINDINGS.filter(({ id }) => !Object.hasOwn(table, id)).map(
    ({ id, keys }) => `# ${toml({ [id]: keys.join(' ') }, isUtf8)}\n`,
  );
  const own = toml(table, isUtf8);
  return `[${key}]  # ${originText(origin)}\n${own === '' ? '' : `${own}\n`}${others.join('')}`;
}

/** Returns the text of each `[[key]]` table. */
function tableTexts(key: string, tables: readonly object[], origin: Origin, isUtf8: boolean): string[] {
  if (tables.length === 0) return [`# [[${key}]]: none  # ${originText(origin)}\n`];
  return tables.map((table, i) => `[[${key}]]  # ${originText(origin, i)}\n${toml(table, isUtf8)}\n`);
}

/** Returns the paths of the files that netpane uses, one per line. */
export function pathsText(configFile: string | undefined, environment: Environment): string {
  const nowhere = `none (${noPathReason()})`;
  const config = configFile ?? configPath(environment) ?? nowhere;
  return `config  ${printable(config)}\nstate   ${printable(statePath(environment) ?? nowhere)}\n`;
}
