import { type Expression, type Term, termsOf } from './expression.ts';
import { fieldRow } from './fields.ts';
import { flagRow } from './flags.ts';
import { quantityRow } from './quantities.ts';
import type { Glimpse } from './subject.ts';

function isUnknown(term: Term, glimpse: Glimpse): boolean {
  switch (term.kind) {
    case 'flag':
      return flagRow(term.flag).unknownIn?.includes(glimpse) ?? false;
    case 'compare':
      return quantityRow(term.quantity).unknownIn?.includes(glimpse) ?? false;
    case 'text':
    case 'regex':
      return term.field !== 'any' && (fieldRow(term.field).unknownIn?.includes(glimpse) ?? false);
    default:
      return false;
  }
}

/** Returns the first term that one poll alone, or one event, cannot answer; undefined if it can answer all. */
export const unknownTerm = (expression: Expression, glimpse: Glimpse): Term | undefined =>
  termsOf(expression).find((term) => isUnknown(term, glimpse));
