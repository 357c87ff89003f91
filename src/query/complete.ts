import { QUANTITY_NAMES } from './amounts.ts';
import { FIELDS, type Field, isField } from './fields.ts';
import { FLAGS, PROTOCOL_NAMES } from './names.ts';
import { quoteWord } from './print.ts';
import { serviceNames } from '../model/services.ts';
import { SOCKET_STATES } from '../model/socket.ts';
import { parseQuery } from './query.ts';
import type { Values } from './values.ts';

/** So many choices are offered. */
const MAX_CHOICES = 50;

/** What could stand in the text from `from` to `to`. */
export interface Completion {
  readonly from: number;
  readonly to: number;
  /** What there is now before what there could be; each sorted, each once, at most 50. What a name needs after it is still to be typed. */
  readonly choices: readonly string[];
}

const NAMES: readonly string[] = [
  ...Object.keys(FLAGS),
  ...Object.keys(FIELDS).map((name) => `${name}:`),
  ...QUANTITY_NAMES.flatMap((name) => [`${name}>`, `${name}<`]),
];

/** What a field can be completed to; the values of a list one by one. */
interface Completed {
  readonly isList?: true;
  /** What there is now. */
  readonly live: (values: Values) => Iterable<string>;
  /** What there could be. */
  readonly possible?: () => Iterable<string>;
}

const PORT: Completed = {
  isList: true,
  live: ({ ports }) => Array.from(ports, String),
  possible: serviceNames,
};

const FIELD_VALUES: Readonly<Partial<Record<Field, Completed>>> = {
  process: { live: ({ processes }) => processes },
  user: { live: ({ users }) => users },
  if: { live: ({ interfaces }) => interfaces },
  ns: { live: ({ namespaces }) => namespaces },
  state: { isList: true, live: ({ states }) => states, possible: () => SOCKET_STATES },
  proto: { isList: true, live: ({ protocols }) => protocols, possible: () => PROTOCOL_NAMES },
  port: PORT,
  lport: PORT,
  rport: PORT,
};

let collator: Intl.Collator | undefined;

/** 53 before 443. What it takes is made when it is first needed: that is some milliseconds, and not for the start. */
const inOrder = (a: string, b: string): number =>
  (collator ??= new Intl.Collator('en', { numeric: true })).compare(a, b);

/** The first of these in order, as many as are offered. Of very many most are compared once only. */
function firstInOrder(texts: Iterable<string>): string[] {
  const first: string[] = [];
  let last: string | undefined;
  for (const text of texts) {
    if (last !== undefined && inOrder(text, last) >= 0) continue;
    first.push(text);
    if (first.length < MAX_CHOICES * 4) continue;
    first.sort(inOrder).length = MAX_CHOICES;
    last = first.at(-1);
  }
  return first.sort(inOrder).slice(0, MAX_CHOICES);
}

function isTerm(text: string): boolean {
  const parsed = parseQuery(text);
  return 'query' in parsed && !('of' in parsed.query.expression);
}

/**
 * Those that begin with what was typed, whatever the case, and are more than that: of the first kind before those of
 * the second. After `before`, where it is given, each must be a term: what comes from outside may be anything.
 */
function chosen(
  kinds: readonly Iterable<string>[],
  typed: string,
  before?: string,
  written: (text: string) => string = (text) => text,
): string[] {
  const lower = typed.toLowerCase();
  const fitting = kinds.flatMap((all) =>
    firstInOrder(new Set([...all].filter((it) => it !== typed && it.toLowerCase().startsWith(lower)))),
  );
  return [...new Set(fitting)]
    .slice(0, MAX_CHOICES)
    .map(written)
    .filter((it) => before === undefined || isTerm(before + it));
}

/** Where the term begins that ends at `cursor`: past spaces, parentheses and `!` that are not in quotes. */
function startOfTerm(text: string, cursor: number): number {
  let start = 0;
  let isQuoted = false;
  for (let i = 0; i < cursor; i++) {
    const char = text.charAt(i);
    if (isQuoted) {
      if (char === '\\') i++;
      else if (char === '"') isQuoted = false;
    } else if (/[\s()]/.test(char)) start = i + 1;
    else if (char === '!' && i === start) start = i + 1;
    // Within a word a quote is a character like any other.
    else if (char === '"') isQuoted = i === start || /^[a-z]+[:=]$/i.test(text.slice(start, i));
  }
  return start;
}

/** Completes what stands before the cursor, up to the end of its word: names of terms, and live values. */
export function complete(text: string, cursor: number, values: Values): Completion {
  const start = startOfTerm(text, cursor);
  const typed = text.slice(start, cursor);
  const [, name = '', tie = '', value] = /^([a-z]*)(:|=)(.*)$/is.exec(typed) ?? [];
  const isOpen = value?.startsWith('"') ?? false;
  // In quotes there is no telling where the text after the cursor belongs.
  const rest = isOpen || typed.startsWith('"') ? '' : (/^[^\s()]*/.exec(text.slice(cursor))?.[0] ?? '');
  const to = cursor + rest.length;
  const nothing: Completion = { from: start, to: cursor, choices: [] };
  if (typed.startsWith('@')) {
    const hosts = chosen([values.hosts], typed.slice(1), '@');
    return { from: start + 1, to, choices: hosts };
  }
  if (value === undefined) {
    if (/^["/]/.test(typed)) return nothing;
    return { from: start, to, choices: chosen([NAMES], typed) };
  }
  const field = name === '' && tie === ':' ? 'port' : name.toLowerCase();
  const completed = isField(field) ? FIELD_VALUES[field] : undefined;
  if (!completed) return nothing;
  const kinds = [completed.live(values), completed.possible?.() ?? []];
  const from = cursor - value.length;
  if (!completed.isList) {
    const plain = isOpen ? value.slice(1).replace(/\\(["\\])/g, '$1') : value;
    return { from, to, choices: chosen(kinds, plain, `${name}${tie}`, quoteWord) };
  }
  const item = value.slice(value.lastIndexOf(',') + 1);
  return { from: cursor - item.length, to, choices: chosen(kinds, item, `${name}${tie}`) };
}
