import { COLUMN_IDS, type ColumnId } from '../store/columns.ts';
import { SOURCE_NAMES, SOURCES } from '../source/index.ts';
import { TERMS } from '../query/terms.ts';
import { type KeyHelp, withKeys } from '../view/header/key-help.ts';
import { COMMAND_NAMES, COMMANDS, HELP_TOPICS } from './commands.ts';
import { letterRows } from './letters.ts';
import type { CommandName, Option } from './option.ts';
import { OPTIONS } from './options.ts';
import { SETTINGS } from './settings.ts';

/** Maximum length of a line: the width of the narrowest common terminal. */
const WIDTH = 80;

const EXAMPLES = [
  ['netpane 3000', 'who uses port 3000; live'],
  ['netpane nginx', 'the sockets of a program; live'],
  ['netpane exposed', 'listeners open to other machines; live'],
  ['netpane ls -t :3000', 'the process ids alone, for kill'],
  ['netpane ls -tulpn', 'as ss and netstat: TCP and UDP listeners'],
  ["netpane 'node or (:443 !loopback)'", 'conditions: see netpane help query'],
] as const;

/** Returns words in lines of at most WIDTH characters. */
function wrapped(words: readonly string[], indent = 2): string[] {
  const lines: string[] = [];
  for (const next of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + next.length <= WIDTH)
      lines.push(`${lines.pop() ?? ''} ${next}`);
    else lines.push(' '.repeat(indent) + next);
  }
  return lines;
}

/** Returns a text in lines without indent. */
const paragraph = (text: string): string[] => wrapped(text.split(' '), 0);

/** Returns the lines of a label and its description, which begins at a column: below the label if that is too long. */
function entryLines(label: string, about: string, column: number): string[] {
  const [first = '', ...rest] = wrapped(about.split(' '), column);
  const start = `  ${label} `;
  if (start.length > column) return [start.trimEnd(), first, ...rest];
  return [start.padEnd(column) + first.trimStart(), ...rest];
}

/** Columns at which descriptions begin. */
const [USAGE, EXAMPLE, OPTION, TERM, COLUMN, KEY] = [35, 38, 22, 34, 32, 16];

const SETTING_OPTIONS = new Set(Object.values(SETTINGS).flatMap(({ option }) => option?.name ?? []));

/** Returns true if the help of a command lists an option. @param name without dashes */
function isListed(command: CommandName, name: string, { commands, group }: Option): boolean {
  if (COMMANDS[command].takesOnlySettings && (group === 'Filters' || SETTING_OPTIONS.has(name)))
    return group !== 'Filters';
  return commands?.includes(command) ?? true;
}

/** Returns the lines about the options of a group. @param command undefined for the options of all commands */
function groupLines(title: Option['group'], command?: CommandName): string[] {
  const lines = [...OPTIONS]
    .filter(([, option]) => option.group === title)
    .filter(([name, option]) => command === undefined || isListed(command, name, option))
    .flatMap(([name, { short, value, about, commands }]) => {
      const label = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
      const only = commands && command === undefined ? ` [${commands.join()}]` : '';
      return entryLines(label, about + only, OPTION);
    });
  return section(title, lines);
}

