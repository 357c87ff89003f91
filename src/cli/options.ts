import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Filter } from '../query/filter.ts';
import { DEFAULT_MAX_SHARE } from '../sampler/pacer.ts';
import { SOURCE_NAMES, SOURCES, type SourceName } from '../source/index.ts';
import { EXTRA_KINDS, type ExtraKind } from '../source/types.ts';
import { DEFAULT_EVENTS_KEPT } from '../store/log.ts';
import { PALETTES, type Palette } from '../store/state.ts';
import {
  countValue,
  durationValue,
  nameValue,
  percentValue,
  portValue,
  severalValue,
  textValue,
  UsageError,
} from './values.ts';

/** Every command, in the order of the help; the screen is what there is without a word. */
const COMMANDS = {
  screen: {
    usage: '[filters] [options]',
    about: 'the live screen; ? there shows its keys',
    name: 'the live screen',
  },
  ls: { usage: 'ls [--json] [filters]', about: 'print the sockets once', name: "'netpane ls'" },
  watch: {
    usage: 'watch [--json] [filters]',
    about: 'print every event as it happens, a line each, until ended',
    name: "'netpane watch'",
  },
} as const satisfies Record<string, { usage: string; about: string; name: string }>;

type CommandName = keyof typeof COMMANDS;

const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

const WORDS = COMMAND_NAMES.filter((name) => name !== 'screen');

interface Option {
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string;
  readonly short?: string;
  readonly about: string;
  /** Commands that know it; absent for all. */
  readonly commands?: readonly CommandName[];
  readonly group: 'Filters' | 'Options';
}

/** Every option, in the order of the help. */
const OPTIONS = {
  listen: { about: 'only TCP listeners and unconnected UDP sockets', group: 'Filters' },
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
    about: 'only sockets of programs with this in their name',
    group: 'Filters',
  },
  netns: {
    value: 'NAME',
    about: 'only sockets of this network namespace: a name, or an inode',
    group: 'Filters',
  },
  also: {
    value: 'KINDS',
    about: `also sockets of these kinds: ${EXTRA_KINDS.join(',')}`,
    group: 'Options',
  },
  json: { about: 'print JSON', commands: ['ls', 'watch'], group: 'Options' },
  interval: {
    value: 'TIME',
    about: 'time between two looks: 500ms, 2s, 1m (default 1s)',
    commands: ['screen', 'watch'],
    group: 'Options',
  },
  'max-load': {
    value: 'PERCENT',
    about: `look less often beyond this percent of a core (default ${DEFAULT_MAX_SHARE * 100})`,
    commands: ['screen', 'watch'],
    group: 'Options',
  },
  'event-buffer': {
    value: 'KIB',
    about: 'room for events that come at once, KiB (default: ample)',
    commands: ['screen', 'watch'],
    group: 'Options',
  },
  linger: {
    value: 'TIME',
    about: 'how long marks last and closed sockets stay (default 3s)',
    commands: ['screen'],
    group: 'Options',
  },
  events: {
    value: 'N',
    about: `how many events the log keeps (default ${DEFAULT_EVENTS_KEPT})`,
    commands: ['screen'],
    group: 'Options',
  },
  source: {
    value: 'NAME',
    about: `${SOURCE_NAMES.join(', ')} (default: the first that works)`,
    group: 'Options',
  },
  palette: {
    value: 'NAME',
    about: `colours: ${PALETTES.join(', ')} (default standard)`,
    commands: ['screen'],
    group: 'Options',
  },
  'no-color': {
    about: 'no colours, as with NO_COLOR in the environment',
    commands: ['screen'],
    group: 'Options',
  },
  version: { short: 'V', about: 'print the version', group: 'Options' },
  help: { short: 'h', about: 'print this help', group: 'Options' },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof OPTIONS;

const option = (name: OptionName): Option => OPTIONS[name];

/** What the command line asks for. */
export interface Invocation {
  readonly command: CommandName | 'help' | 'version';
  readonly filter: Filter;
  readonly source: SourceName | undefined;
  readonly json: boolean;
  /** Kinds of sockets to show beside the usual ones, in the order of EXTRA_KINDS. */
  readonly also: readonly ExtraKind[];
  readonly intervalMs: number;
  /** The most of a core that looking may take: 0.01 to 1. */
  readonly maxShare: number;
  /** Room for what happens and has not been taken yet, KiB: 1 to 1,048,576; undefined for the usual. */
  readonly eventBufferKiB: number | undefined;
  readonly lingerMs: number;
  /** How many events the log keeps. */
  readonly eventsKept: number;
  readonly palette: Palette;
}

