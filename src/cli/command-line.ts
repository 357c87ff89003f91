import { type ParseArgsConfig, parseArgs } from 'node:util';
import { formatNames, isFormat } from '../export/formats.ts';
import { quoteWord } from '../query/print.ts';
import { parseQuery, type Query } from '../query/query.ts';
import { COMMAND_NAMES, COMMANDS } from './commands.ts';
import type { CommandLine, Invocation } from './invocation.ts';
import type { CommandName } from './option.ts';
import { EXCLUSIVE, LSOF_OPTIONS, OPTIONS, type OptionName } from './options.ts';
import { type FileSettings, type PartialSettings, resolveSettings } from './resolve.ts';
import { SETTING_NAMES, type SettingName, type Settings, SETTINGS } from './settings.ts';
import { portValue, quoted, textValue, readValue, UsageError, type Value } from './values.ts';

const WORDS = COMMAND_NAMES.filter((name) => name !== 'screen');

/**
 * Parses the command line.
 * @param args arguments without the program
 * @throws UsageError with the option and the expected value
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { command, switches, values, forms, words } = scan(args);
  for (const names of EXCLUSIVE) {
    const [one, other] = names.filter((name) => switches.has(name));
    if (one !== undefined && other !== undefined)
      throw new UsageError(`--${one} and --${other} cannot be used together`);
  }
  const valueOf = reader(values);
  const settings = givenSettings(values);
  const noColour = switches.has('no-color') ? ({ palette: 'mono' } as const) : {};
  const query = queryText(switches, values, forms, words);
  return {
    command: switches.has('help') ? 'help' : switches.has('version') ? 'version' : command,
    format: formatNames().find((name) => switches.has(name)),
    configFile: valueOf('config', textValue('a file name')),
    path: switches.has('path'),
    given: { ...noColour, ...settings, ...(query !== undefined && { query }) },
  };
}

/** Returns the settings that options give. */
function givenSettings(values: Scanned['values']): PartialSettings {
  const given: { -readonly [Name in SettingName]?: Settings[Name] } = {};
  const set = <Name extends SettingName>(name: Name, value: Settings[Name]): void => {
    given[name] = value;
  };
  for (const name of SETTING_NAMES) {
    const { option } = SETTINGS[name];
    const text = option && values.get(option.name);
    if (option && text !== undefined)
      set(name, readValue<Settings[SettingName]>(option.parse, text, `--${option.name}`));
  }
  return given;
}

/**
 * Returns the command with all settings: of command line, environment and configuration file combined.
 * @param environment NO_COLOR and TERM are read
 * @param file settings of the configuration file; absent if there is none
 */
export function invocationOf(
  { given, ...line }: CommandLine,
  environment: Readonly<Record<string, string | undefined>>,
  file?: FileSettings,
): Invocation {
  const { settings, origins } = resolveSettings(given, environment, file);
  return { ...line, ...settings, query: readQuery(settings.query), origins };
}

/** Returns a function that parses the value of an option; it returns undefined for an option that was not given. */
const reader =
  (values: Scanned['values']) =>
  <T>(name: OptionName, value: Value<T>): T | undefined => {
    const text = values.get(name);
    return text === undefined ? undefined : readValue(value, text, `--${name}`);
  };

/** Parses a query. @throws UsageError with the column of the mistake */
function readQuery(text: string): Query {
  const parsed = parseQuery(text);
  if ('query' in parsed) return parsed.query;
  const { at, message } = parsed.problem;
  throw new UsageError(`bad query at column ${at + 1} of ${quoted(text)}: ${message}`);
}

/** Returns the filters of the command line as one query; undefined if there are none. */
function queryText(
  switches: Scanned['switches'],
  values: Scanned['values'],
  forms: Scanned['forms'],
  words: Scanned['words'],
): string | undefined {
  const valueOf = reader(values);
  const port = valueOf('port', portValue);
  const processName = valueOf('process', textValue('a program name or part of one'));
  const netns = valueOf('netns', textValue('the name or inode of a network namespace'));
  const [tcp, udp] = [switches.has('tcp'), switches.has('udp')];
  const queryWords = [values.get('query') ?? '', ...words].join(' ').trim();
  // Checked alone, so that the column of a mistake counts from its start.
  if (queryWords !== '') readQuery(queryWords);
  const terms = [
    ...(tcp === udp ? [] : [tcp ? 'proto:tcp' : 'proto:udp']),
    ...(switches.has('listen') ? ['listen'] : []),
    ...(switches.has('established') ? ['established'] : []),
    ...(port === undefined ? [] : [`:${port}`]),
    ...(processName === undefined ? [] : [`process:${quoteWord(processName)}`]),
    ...(netns === undefined ? [] : [`ns:${quoteWord(netns)}`]),
    ...forms,
  ];
  if (terms.length === 0) return queryWords === '' ? undefined : queryWords;
  return [...terms, ...(queryWords === '' ? [] : [`(${queryWords})`])].join(' ');
}

