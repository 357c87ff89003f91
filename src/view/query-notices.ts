import { termsOf } from '../query/expression.ts';
import { misspelledField } from '../query/fields.ts';
import type { Query } from '../query/query.ts';

/** Returns a correction of the first word that resembles a misspelled field; undefined if there is none. */
export function slipText({ expression }: Pick<Query, 'expression'>): string | undefined {
  for (const term of termsOf(expression)) {
    const slip = term.kind === 'word' ? misspelledField(term.text) : undefined;
    if (slip) return `unknown field ${slip.typed}: did you mean ${slip.meant}:?`;
  }
  return undefined;
}

/** Returns the notice about a regex that is too slow. */
export const slowText = (regex: string): string =>
  `regex /${regex}/ is too slow and was stopped: some matches may be missing`;