/**
 * Understands the command line.
 * @param args without the program
 * @param environment NO_COLOR is obeyed (no-color.org: when set and not empty), and TERM where it has no colours
 * @throws UsageError naming the option and what was expected
 */
export function parseInvocation(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Invocation {
  const { command, switches, values } = scan(args);
  if (switches.has('listen') && switches.has('established')) {
    throw new UsageError('--listen and --established exclude each other: give one of them');
  }
  /** The value of an option, understood; undefined when it was not given. */
  const valueOf = <T>(name: OptionName, understand: (text: string, name: string) => T): T | undefined => {
    const text = values.get(name);
    return text === undefined ? undefined : understand(text, name);
  };
  const port = valueOf('port', portValue);
  const processName = valueOf('process', textValue('a name, or a part of one'));
  const netns = valueOf('netns', textValue("a network namespace's name or inode"));
  const [tcp, udp] = [switches.has('tcp'), switches.has('udp')];
  // A VT has no colours, and blessed would make black and white of them: black on black.
  const isVt = /^vt\d/.test(environment['TERM'] ?? '');
  const noColour = switches.has('no-color') || Boolean(environment['NO_COLOR']) || isVt;
  return {
    command: switches.has('help') ? 'help' : switches.has('version') ? 'version' : command,
    filter: {
      ...(tcp !== udp && { protocol: tcp ? ('tcp' as const) : ('udp' as const) }),
      ...(switches.has('listen') && { listening: true }),
      ...(switches.has('established') && { established: true }),
      ...(port !== undefined && { port }),
      ...(processName !== undefined && { process: processName }),
      ...(netns !== undefined && { netns }),
    },
    source: valueOf('source', nameValue(SOURCE_NAMES)),
    json: switches.has('json'),
    also: valueOf('also', severalValue(EXTRA_KINDS)) ?? [],
    intervalMs: valueOf('interval', durationValue(100)) ?? 1000,
    maxShare: valueOf('max-load', percentValue) ?? DEFAULT_MAX_SHARE,
    eventBufferKiB: valueOf('event-buffer', countValue(1, 1_048_576)),
    lingerMs: valueOf('linger', durationValue(0)) ?? 3000,
    eventsKept: valueOf('events', countValue(100, 1_000_000)) ?? DEFAULT_EVENTS_KEPT,
    palette: valueOf('palette', nameValue(PALETTES)) ?? (noColour ? 'mono' : 'standard'),
  };
}

interface Scanned {
  readonly command: CommandName;
  readonly switches: ReadonlySet<OptionName>;
  readonly values: ReadonlyMap<OptionName, string>;
}

/** Takes the words apart; what is unknown, or is not for the command, is an error here. */
function scan(args: readonly string[]): Scanned {
  const config: ParseArgsConfig['options'] = Object.fromEntries(
    (Object.keys(OPTIONS) as OptionName[]).map((name) => {
      const { value, short } = option(name);
      return [name, { type: value === undefined ? 'boolean' : 'string', ...(short && { short }) } as const];
    }),
  );
  const { tokens } = parseArgs({
    args: [...args],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const [word, extra] = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const command = word === undefined ? 'screen' : WORDS.find((it) => it === word);
  if (command === undefined) {
    const words = WORDS.map((it) => `'${it}'`).join(' and ');
    throw new UsageError(
      `there is no command '${word}': there are ${words}, and without a command the live screen`,
    );
  }
  if (extra !== undefined) throw new UsageError(`'${word}' takes options only, not '${extra}'`);
  const switches = new Set<OptionName>();
  const values = new Map<OptionName, string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    if (!Object.hasOwn(OPTIONS, token.name)) {
      throw new UsageError(`unknown option '${token.rawName}': see netpane --help`);
    }
    const name = token.name as OptionName;
    const { value, commands } = option(name);
    if (commands && !commands.includes(command)) {
      const names = commands.map((it) => COMMANDS[it].name).join(' and ');
      throw new UsageError(`--${name} is for ${names} only`);
    }
    if (value === undefined) {
      if (token.value !== undefined)
        throw new UsageError(`--${name} takes no value, but got '${token.value}'`);
      switches.add(name);
    } else {
      if (token.value === undefined) throw new UsageError(`--${name} takes a value: --${name} ${value}`);
      values.set(name, token.value);
    }
  }
  return { command, switches, values };
}

/** The text of --help, made from the tables of options and sources. */
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
    'Exit codes: 0 done, 1 failure, 2 a mistake on the command line.',
    '',
  ].join('\n');
}
