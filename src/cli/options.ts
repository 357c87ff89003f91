import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Filter } from '../query/filter.ts';
import { DEFAULT_MAX_SHARE } from '../sampler/pacer.ts';
import { SOURCE_NAMES, SOURCES, type SourceName } from '../source/index.ts';
import { EXTRA_KINDS, type ExtraKind } from '../source/types.ts';
import { PALETTES, type Palette } from '../store/state.ts';
import {
  durationValue,
  nameValue,
  percentValue,
  portValue,
  severalValue,
  textValue,
  UsageError,
} from './values.ts';

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
  netns: {
    value: 'NAME',
    about: 'only sockets of this network namespace: a name, or an inode',
    commands: BOTH,
    group: 'Filters',
  },
  also: {
    value: 'KINDS',
    about: `also sockets of these kinds: ${EXTRA_KINDS.join(',')}`,
    commands: BOTH,
    group: 'Options',
  },
  json: { about: 'print JSON', commands: ['ls'], group: 'Options' },
  interval: {
    value: 'TIME',
    about: 'time between two looks: 500ms, 2s, 1m (default 1s)',
    commands: ['screen'],
    group: 'Options',
  },
  'max-load': {
    value: 'PERCENT',
    about: `percent of a core beyond which netpane looks less often (default ${DEFAULT_MAX_SHARE * 100})`,
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
    about: `${SOURCE_NAMES.join(', ')} (default: the first that works)`,
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
  /** Kinds of sockets to show beside the usual ones, in the order of EXTRA_KINDS. */
  readonly also: readonly ExtraKind[];
  readonly intervalMs: number;
  /** The most of a core that looking may take: 0.01 to 1. */
  readonly maxShare: number;
  readonly lingerMs: number;
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
    lingerMs: valueOf('linger', durationValue(0)) ?? 3000,
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
