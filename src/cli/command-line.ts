import { resolve } from 'node:path';
import { formatNames, isFormat } from '../export/formats.ts';
import { SIGNALS } from '../model/process.ts';
import { quoteWord } from '../query/print.ts';
import { parseQuery, type Query } from '../query/query.ts';
import type { ColumnId } from '../store/columns.ts';
import { readArguments } from './arguments.ts';
import { COMMANDS, HELP_TOPICS, NAMED_COMMANDS } from './commands.ts';
import type { CommandLine, Invocation, Listing } from './invocation.ts';
import { nearCommand } from './near-commands.ts';
import type { OnRule } from './on/rule.ts';
import type { CommandName, HelpTopic, Option } from './option.ts';
import { EXCLUSIVE, LSOF_OPTIONS, OPTIONS, type OptionName } from './options.ts';
import { refuseColumns, refuseInRule, refuseLargePorts, refuseSort, refuseUnknown } from './refusals.ts';
import { type FileSettings, type PartialSettings, resolveSettings } from './resolve.ts';
import { SETTING_NAMES, type SettingName, type Settings, SETTINGS } from './settings.ts';
import {
  countValue,
  durationValue,
  nameValue,
  portsValue,
  quoted,
  textValue,
  readValue,
  UsageError,
  type Value,
} from './values.ts';

/** Columns that -e and -o add to the table of `ls`: what ss shows for them. */
const EXTENDED: readonly ColumnId[] = ['netns', 'uid', 'inode', 'id'];
const TIMERS: readonly ColumnId[] = ['timer', 'timerRetransmits'];

const SIGNAL = nameValue(SIGNALS);
const WAIT = durationValue(0);
const LIMIT = countValue(1, 999_999_999);

/**
 * Parses the command line.
 * @param args arguments without the program
 * @throws UsageError with the option and the expected value
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { command, topic, switches, values, forms, queries, words, run } = scan(args);
  for (const names of EXCLUSIVE) {
    const [one, other] = names.filter((name) => switches.has(name));
    if (one !== undefined && other !== undefined)
      throw new UsageError(`--${one} and --${other} cannot be used together`);
  }
  const valueOf = reader(values);
  const settings = givenSettings(values);
  const format = formatNames().find((name) => switches.has(name));
  const noTable = format ?? (['pids', 'quiet'] as const).find((name) => switches.has(name));
  if (command === 'ls' && values.has('columns') && noTable !== undefined)
    throw new UsageError(`--columns and --${noTable} cannot be used together: only the table has columns`);
  const noColour = switches.has('no-color') ? ({ palette: 'mono' } as const) : {};
  const numeric = switches.has('numeric') ? ({ serviceNames: false } as const) : {};
  const readOnly = switches.has('read-only') ? ({ readOnly: true } as const) : {};
  const rule = ruleOf(valueOf('on', textValue('a query')), run);
  const resolveNames = switches.has('resolve') ? ({ resolveNames: true } as const) : {};
  const names = switches.has('names') ? ({ names: true } as const) : {};
  const query = queryText(switches, values, forms, [...queries, words.join(' ')]);
  return {
    command: switches.has('help') ? 'help' : switches.has('version') ? 'version' : command,
    topic: switches.has('help') ? topic : undefined,
    format,
    configFile: valueOf('config', textValue('a file name')),
    path: switches.has('path'),
    isRedacted: switches.has('redact'),
    listing: listingOf(switches, valueOf('limit', LIMIT)),
    killing: {
      signal: valueOf('signal', SIGNAL) ?? 'TERM',
      isSure: switches.has('yes'),
      waitMs: valueOf('wait', WAIT),
    },
    given: {
      ...noColour,
      ...numeric,
      ...readOnly,
      ...resolveNames,
      ...names,
      ...settings,
      ...(query !== undefined && { query }),
      ...(rule && { on: [rule] }),
    },
  };
}

/** Returns the rule of --on. Throws a UsageError for a bad query, or without a command after `--`. */
function ruleOf(query: string | undefined, run: readonly string[]): OnRule | undefined {
  if (query === undefined) return undefined;
  readQuery(query);
  const [program = '', ...args] = run;
  if (program === '') throw new UsageError('--on needs a command: --on QUERY -- COMMAND ARGUMENTS');
  // Commands run in /: a path is that of the directory where netpane was started.
  const file = program.includes('/') ? resolve(program) : program;
  return { query, command: [file, ...args], bell: false, notify: false };
}

