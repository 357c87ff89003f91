import type { Side } from './field-kinds.ts';
import { FIELDS, type Field, isField } from './fields.ts';
import { FLAGS, type Flag, isFlag } from './flags.ts';
import { nearest } from './nearest.ts';
import { quantityNames } from './quantities.ts';
import { hasStar } from './stars.ts';

/*
 * Words of other tools (ss, netstat, lsof, TCPView, tcpdump) that a query understands. A query is printed with the names of
 * netpane.
 */

const FIELD_SYNONYMS: Readonly<Record<string, Field>> = {
  name: 'process',
  program: 'process',
  prog: 'process',
  proc: 'process',
  comm: 'process',
  command: 'cmd',
  cmdline: 'cmd',
  args: 'cmd',
  sport: 'lport',
  dport: 'rport',
  protocol: 'proto',
  status: 'state',
  interface: 'if',
  iface: 'if',
  dev: 'if',
  namespace: 'ns',
  netns: 'ns',
};

/** Names of a term `NAME:HOST`, with the endpoint that it tests. */
const ENDPOINTS: Readonly<Record<string, Side>> = {
  local: 'local',
  src: 'local',
  laddr: 'local',
  remote: 'remote',
  dst: 'remote',
  raddr: 'remote',
  peer: 'remote',
  host: 'either',
  addr: 'either',
  address: 'either',
  ip: 'either',
};

const FLAG_SYNONYMS: Readonly<Record<string, Flag>> = { listening: 'listen', estab: 'established' };

/** Terms to suggest for names that people write like a field, although no field has this name. */
const OTHER_TERMS: Readonly<Record<string, string>> = {
  tcp: 'proto:tcp :PORT',
  udp: 'proto:udp :PORT',
  listen: 'listen :PORT',
  listening: 'listen :PORT',
  uid: 'user:NAME',
  dir: 'in or out',
  direction: 'in or out',
};

const entryOf = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Returns the field with this name in small letters; undefined if there is none. */
export const fieldNamed = (name: string): Field | undefined =>
  isField(name) ? name : entryOf(FIELD_SYNONYMS, name);

/** Returns the endpoint that `NAME:HOST` tests, by the name in small letters; undefined if there is no such term. */
export const endpointNamed = (name: string): Side | undefined => entryOf(ENDPOINTS, name);

/** Returns the flag for a word in small letters; undefined if it is none. */
export const flagNamed = (word: string): Flag | undefined =>
  isFlag(word) ? word : entryOf(FLAG_SYNONYMS, word);

/** Returns the known names of fields and quantities; they may be followed by an operator. */
const headNames = (): string[] => [
  ...Object.keys(FIELDS),
  ...Object.keys(FIELD_SYNONYMS),
  ...Object.keys(ENDPOINTS),
  ...quantityNames(),
];

/** Returns the field or quantity that a name probably misspells, with its operator; undefined if none is similar. */
export function nearestHead(name: string): string | undefined {
  const meant = nearest(name, headNames());
  if (meant === undefined) return undefined;
  return fieldNamed(meant) === undefined && endpointNamed(meant) === undefined ? `${meant}>` : `${meant}:`;
}

/** Returns what is wrong with a word that resembles `FIELD:VALUE`; undefined if nothing is. */
export function unknownFieldText(word: string): string | undefined {
  // A word such as `http://…` has no field.
  const [, typed] = /^([a-z]+)[:=](?!\/\/)/i.exec(word) ?? [];
  if (typed === undefined) return undefined;
  const term = entryOf(OTHER_TERMS, typed.toLowerCase());
  if (term !== undefined) return `there is no field ${typed}: write ${term}`;
  const meant = nearestHead(typed);
  return meant === undefined ? undefined : `unknown field ${typed}: did you mean ${meant}?`;
}

/** Minimum length of a flag that is suggested for a misspelled word: shorter ones resemble too many words. */
const MIN_FLAG = 5;

/** Returns a suggestion for a word that finds nothing, such as the term that the user may have meant; undefined without one. */
export function suggestionFor(word: string): string | undefined {
  const unknownField = unknownFieldText(word);
  if (unknownField !== undefined) return unknownField;
  const lower = word.toLowerCase();
  const field = fieldNamed(lower);
  if (field !== undefined) return `to search by ${lower}, write ${field}:VALUE`;
  const side = endpointNamed(lower);
  if (side !== undefined)
    return `to search by ${lower}, write ${side === 'either' ? '@' : `${side}:`}ADDRESS`;
  const [, port] = /^[^:]*:(\d{1,5})$/.exec(word) ?? [];
  if (port !== undefined) return `for the port alone, write :${port}`;
  if (hasStar(word)) return 'a word finds any part of a text: leave out the *';
  const flag = nearest(
    lower,
    Object.keys(FLAGS).filter((it) => it.length >= MIN_FLAG),
  );
  return flag === undefined ? undefined : `did you mean ${flag}?`;
}
