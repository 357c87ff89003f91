import { type Term, termsOf } from '../../query/expression.ts';
import type { Query } from '../../query/query.ts';
import { MAX_IP_PORT } from '../../query/ranges.ts';
import { suggestionFor, unknownFieldText } from '../../query/synonyms.ts';

/** Returns the first answer of `textOf` about a word in the query. */
function firstAbout(
  { expression }: Pick<Query, 'expression'>,
  textOf: (word: string) => string | undefined,
): string | undefined {
  for (const term of termsOf(expression)) {
    const text = term.kind === 'word' ? textOf(term.text) : undefined;
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Returns a correction of the first word that resembles a misspelled field; undefined if there is none. */
export const misspellingText = (query: Pick<Query, 'expression'>): string | undefined =>
  firstAbout(query, unknownFieldText);

/** Returns a hint for a query that matches nothing, such as another spelling; undefined if there is none. */
export const suggestionText = (query: Pick<Query, 'expression'>): string | undefined =>
  termsOf(query.expression).some(hasLargePort)
    ? `ports of TCP and UDP end at ${MAX_IP_PORT}`
    : firstAbout(query, suggestionFor);

const hasLargePort = (term: Term): boolean =>
  'ports' in term && term.ports.some((it) => 'to' in it && it.to > MAX_IP_PORT);

/** Returns the notice about a regex that is too slow. */
export const slowText = (regex: string): string =>
  `regex /${regex}/ is too slow and was stopped: some matches may be missing`;
