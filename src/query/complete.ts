import { fieldRow, FIELDS } from './fields.ts';
import { FLAGS } from './flags.ts';
import { quoteWord } from './print.ts';
import { quantityNames } from './quantities.ts';
import { parseQuery } from './query.ts';
import { endpointNamed, fieldNamed } from './synonyms.ts';
import type { Values } from './values.ts';

/** Maximum number of choices offered. */
const MAX_CHOICES = 100;

/** Replacements for the part of the query from `from` to `to` (UTF-16 units). */
export interface Completion {
  readonly from: number;
  readonly to: number;
  /**
   * Distinct choices, at most MAX_CHOICES: values of current sockets, then other valid values, both sorted. A choice of
   * a name ends with its operator (`port:`); the user then types the value.
   */
  readonly choices: readonly string[];
}

/** Returns all flags, and the names of fields and quantities, each with an operator. */
const termNames = (): string[] => [
  ...Object.keys(FLAGS),
  ...Object.keys(FIELDS).map((name) => `${name}:`),
  'local:',
  'remote:',
  ...quantityNames().flatMap((name) => [`${name}>`, `${name}<`]),
];

let collator: Intl.Collator | undefined;

/** Compares numbers by value: 53 before 443. Creates the collator on first use, which takes some milliseconds. */
const compareNumeric = (a: string, b: string): number =>
  (collator ??= new Intl.Collator('en', { numeric: true })).compare(a, b);

/** Returns the first MAX_CHOICES texts in sorted order. In a large set, most texts need only one comparison. */
function firstSorted(texts: Iterable<string>): string[] {
  const first: string[] = [];
  /** A text that is sorted after this one is not among the first. */
  let last: string | undefined;
  for (const text of texts) {
    if (last !== undefined && compareNumeric(text, last) >= 0) continue;
    first.push(text);
    if (first.length < MAX_CHOICES * 4) continue;
    first.sort(compareNumeric).length = MAX_CHOICES;
    last = first.at(-1);
  }
  return first.sort(compareNumeric).slice(0, MAX_CHOICES);
}

/** Returns true if the text is a query of exactly one term. */
function isTerm(text: string): boolean {
  const parsed = parseQuery(text);
  // Every expression but a single term has parts (`of`).
  return 'query' in parsed && !('of' in parsed.query.expression);
}

/**
 * Returns the texts that begin with `typed`, ignoring case, without `typed` itself; those of the first set come first.
 * @param prefix if given, leaves out choices that do not form one term with it, because live values may be any text
 * @param format writes a choice in the syntax of a query, for example in quotes
 */
function choicesFor(
  sets: readonly Iterable<string>[],
  typed: string,
  prefix?: string,
  format: (text: string) => string = (text) => text,
): string[] {
  const lower = typed.toLowerCase();
  const matching = sets.flatMap((all) =>
    firstSorted(new Set([...all].filter((it) => it !== typed && it.toLowerCase().startsWith(lower)))),
  );
  return [...new Set(matching)]
    .slice(0, MAX_CHOICES)
    .map(format)
    .filter((it) => prefix === undefined || isTerm(prefix + it));
}

/** Returns the start of the term at `cursor`: after the last space, parenthesis or leading `!` outside quotes. */
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
    // A quote opens at the start of a term or after `field:`. Elsewhere it is an ordinary character.
    else if (char === '"') isQuoted = i === start || /^[a-z]+[:=]$/i.test(text.slice(start, i));
  }
  return start;
}

/** Completes the word at the cursor, also its part after the cursor, to the name of a term or a value of a field. */
export function complete(text: string, cursor: number, values: Values): Completion {
  const start = startOfTerm(text, cursor);
  const typed = text.slice(start, cursor);
  const [, name = '', operator = '', value] = /^([a-z]*)(:|=)(.*)$/is.exec(typed) ?? [];
  const isQuoted = value?.startsWith('"') ?? false;
  // Inside an open quote the end of the term is unknown, so nothing after the cursor is replaced.
  const rest = isQuoted || typed.startsWith('"') ? '' : (/^[^\s()]*/.exec(text.slice(cursor))?.[0] ?? '');
  const to = cursor + rest.length;
  const nothing: Completion = { from: start, to: cursor, choices: [] };
  if (typed.startsWith('@')) {
    const hosts = choicesFor([values.hosts], typed.slice(1), '@');
    return { from: start + 1, to, choices: hosts };
  }
  if (value === undefined) {
    // Quoted words and regexes have no choices.
    if (/^["/]/.test(typed)) return nothing;
    return { from: start, to, choices: choicesFor([termNames()], typed) };
  }
  // `:443` is short for `port:443`.
  const field = name === '' && operator === ':' ? 'port' : name.toLowerCase();
  const named = fieldNamed(field);
  const row = named && fieldRow(named);
  const from = cursor - value.length;
  if (!row?.live)
    return endpointNamed(field) === undefined
      ? nothing
      : { from, to, choices: choicesFor([values.hosts], value, `${name}${operator}`) };
  const sets = [row.live(values), row.possible?.() ?? []];
  if (row.kind === 'text' || row.kind === 'exact') {
    const plain = isQuoted ? value.slice(1).replace(/\\(["\\])/g, '$1') : value;
    return { from, to, choices: choicesFor(sets, plain, `${name}${operator}`, quoteWord) };
  }
  // Each item of a list is completed.
  const item = value.slice(value.lastIndexOf(',') + 1);
  return { from: cursor - item.length, to, choices: choicesFor(sets, item, `${name}${operator}`) };
}
