import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Filter } from '../query/filter.ts';
import { SOURCE_NAMES, SOURCES, type SourceName } from '../source/index.ts';
import { PALETTES, type Palette } from '../store/state.ts';

/** A mistake of the user's on the command line: exit code 2. */
export class UsageError extends Error {}

type CommandName = 'screen' | 'ls';

interface Option {
  /** What stands for the value in the help; absent for a switch. */
  readonly value?: string;
  readonly short?: string;
  readonly about: string;
  /** Commands that know it. */
  readonly commands: readonly CommandName[];
  readonly group: 'Filters' | 'Options';
}

const BOTH = ['screen', 'ls'] as const;

/** Every option, in the order of the help. */
const OPTIONS = {
  listen: { about: 'only TCP listeners and unconnected UDP sockets', commands: BOTH, group: 'Filters' },
  established: { about: 'only established connections', commands: BOTH, group: 'Filters' },
  tcp: { about: 'only TCP', commands: BOTH, group: 'Filters' },
  udp: { about: 'only UDP', commands: BOTH, group: 'Filters' },
  port: {
    value: 'N',
    about: 'only sockets with this local or remote port',
    commands: BOTH,
    group: 'Filters',
  },
  process: {
    value: 'NAME',
    about: 'only sockets of programs with this in their name',
    commands: BOTH,
    group: 'Filters',
  },
  json: { about: 'print JSON', commands: ['ls'], group: 'Options' },
  interval: {
    value: 'TIME',
    about: 'time between two looks: 500ms, 2s, 1m (default 1s)',
    commands: ['screen'],
    group: 'Options',
  },
  linger: {
    value: 'TIME',
    about: 'how long marks last and closed sockets stay (default 3s)',
    commands: ['screen'],
    group: 'Options',
  },
  source: {
    value: 'NAME',
    about: `where to read from: ${SOURCE_NAMES.join(', ')} (default: the first that works)`,
    commands: BOTH,
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
  version: { short: 'V', about: 'print the version', commands: BOTH, group: 'Options' },
  help: { short: 'h', about: 'print this help', commands: BOTH, group: 'Options' },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof OPTIONS;

const option = (name: OptionName): Option => OPTIONS[name];

/** What the command line asks for. */
export interface Invocation {
  readonly command: CommandName | 'help' | 'version';
  readonly filter: Filter;
  readonly source: SourceName | undefined;
  readonly json: boolean;
  readonly intervalMs: number;
  readonly lingerMs: number;
  readonly palette: Palette;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** A length of time such as `500ms`, `2s`, `1.5s` or `1m`, in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * (UNITS[unit] ?? 0));
}

function durationOption(
  name: 'interval' | 'linger',
  text: string | undefined,
  least: number,
  fallback: number,
): number {
  if (text === undefined) return fallback;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= least && ms <= 3_600_000) return ms;
  throw new UsageError(`--${name} takes a time from ${least}ms to 60m, such as 500ms or 2s, not '${text}'`);
}

function portOption(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  throw new UsageError(`--port takes a number from 0 to 65535, not '${text}'`);
}

function nameOption<T extends string>(
  name: OptionName,
  text: string | undefined,
  names: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const found = names.find((it) => it === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${name} takes ${names.join(' or ')}, not '${text}'`);
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
  const port = portOption(values.get('port'));
  const processName = values.get('process');
  if (processName?.trim() === '')
    throw new UsageError('--process takes a name, or a part of one, not an empty text');
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
    },
    source: nameOption('source', values.get('source'), SOURCE_NAMES),
    json: switches.has('json'),
    intervalMs: durationOption('interval', values.get('interval'), 100, 1000),
    lingerMs: durationOption('linger', values.get('linger'), 0, 3000),
    palette: nameOption('palette', values.get('palette'), PALETTES) ?? (noColour ? 'mono' : 'standard'),
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
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const [word, extra] = words;
  if (word !== undefined && word !== 'ls') {
    throw new UsageError(
      `there is no command '${word}': without one netpane shows the live screen, 'ls' prints once`,
    );
  }
  if (extra !== undefined) throw new UsageError(`'ls' takes options only, not '${extra}'`);
  const command: CommandName = word ?? 'screen';
  const switches = new Set<OptionName>();
  const values = new Map<OptionName, string>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    if (!Object.hasOwn(OPTIONS, token.name)) {
      throw new UsageError(`unknown option '${token.rawName}': see netpane --help`);
    }
    const name = token.name as OptionName;
    const { value, commands } = option(name);
    if (!commands.includes(command)) {
      throw new UsageError(
        command === 'ls' ? `--${name} is not for 'ls'` : `--${name} is for 'netpane ls' only`,
      );
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
        const only = commands.length === 1 ? (commands[0] === 'ls' ? ' [ls]' : ' [screen]') : '';
        return `  ${label.padEnd(20)}${about}${only}`;
      }),
    '',
  ];
  return [
    'netpane: every network socket of this machine and the program behind it, live',
    '',
    'Usage:',
    '  netpane [filters] [options]            the live screen; ? there shows its keys',
    '  netpane ls [--json] [filters]          print the sockets once',
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
