import { formatNames, type FormatName, formatRow } from '../export/formats.ts';
import { SIGNALS } from '../model/process.ts';
import type { Option } from './option.ts';
import { SETTINGS } from './settings.ts';

const FILTERS = {
  listen: {
    short: 'l',
    about: 'only listening sockets: TCP listeners and unconnected UDP sockets',
    group: 'Filters',
  },
  established: { about: 'only established connections', group: 'Filters' },
  tcp: { short: 't', about: 'only TCP (with --udp: both)', group: 'Filters' },
  udp: { short: 'u', about: 'only UDP', group: 'Filters' },
  ipv4: { short: '4', about: 'only IPv4 sockets', group: 'Filters' },
  ipv6: { short: '6', about: 'only IPv6 sockets', group: 'Filters' },
  port: {
    value: 'PORTS',
    about: 'only sockets with one of these local or remote ports: 80,https or 8000-8100',
    several: ':80 or :443',
    group: 'Filters',
  },
  process: {
    value: 'NAME',
    about: 'only sockets of programs with NAME in their name',
    several: 'process:curl or process:wget',
    group: 'Filters',
  },
  netns: {
    value: 'NAME',
    about: 'only sockets of this network namespace (name or inode)',
    several: 'ns:web or ns:db',
    group: 'Filters',
  },
  query: {
    value: 'QUERY',
    short: 'q',
    about: 'only sockets that match this query; if repeated, all must match',
    group: 'Filters',
  },
  internet: {
    value: 'FORM',
    short: 'i',
    about: 'as lsof -i: [46][protocol][@host][:ports]; if repeated, any may match',
    group: 'Filters',
  },
  state: {
    value: 'FORM',
    short: 's',
    about: 'as lsof -s: TCP:LISTEN,CLOSE_WAIT, or TCP:^TIME_WAIT to exclude a state',
    group: 'Filters',
  },
} as const satisfies Record<string, Option>;

const formatOptions = formatNames().map((name): [string, Option] => {
  const { about, eventLines } = formatRow(name);
  return [name, { about, commands: eventLines ? ['ls', 'watch', 'doctor'] : ['ls'], group: 'Options' }];
});

/** Options of ss and netstat, and options of `ls` about its output. */
const OUTPUT = {
  all: {
    short: 'a',
    about: 'all states, also with -l',
    commands: ['screen', 'ls', 'watch'],
    group: 'Options',
  },
  numeric: {
    short: 'n',
    about: 'ports as numbers (also -P); ls always prints numbers',
    commands: ['screen', 'ls', 'watch'],
    group: 'Options',
  },
  processes: {
    short: 'p',
    about: 'no effect: programs are always shown',
    commands: ['screen', 'ls', 'watch'],
    group: 'Options',
  },
  pids: {
    about: 'print only process ids, one per line; as -t alone, or beside -i -s',
    commands: ['ls'],
    group: 'Options',
  },
  quiet: {
    about: 'print nothing, not even notices; exit code 1 if no socket matches',
    commands: ['ls'],
    group: 'Options',
  },
  extended: { short: 'e', about: 'also NS, UID, INODE, ID', commands: ['ls'], group: 'Options' },
  timers: { short: 'o', about: 'also TIMER, UNANS', commands: ['ls'], group: 'Options' },
  'no-header': { short: 'H', about: 'no line of titles', commands: ['ls'], group: 'Options' },
  limit: { value: 'N', about: 'only the first N sockets', commands: ['ls'], group: 'Options' },
} as const satisfies Record<string, Option>;

/** Options of `kill`. */
const KILL = {
  signal: {
    value: 'NAME',
    about: `TERM (default), ${SIGNALS.slice(1).join(', ')}`,
    commands: ['kill'],
    group: 'Options',
  },
  yes: { short: 'y', about: 'do not ask before the signal is sent', commands: ['kill'], group: 'Options' },
  wait: {
    value: 'TIME',
    about: 'wait for the end of the programs; exit code 1 if one still runs',
    commands: ['kill'],
    group: 'Options',
  },
} as const satisfies Record<string, Option>;

const OTHERS = {
  on: {
    value: 'QUERY',
    about: 'for each socket that comes to match, run the command after --',
    commands: ['screen', 'watch'],
    several: 'listen or :22',
    group: 'Options',
  },
  'read-only': {
    about: 'never end programs or close sockets',
    commands: ['screen'],
    group: 'Options',
  },
  resolve: {
    about: 'ask your name servers about every peer on the screen, as R does',
    commands: ['screen'],
    group: 'Options',
  },
  names: {
    about: 'name peers as programs asked for them: DNS, TLS, QUIC (Linux, root)',
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
  redact: {
    about: 'replace names of users, hosts and programs, paths and addresses',
    commands: ['doctor'],
    group: 'Options',
  },
  version: { short: 'V', about: 'print the version', group: 'Options' },
  help: { short: 'h', about: 'print this help', group: 'Options' },
} as const satisfies Record<string, Option>;

/** Name of an option that is not that of a setting. */
export type OptionName =
  | keyof typeof FILTERS
  | FormatName
  | keyof typeof OUTPUT
  | keyof typeof KILL
  | keyof typeof OTHERS;

const settingOptions = Object.values(SETTINGS).flatMap(({ option }): [string, Option][] => {
  if (option === undefined) return [];
  const { name, value, about, commands, isList } = option;
  return [
    [name, { value, about, ...(commands && { commands }), ...(isList && { isList }), group: 'Options' }],
  ];
});

/** Every option by name, in the order of the help. */
export const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ...Object.entries(FILTERS),
  ...formatOptions,
  ...Object.entries(OUTPUT),
  ...Object.entries(KILL),
  ...settingOptions,
  ...Object.entries(OTHERS),
]);

/** Switches of which only one can be given. */
export const EXCLUSIVE: readonly (readonly OptionName[])[] = [
  ['listen', 'established'],
  [...formatNames(), 'pids', 'quiet'],
];

/** Options of lsof, which may be repeated. */
export const LSOF_OPTIONS: Readonly<Partial<Record<string, string>>> = {
  internet: '-i',
  state: '-s',
} satisfies Partial<Record<OptionName, string>>;