/** Returns how `ls` prints the sockets. */
const listingOf = (switches: Scanned['switches'], limit: number | undefined): Listing => ({
  only: switches.has('pids') ? 'pids' : switches.has('quiet') ? 'nothing' : undefined,
  hasHeader: !switches.has('no-header'),
  limit,
  extra: [...(switches.has('extended') ? EXTENDED : []), ...(switches.has('timers') ? TIMERS : [])],
});

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
  const query = readQuery(settings.query);
  if (!settings.also.includes('vsock')) refuseLargePorts(query, origins.query);
  if (line.command !== 'help' && line.command !== 'version') {
    refuseUnknown(query, origins.query, line.command);
    if (line.command === 'screen' || line.command === 'watch')
      for (const [i, rule] of settings.on.entries()) refuseInRule(readQuery(rule.query), origins.on, i);
    if (settings.columns && origins.columns.from === 'command line')
      refuseColumns(settings.columns, line.command);
    if (origins.sort.from === 'command line') refuseSort(settings.sort, line.command);
  }
  return { ...line, ...settings, query, origins };
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

/** Returns the filters of the command line as one query, all of which must match; undefined if there are none. */
function queryText(
  switches: Scanned['switches'],
  values: Scanned['values'],
  forms: Scanned['forms'],
  texts: readonly string[],
): string | undefined {
  const valueOf = reader(values);
  const port = valueOf('port', portsValue);
  const processName = valueOf('process', textValue('a program name or part of one'));
  const netns = valueOf('netns', textValue('the name or inode of a network namespace'));
  const protocols = ['tcp', 'udp'].filter((name) => switches.has(name));
  const families = ['ipv4', 'ipv6'].filter((name) => switches.has(name));
  const queries = texts.map((text) => text.trim()).filter((text) => text !== '');
  // Each is checked alone, so that the column of a mistake counts from its start.
  for (const query of queries) readQuery(query);
  const terms = [
    ...(protocols.length === 0 ? [] : [`proto:${protocols.join(',')}`]),
    ...(families.length === 2 ? ['(ipv4 or ipv6)'] : families),
    ...(switches.has('listen') && !switches.has('all') ? ['listen'] : []),
    ...(switches.has('established') ? ['established'] : []),
    ...(port === undefined ? [] : [`:${port}`]),
    ...(processName === undefined ? [] : [`process:${quoteWord(processName)}`]),
    ...(netns === undefined ? [] : [`ns:${quoteWord(netns)}`]),
    ...forms,
  ];
  if (terms.length === 0 && queries.length < 2) return queries[0];
  return [...terms, ...queries.map((query) => `(${query})`)].join(' ');
}

/** The arguments of the command line, by what they mean. */
interface Scanned {
  readonly command: CommandName;
  /** Topic of the help, if it is asked for; undefined for the general help. */
  readonly topic: HelpTopic | undefined;
  readonly switches: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  /** Forms of lsof, each with its option. */
  readonly forms: readonly string[];
  /** The queries of --query. */
  readonly queries: readonly string[];
  /** Words of a query, after the command. */
  readonly words: readonly string[];
  /** The command of --on and its arguments; empty without --on. */
  readonly run: readonly string[];
}

