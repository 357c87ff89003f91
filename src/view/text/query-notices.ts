import { termsOf } from '../../query/expression.ts';
import { misspelledField } from '../../query/fields.ts';
import type { Query } from '../../query/query.ts';

/** Returns a correction of the first word that resembles a misspelled field; undefined if there is none. */
export function misspellingText({ expression }: Pick<Query, 'expression'>): string | undefined {
  for (const term of termsOf(expression)) {
    const field = term.kind === 'word' ? misspelledField(term.text) : undefined;
    if (field) return `unknown field ${field.typed}: did you mean ${field.meant}:?`;
  }
  return undefined;
}

/** Returns the notice about a regex that is too slow. */
export const slowText = (regex: string): string =>
  `regex /${regex}/ is too slow and was stopped: some matches may be missing`;
