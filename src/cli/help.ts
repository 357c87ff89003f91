import { COLUMN_IDS } from '../store/columns.ts';
import { SOURCE_NAMES, SOURCES } from '../source/index.ts';
import { COMMAND_NAMES, COMMANDS } from './commands.ts';
import { letterRows } from './letters.ts';
import type { Option } from './option.ts';
import { OPTIONS } from './options.ts';

/** Maximum length of a line. */
const WIDTH = 100;

const EXAMPLES = [
  ['netpane 3000', 'who uses port 3000; live'],
  ['netpane nginx', 'the sockets of a program; live'],
  ['netpane exposed', 'listeners that other machines can reach; live'],
  ['netpane ls -t :3000', 'the process ids alone, for kill'],
  ['netpane ls -tulpn', 'as ss and netstat: TCP and UDP listeners'],
  ["netpane 'node or (:443 !loopback)'", 'conditions; press ? on the live screen for all of them'],
] as const;

/** Returns words in lines of at most WIDTH characters, indented by two. */
function wrapped(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const next of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + next.length <= WIDTH)
      lines.push(`${lines.pop() ?? ''} ${next}`);
    else lines.push(`  ${next}`);
  }
  return lines;
}

/** Returns the lines of --help about the options of a group. */
const groupLines = (title: Option['group']): string[] => [
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

/** Returns the lines of the table of letters. */
const letterLines = (): string[] =>
  [['', 'here', 'ss', 'netstat', 'lsof'], ...letterRows()].map(
    ([letter = '', here = '', ss = '', netstat = '', lsof = '']) =>
      `  ${letter.padEnd(4)}${here.padEnd(44)}${ss.padEnd(14)}${netstat.padEnd(14)}${lsof}`.trimEnd(),
  );

/** Returns the text of --help, from the tables of commands, options and sources. */
export function helpText(): string {
  return [
    'netpane: every network socket of this machine and the program behind it, live',
    '',
    'Usage:',
    ...COMMAND_NAMES.map((name) => {
      const { usage, about } = COMMANDS[name];
      return `  netpane ${usage.padEnd(33)} ${about}`;
    }),
    `  netpane ${'help'.padEnd(33)} print this help`,
    'Words are a query: part of a program name, a port or pid, a term such as listen or process:curl.',
    '',
    'Examples:',
    ...EXAMPLES.map(([line, about]) => `  ${line.padEnd(38)} ${about}`),
    '',
    ...groupLines('Filters'),
    ...groupLines('Options'),
    'Letters of ss, netstat and lsof, which may be joined (-tulpn, -ti:3000):',
    ...letterLines(),
    '',
    'Columns for --sort and --columns:',
    ...wrapped(COLUMN_IDS),
    '',
    'Sources:',
    ...SOURCE_NAMES.map((name) => `  ${name.padEnd(20)}${SOURCES[name].about}`),
    '',
    'Exit codes: 0 success; 1 failure, or with --quiet or --pids (-t): nothing found; 2 bad command line',
    'or configuration file.',
    '',
  ].join('\n');
}
