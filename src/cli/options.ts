import { type ParseArgsConfig, parseArgs } from 'node:util';
import { quoteWord } from '../query/print.ts';
import { parseQuery, type Query } from '../query/query.ts';
import { DEFAULT_MAX_SHARE } from '../sampler/pacer.ts';
import { SOURCE_NAMES, SOURCES } from '../source/index.ts';
import { EXTRA_KINDS } from '../source/types.ts';
import { DEFAULT_EVENTS_KEPT } from '../store/log.ts';
import { PALETTES } from '../store/state.ts';
import {
  type Origins,
  type SettingName,
  type Settings,
  resolveSettings,
  type FileSettings,
  type PartialSettings,
  VALUES,
} from './settings.ts';
import { portValue, quoted, textValue, readValue, UsageError, type Value } from './values.ts';

/** Every command, in the order of the help. `screen` is the command without a name. */
const COMMANDS = {
  screen: {
    usage: '[filters] [options]',
    about: 'live screen (press ? for its keys)',
    name: 'the live screen',
  },
  ls: { usage: 'ls [--json | --csv] [filters]', about: 'print the sockets once', name: "'netpane ls'" },
  watch: {
    usage: 'watch [--json] [filters]',
    about: 'print events as they happen, one per line',
    name: "'netpane watch'",
  },
  config: {
    usage: 'config [--path] [options]',
    about: 'print the settings in effect and where each comes from',
    name: "'netpane config'",
  },
} as const satisfies Record<string, { usage: string; about: string; name: string }>;

type CommandName = keyof typeof COMMANDS;

const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

const WORDS = COMMAND_NAMES.filter((name) => name !== 'screen');

interface Option {
  /** Name of the value in the help; absent for a switch. */
  readonly value?: string;
  readonly short?: string;
  readonly about: string;
  /** Commands that accept the option; absent for all. */
  readonly commands?: readonly CommandName[];
  readonly group: 'Filters' | 'Options';
}

/** Every option, in the order of the help. */
const OPTIONS = {
  listen: { about: 'only listening sockets: TCP listeners and unconnected UDP sockets', group: 'Filters' },
  established: { about: 'only established connections', group: 'Filters' },
  tcp: { about: 'only TCP', group: 'Filters' },
  udp: { about: 'only UDP', group: 'Filters' },
  port: {
    value: 'N',
    about: 'only sockets with this local or remote port',
    group: 'Filters',
  },
  process: {
    value: 'NAME',
    about: 'only sockets of programs with NAME in their name',
    group: 'Filters',
  },
  netns: {
    value: 'NAME',
    about: 'only sockets of this network namespace (name or inode)',
    group: 'Filters',
  },
  query: {
    value: 'QUERY',
    short: 'q',
    about: 'only sockets that match this query (its terms: press ? on the live screen)',
    group: 'Filters',
  },
  internet: {
    value: 'FORM',
    short: 'i',
    about: 'as lsof -i: [46][protocol][@host][:ports]; may be repeated, any may match',
    group: 'Filters',
  },
  state: {
    value: 'FORM',
    short: 's',
    about: 'as lsof -s: TCP:LISTEN,CLOSE_WAIT, or TCP:^TIME_WAIT to exclude a state',
    group: 'Filters',
  },
  also: {
    value: 'KINDS',
    about: `also show sockets of these kinds: ${EXTRA_KINDS.join(',')}`,
    group: 'Options',
  },
  json: { about: 'print JSON', commands: ['ls', 'watch'], group: 'Options' },
  csv: { about: 'print CSV', commands: ['ls'], group: 'Options' },
  interval: {
    value: 'TIME',
    about: 'refresh interval: 500ms, 2s, 1m (default 1s)',
    commands: ['screen', 'watch'],
    group: 'Options',
  },
  'max-load': {
    value: 'PERCENT',
    about: `CPU limit for polling, percent of one core (default ${DEFAULT_MAX_SHARE * 100})`,
    commands: ['screen', 'watch'],
    group: 'Options',
  },
  'event-buffer': {
    value: 'KIB',
    about: 'event buffer size, KiB per CPU and namespace (default: auto)',
    commands: ['screen', 'watch'],
    group: 'Options',
  },
  linger: {
    value: 'TIME',
    about: 'how long marks and closed sockets stay visible (default 3s)',
    commands: ['screen'],
    group: 'Options',
  },
  events: {
    value: 'N',
    about: `number of events that the log keeps (default ${DEFAULT_EVENTS_KEPT})`,
    commands: ['screen'],
    group: 'Options',
  },
  source: {
    value: 'NAME',
    about: `${SOURCE_NAMES.join(', ')} (default: first that works)`,
    group: 'Options',
  },
  palette: {
    value: 'NAME',
    about: `${PALETTES.join(', ')} (default standard)`,
    commands: ['screen'],
    group: 'Options',
  },
  'no-color': {
    about: 'no colours; the environment variable NO_COLOR does the same',
    commands: ['screen'],
    group: 'Options',
  },
  config: {
    value: 'FILE',
    about: 'configuration file (default ~/.config/netpane/config.toml)',
    group: 'Options',
  },
  path: {
    about: 'print the paths of the configuration and state files',
    commands: ['config'],
    group: 'Options',
  },
  version: { short: 'V', about: 'print the version', group: 'Options' },
  help: { short: 'h', about: 'print this help', group: 'Options' },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof OPTIONS;

/** Switches that exclude each other. */
const EXCLUSIVE = [
  ['listen', 'established'],
  ['json', 'csv'],
] as const satisfies readonly (readonly [OptionName, OptionName])[];

const option = (name: OptionName): Option => OPTIONS[name];

/** The parsed command line. */
export interface CommandLine {
  readonly command: CommandName | 'help' | 'version';
  readonly json: boolean;
  readonly csv: boolean;
  /** The configuration file; undefined for the default path. */
  readonly configFile: string | undefined;
  /** `config --path`: print only the paths of the files. */
  readonly path: boolean;
  readonly given: PartialSettings;
}

/** A command with all its settings. */
export interface Invocation extends Omit<CommandLine, 'given'>, Omit<Settings, 'query'> {
  readonly query: Query;
  readonly origins: Origins;
}

/**
 * Parses the command line.
 * @param args arguments without the program
 * @throws UsageError with the option and the expected value
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { command, switches, values, forms, words } = scan(args);
  for (const [one, other] of EXCLUSIVE) {
    if (switches.has(one) && switches.has(other))
      throw new UsageError(`--${one} and --${other} cannot be used together`);
  }
  const valueOf = reader(values);
  const given: { [Name in SettingName]?: Settings[Name] | undefined } = {
    intervalMs: valueOf('interval', VALUES.interval),
    lingerMs: valueOf('linger', VALUES.linger),
    maxShare: valueOf('max-load', VALUES.maxLoad),
    eventBufferKiB: valueOf('event-buffer', VALUES.eventBuffer),
    eventsKept: valueOf('events', VALUES.events),
    source: valueOf('source', VALUES.source),
    also: valueOf('also', VALUES.also),
    query: queryText(switches, values, forms, words),
    palette: valueOf('palette', VALUES.palette) ?? (switches.has('no-color') ? 'mono' : undefined),
  };
  return {
    command: switches.has('help') ? 'help' : switches.has('version') ? 'version' : command,
    json: switches.has('json'),
    csv: switches.has('csv'),
    configFile: valueOf('config', textValue('a file name')),
    path: switches.has('path'),
    given: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/**
 * Combines command line, environment and configuration file.
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
  readonly switches: ReadonlySet<OptionName>;
  readonly values: ReadonlyMap<OptionName, string>;
  /** Forms of lsof, each with its option. */
  readonly forms: readonly string[];
  /** Words of a query, after the command. */
  readonly words: readonly string[];
}