/** Returns the command that the words begin with, and the words after it; the screen if they begin with no command. */
function commandIn(words: readonly string[]): { command: CommandName | 'help'; rest: readonly string[] } {
  const [word, ...rest] = words;
  if (word === 'help') return { command: 'help', rest };
  const named = NAMED_COMMANDS.find((it) => it === word);
  return named === undefined ? { command: 'screen', rest: words } : { command: named, rest };
}

/** Throws a UsageError if the first word is a misspelled command: any other word is a query. */
function refuseNearCommand(word: string | undefined): void {
  const near = word === undefined ? undefined : nearCommand(word);
  if (word === undefined || near === undefined) return;
  const given = quoted(word);
  throw new UsageError(
    `unknown command ${given}: did you mean netpane ${near}? To filter the live screen by that word: netpane -q ${given}`,
  );
}

const TOPIC = nameValue(HELP_TOPICS);

/** Returns the topic after `help`; undefined if there is none. Throws a UsageError for any other word. */
function readTopic([word, ...rest]: readonly string[]): HelpTopic | undefined {
  if (rest.length > 0) throw new UsageError('netpane help takes only one topic');
  return word === undefined ? undefined : readValue(TOPIC, word, 'netpane help');
}

/** Splits the arguments. Throws a UsageError for an option that is unknown or does not belong to the command. */
function scan(args: readonly string[]): Scanned {
  const { options, words: before, behind = [] } = readArguments(args, commandOf);
  const hasRule = options.some(({ name }) => name === 'on');
  const all = hasRule ? before : [...before, ...behind];
  const { command: named, rest } = commandIn(all);
  const topic = named === 'help' ? readTopic(rest) : named === 'screen' ? undefined : named;
  const command = named === 'help' ? 'screen' : named;
  const words = named === 'help' ? [] : rest;
  const switches = new Set<string>(named === 'help' ? ['help'] : []);
  if (named === 'screen' && !options.some(({ name }) => name === 'help' || name === 'version'))
    refuseNearCommand(words[0]);
  if (COMMANDS[command].takesOnlySettings && words.length > 0)
    throw new UsageError(`${COMMANDS[command].name} takes only options, not ${quoted(words[0] ?? '')}`);
  const values = new Map<string, string>();
  const forms: string[] = [];
  const queries: string[] = [];
  for (const { name, value: given, isAttached } of options) {
    const option = OPTIONS.get(name);
    if (option === undefined) continue;
    refuseOption(name, option, command);
    if (option.value === undefined) {
      if (isAttached) throw new UsageError(`--${name} takes no value, got ${quoted(given ?? '')}`);
      switches.add(name);
    } else {
      if (given === undefined) throw new UsageError(`--${name} needs a value: --${name} ${option.value}`);
      const lsof = LSOF_OPTIONS[name];
      if (lsof !== undefined) forms.push(`${lsof}${given === '' ? '' : ` ${given}`}`);
      else if (name === 'query') queries.push(given);
      else if (option.several !== undefined && values.has(name))
        throw new UsageError(
          `--${name} can be given only once: for several, write a query such as '${option.several}'`,
        );
      else values.set(name, option.isList && values.has(name) ? `${values.get(name)}\0${given}` : given);
    }
  }
  return { command, topic, switches, values, forms, queries, words, run: hasRule ? behind : [] };
}

const commandOf = (words: readonly string[]): CommandName | undefined => {
  const { command } = commandIn(words);
  return command === 'help' ? undefined : command;
};

/** Throws a UsageError if the command does not have the option. */
function refuseOption(name: string, { commands, group }: Option, command: CommandName): void {
  if (COMMANDS[command].takesOnlySettings) {
    if (group === 'Filters' || (isFormat(name) && !commands?.includes(command)))
      throw new UsageError(`${COMMANDS[command].name} has no option --${name}`);
  } else if (commands && !commands.includes(command)) {
    const names = commands.map((it) => COMMANDS[it].name);
    const last = names.pop() ?? '';
    throw new UsageError(
      `--${name} works only with ${names.length === 0 ? '' : `${names.join(', ')} and `}${last}`,
    );
  }
}
