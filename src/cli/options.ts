import { formatNames, type FormatName, formatRow } from '../export/formats.ts';
import type { Option } from './option.ts';
import { SETTINGS } from './settings.ts';

const FILTERS = {
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
} as const satisfies Record<string, Option>;

const formatOptions = formatNames().map((name): [string, Option] => {
  const { about, eventLine } = formatRow(name);
  return [name, { about, commands: eventLine ? ['ls', 'watch'] : ['ls'], group: 'Options' }];
});

const OTHERS = {
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

/** Name of an option that is not that of a setting. */
export type OptionName = keyof typeof FILTERS | FormatName | keyof typeof OTHERS;

const settingOptions = Object.values(SETTINGS).flatMap(({ option }): [string, Option][] => {
  if (option === undefined) return [];
  const { name, value, about, commands } = option;
  return [[name, { value, about, ...(commands && { commands }), group: 'Options' }]];
});

/** Every option by name, in the order of the help. */
export const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ...Object.entries(FILTERS),
  ...formatOptions,
  ...settingOptions,
  ...Object.entries(OTHERS),
]);

/** Switches of which only one can be given. */
export const EXCLUSIVE: readonly (readonly OptionName[])[] = [['listen', 'established'], formatNames()];

/** Options of lsof, which may be repeated. */
export const LSOF_OPTIONS: Readonly<Partial<Record<string, string>>> = {
  internet: '-i',
  state: '-s',
} satisfies Partial<Record<OptionName, string>>;