/** Options of lsof, which may be repeated. */
const LSOF_OPTIONS: Readonly<Partial<Record<OptionName, string>>> = { internet: '-i', state: '-s' };

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
    (Object.keys(OPTIONS) as OptionName[]).map((name) => {
      const { value, short } = option(name);
      return [name, { type: value === undefined ? 'boolean' : 'string', ...(short && { short }) } as const];
    }),
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
  if (command === 'config' && words.length > 0)
    throw new UsageError(`'netpane config' takes only options, not ${quoted(words[0] ?? '')}`);
  const switches = new Set<OptionName>();
  const values = new Map<OptionName, string>();
  const forms: string[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    if (!Object.hasOwn(OPTIONS, token.name)) {
      throw new UsageError(`unknown option ${quoted(token.rawName)}: see netpane --help`);
    }
    const name = token.name as OptionName;
    const { value, commands, group } = option(name);
    if (command === 'config') {
      // Accepts options that set what it prints, also those of other commands.
      if (group === 'Filters' || name === 'json')
        throw new UsageError(`'netpane config' has no option --${name}`);
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

/** Returns the text of --help, from the tables of commands, options and sources. */
export function helpText(): string {
  const names = Object.keys(OPTIONS) as OptionName[];
  const group = (title: Option['group']): string[] => [
    `${title}:`,
    ...names
      .filter((name) => option(name).group === title)
      .map((name) => {
        const { short, value, about, commands } = option(name);
        const label = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
        const only = commands ? ` [${commands.join(', ')}]` : '';
        return `  ${label.padEnd(20)}${about}${only}`;
      }),
    '',
  ];
  return [
    'netpane: every network socket of this machine and the program behind it, live',
    '',
    'Usage:',
    ...COMMAND_NAMES.map((name) => {
      const { usage, about } = COMMANDS[name];
      return `  netpane ${usage.padEnd(30)} ${about}`;
    }),
    '',
    ...group('Filters'),
    ...group('Options'),
    'Sources:',
    ...SOURCE_NAMES.map((name) => `  ${name.padEnd(20)}${SOURCES[name].about}`),
    '',
    'Exit codes: 0 success, 1 failure, 2 bad command line or configuration file.',
    '',
  ].join('\n');
}