/** Returns a title with its lines and a blank line; nothing if there are no lines. */
const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:`, ...lines, ''];

const exampleLines = (command?: CommandName): string[] =>
  EXAMPLES.filter(([line]) => command === undefined || line.startsWith(`netpane ${command} `)).flatMap(
    ([line, about]) => entryLines(line, about, EXAMPLE),
  );

const columnLines = (): string[] => section('Columns for --sort and --columns', wrapped(COLUMN_IDS));

/** Returns the lines about sources and exit codes. @param findsNothing true if an exit code means "nothing found" */
const endLines = (findsNothing: boolean): string[] => [
  ...section(
    'Sources',
    SOURCE_NAMES.flatMap((name) => entryLines(name, SOURCES[name].about, OPTION)),
  ),
  ...paragraph(
    `Exit codes: 0 success; 1 failure${findsNothing ? ', or with --quiet or --pids (-t): nothing found' : ''}; 2 bad command line or configuration file.`,
  ),
  '',
];

/** Returns the lines of the table of letters. */
const letterLines = (): string[] =>
  [['', 'here', 'ss', 'netstat', 'lsof'], ...letterRows()].map(
    ([letter = '', here = '', ss = '', netstat = '', lsof = '']) =>
      `  ${letter.padEnd(4)}${here.padEnd(32)}${ss.padEnd(13)}${netstat.padEnd(13)}${lsof}`.trimEnd(),
  );

/** Returns the text of --help, from the tables of commands, options and sources. */
export function helpText(): string {
  return [
    'netpane: every network socket of this machine and the program behind it, live',
    '',
    'Usage:',
    ...COMMAND_NAMES.flatMap((name) =>
      entryLines(`netpane ${COMMANDS[name].usage}`, COMMANDS[name].about, USAGE),
    ),
    ...entryLines('netpane help [topic]', `on ${HELP_TOPICS.join(', ')}`, USAGE),
    ...paragraph(
      'Words are a query: part of a program name, a port or pid, a term such as listen or process:curl.',
    ),
    '',
    ...section('Examples', exampleLines()),
    ...groupLines('Filters'),
    ...groupLines('Options'),
    ...section('Letters of ss, netstat and lsof, which may be joined (-tulpn, -ti:3000)', letterLines()),
    ...columnLines(),
    ...endLines(true),
  ].join('\n');
}

/** Returns the help of a command with a name. */
export function commandHelpText(command: CommandName): string {
  const { usage, about, takesOnlySettings } = COMMANDS[command];
  const columns = OPTIONS.get('columns');
  return [
    `netpane ${command}: ${about}`,
    '',
    'Usage:',
    `  netpane ${usage}`,
    ...(takesOnlySettings ? [] : ['The query is described by netpane help query.']),
    '',
    ...section('Examples', exampleLines(command)),
    ...groupLines('Filters', command),
    ...groupLines('Options', command),
    ...(columns && isListed(command, 'columns', columns) ? columnLines() : []),
    ...endLines(command === 'ls'),
  ].join('\n');
}

/** Returns the help of the query language. @param keys the keys that descriptions name */
export const queryHelpText = (keys: readonly KeyHelp[]): string =>
  [
    ...paragraph(
      'The query: netpane QUERY, netpane ls QUERY, netpane watch QUERY, and / on the live screen. Terms side by side must all match.',
    ),
    '',
    ...TERMS.flatMap(({ syntax, about, example }) => {
      const text = withKeys(keys, about);
      return entryLines(syntax, example === syntax ? text : `${text}: ${example}`, TERM);
    }),
    '',
  ].join('\n');

/** A column, as far as the help describes it. */
interface ColumnHelp {
  readonly id: ColumnId;
  readonly title: string;
  readonly label?: string;
  readonly about: string;
}

/** Returns the help of the columns. */
export const columnsHelpText = (columns: readonly ColumnHelp[]): string =>
  [
    ...paragraph('Columns: their names for --sort and --columns, and their titles on the live screen.'),
    '',
    ...columns.flatMap(({ id, title, label = title, about }) =>
      entryLines(`${id.padEnd(17)}${label}`, about, COLUMN),
    ),
    '',
  ].join('\n');

/** Returns the help of the keys. */
export const keysHelpText = (keys: readonly KeyHelp[]): string => {
  const shown = keys.filter(({ label }) => label !== '');
  return [
    ...paragraph(
      'Keys of the live screen; ? there shows those in effect, [keys] in the configuration changes them.',
    ),
    '',
    ...[...new Set(shown.map(({ group }) => group))].flatMap((group) =>
      section(
        group,
        shown
          .filter((it) => it.group === group)
          .flatMap(({ label, about }) => entryLines(label, withKeys(keys, about), KEY)),
      ),
    ),
  ].join('\n');
};