interface Scanned {
  readonly command: CommandName;
  readonly switches: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  /** Forms of lsof, each with its option. */
  readonly forms: readonly string[];
  /** Words of a query, after the command. */
  readonly words: readonly string[];
}

/** As in lsof, `-i` may stand alone: an argument that follows is its form unless it is an option. */
const withEmptyForms = (args: readonly string[]): string[] =>
  args.map((arg, i) => (arg === '-i' && (args[i + 1] ?? '-').startsWith('-') ? '--internet=' : arg));

/** Maximum number of arguments. parseArgs takes quadratic time; the longest query has fewer words. */
const MAX_WORDS = 4096;
/** Maximum length of an argument with one dash: parseArgs reads its letters as options, in quadratic time. */
const MAX_LETTERS = 8192;

/** Returns true if a word cannot be a mistyped command, so it is a query. */
const isQuery = (word: string): boolean => /[^a-z]/i.test(word);

/** Splits the arguments. Throws a UsageError for an option that is unknown or does not belong to the command. */
function scan(args: readonly string[]): Scanned {
  const config: ParseArgsConfig['options'] = Object.fromEntries(
    [...OPTIONS].map(([name, { value, short }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string', ...(short && { short }) } as const,
    ]),
  );
  if (args.length > MAX_WORDS)
    throw new UsageError(`too many arguments: ${args.length} (maximum ${MAX_WORDS})`);
  const long = args.find((arg) => /^-(?!-)/.test(arg) && arg.length > MAX_LETTERS);
  if (long !== undefined)
    throw new UsageError(`option too long (maximum ${MAX_LETTERS} characters): ${quoted(long)}`);
  const { tokens } = parseArgs({
    args: withEmptyForms(args),
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const positionals = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const [word, ...rest] = positionals;
  const named = WORDS.find((it) => it === word);
  const command = named ?? (word === undefined || isQuery(word) ? 'screen' : undefined);
  if (command === undefined) {
    const given = quoted(word ?? '');
    throw new UsageError(
      `unknown command ${given} (${WORDS.join(', ')}); to filter the live screen by that word: netpane -q ${given}`,
    );
  }
  const words = named === undefined ? positionals : rest;
  if (COMMANDS[command].takesOnlySettings && words.length > 0)
    throw new UsageError(`${COMMANDS[command].name} takes only options, not ${quoted(words[0] ?? '')}`);
  const switches = new Set<string>();
  const values = new Map<string, string>();
  const forms: string[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name } = token;
    const option = OPTIONS.get(name);
    if (option === undefined)
      throw new UsageError(`unknown option ${quoted(token.rawName)}: see netpane --help`);
    const { value, commands, group } = option;
    if (COMMANDS[command].takesOnlySettings) {
      if (group === 'Filters' || isFormat(name))
        throw new UsageError(`${COMMANDS[command].name} has no option --${name}`);
    } else if (commands && !commands.includes(command)) {
      const names = commands.map((it) => COMMANDS[it].name).join(' and ');
      throw new UsageError(`--${name} works only with ${names}`);
    }
    if (value === undefined) {
      if (token.value !== undefined)
        throw new UsageError(`--${name} takes no value, got ${quoted(token.value)}`);
      switches.add(name);
    } else {
      if (token.value === undefined) throw new UsageError(`--${name} needs a value: --${name} ${value}`);
      const lsof = LSOF_OPTIONS[name];
      if (lsof === undefined) values.set(name, token.value);
      else forms.push(`${lsof}${token.value === '' ? '' : ` ${token.value}`}`);
    }
  }
  return { command, switches, values, forms, words };
}
