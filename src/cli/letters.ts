import { endpointNamed, fieldNamed } from '../query/synonyms.ts';
import { nearest } from '../query/nearest.ts';
import { OPTIONS, type OptionName } from './options.ts';

/** Meaning of a letter here, and in ss, netstat and lsof. */
interface LetterRow {
  readonly letter: string;
  /** The option; for `-t` see `optionOfLetter`. */
  readonly option: OptionName;
  /** @default the description of the option, with the command that has it */
  readonly here?: string;
  /** Absent if the tool has no such letter. */
  readonly ss?: string;
  readonly netstat?: string;
  readonly lsof?: string;
}

/** Letters of ss, netstat and lsof, in the order of the help. */
const LETTERS: readonly LetterRow[] = [
  {
    letter: 't',
    option: 'tcp',
    here: 'only TCP; in ls see also --pids',
    ss: 'TCP',
    netstat: 'TCP',
    lsof: 'pids',
  },
  { letter: 'u', option: 'udp', ss: 'UDP', netstat: 'UDP', lsof: 'user' },
  {
    letter: 'l',
    option: 'listen',
    here: 'only listeners',
    ss: 'listeners',
    netstat: 'listeners',
    lsof: 'uids',
  },
  { letter: 'a', option: 'all', ss: 'all states', netstat: 'all states', lsof: 'and' },
  {
    letter: 'n',
    option: 'numeric',
    here: 'ports as numbers',
    ss: 'numbers',
    netstat: 'numbers',
    lsof: 'no host names',
  },
  { letter: 'P', option: 'numeric', here: 'ports as numbers', lsof: 'ports as numbers' },
  {
    letter: 'p',
    option: 'processes',
    here: 'programs, always shown',
    ss: 'programs',
    netstat: 'programs',
    lsof: 'pid',
  },
  {
    letter: 'b',
    option: 'processes',
    here: 'programs, always shown',
    netstat: 'programs',
  },
  { letter: '4', option: 'ipv4', ss: 'IPv4', netstat: 'IPv4' },
  { letter: '6', option: 'ipv6', ss: 'IPv6', netstat: 'IPv6' },
  { letter: 'e', option: 'extended', ss: 'uid, inode', netstat: 'user, inode', lsof: 'paths to skip' },
  { letter: 'o', option: 'timers', ss: 'timers', netstat: 'timers, pids', lsof: 'offsets' },
  {
    letter: 'i',
    option: 'internet',
    here: 'Internet sockets, as lsof',
    ss: 'TCP details',
    netstat: 'interfaces',
    lsof: 'Internet',
  },
  {
    letter: 's',
    option: 'state',
    here: 'TCP states, as lsof',
    ss: 'summary',
    netstat: 'statistics',
    lsof: 'TCP states',
  },
  { letter: 'H', option: 'no-header', ss: 'no titles', lsof: 'sizes' },
];

/** Returns what the option of a letter does. */
function meaningOf(name: OptionName): string {
  const { about, commands = [] } = OPTIONS.get(name) ?? { about: '' };
  return commands.length === 1 ? `in ${commands.join()}: ${about}` : about;
}

/** Returns the rows of the table of letters: letter, meaning here, in ss, netstat and lsof; `-` for none. */
export const letterRows = (): string[][] =>
  LETTERS.map(({ letter, option, here = meaningOf(option), ss = '-', netstat = '-', lsof = '-' }) => [
    `-${letter}`,
    here,
    ss,
    netstat,
    lsof,
  ]);

/** Letters of ss and netstat beside which `-t` means TCP, as in -tulpn. */
const BESIDE_TCP = 'ulnpba46eoH';
/** Letters of lsof beside which `-t` means pids, as in -t -i :3000. */
const BESIDE_PIDS = 'isP';

/**
 * Returns the option of a letter; undefined if there is none. `-t` is TCP in ss and netstat and pids in lsof: in `ls` the
 * letters beside it decide, and alone it means pids.
 * @param letters all letters of the command line
 */
export function optionOfLetter(letter: string, letters: string, isList: boolean): OptionName | undefined {
  if (letter === 't' && isList) {
    const has = (some: string): boolean => Array.from(some).some((it) => letters.includes(it));
    if (has(BESIDE_PIDS) || !has(BESIDE_TCP)) return 'pids';
  }
  return LETTERS.find((it) => it.letter === letter)?.option;
}

/** Names of options in ss and netstat that have another name here. */
const OTHER_NAMES: Readonly<Record<string, OptionName>> = {
  listening: 'listen',
  program: 'processes',
  programs: 'processes',
  extend: 'extended',
  options: 'timers',
  noheader: 'no-header',
};

/** Returns the option for a name that ss or netstat gives it; undefined for any other name. */
export const optionOfOtherTool = (name: string): OptionName | undefined =>
  Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;

/** Replacements for letters of ss, netstat and lsof that are not among the options. */
const ANSWERS: Readonly<Record<string, string>> = {
  x: 'for Unix sockets, write --also unix',
  w: 'for raw sockets, write proto:raw',
  S: 'for SCTP sockets, write --also sctp',
  f: 'for one address family, write -4 or -6',
  N: 'for one namespace, write --netns NAME',
  c: 'for programs by name, write process:NAME; to go on printing, netpane watch',
  r: 'for service names, press n on the live screen',
  F: 'for output to parse, write --json',
  j: 'for JSON, write --json',
  v: 'for the version, write -V',
  '?': 'for help, write -h',
  family: 'for one address family, write -4 or -6',
};

/**
 * Returns what to write instead of an unknown option, to continue `unknown option '-x': `.
 * @param name the option without dashes
 * @param names all options
 */
export function remedyFor(name: string, names: readonly string[]): string {
  const answer = Object.hasOwn(ANSWERS, name) ? ANSWERS[name] : undefined;
  if (answer !== undefined) return answer;
  const lower = name.toLowerCase();
  const field = name.length > 1 ? fieldNamed(lower) : undefined;
  if (field !== undefined) return `in the query, write ${field}:VALUE`;
  if (endpointNamed(lower) !== undefined) return `in the query, write ${lower}:ADDRESS`;
  const meant = name.length > 1 ? nearest(name, names) : undefined;
  return meant === undefined ? 'see netpane --help' : `did you mean --${meant}?`;
}
