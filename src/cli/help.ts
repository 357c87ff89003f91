import { SOURCE_NAMES, SOURCES } from '../source/index.ts';
import { COMMAND_NAMES, COMMANDS } from './commands.ts';
import type { Option } from './option.ts';
import { OPTIONS } from './options.ts';

/** Returns the text of --help, from the tables of commands, options and sources. */
export function helpText(): string {
  const group = (title: Option['group']): string[] => [
    `${title}:`,
    ...[...OPTIONS]
      .filter(([, option]) => option.group === title)
      .map(([name, { short, value, about, commands }]) => {
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
