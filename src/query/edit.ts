import { allOf, conjuncts, type Expression, type Quantity } from './expression.ts';
import type { Field } from './fields.ts';
import { isSame } from './narrows.ts';
import { printQuery } from './print.ts';
import { type Parsed, parseQuery, type Query, queryOf } from './query.ts';

const ofConjuncts = (parts: readonly Expression[]): Query => {
  const expression = allOf(parts);
  return queryOf(expression, printQuery(expression));
};

/** What a term may be found by when another is to take its place. */
type FieldName = Field | Quantity | 'host';

/** The field that a conjunct is about; undefined for words, flags, and what is made of several terms. */
function fieldOf(expression: Expression): FieldName | undefined {
  switch (expression.kind) {
    case 'text':
    case 'ports':
    case 'net':
      return expression.field;
    case 'regex':
      return expression.field === 'any' ? undefined : expression.field;
    case 'pids':
      return 'pid';
    case 'states':
      return 'state';
    case 'protocols':
      return 'proto';
    case 'ns':
    case 'host':
      return expression.kind;
    case 'compare':
      return expression.quantity;
    default:
      return undefined;
  }
}

/** Adds to these parts what the text says; a problem is one of the text, or that the whole became too long. */
function extended(parts: readonly Expression[], termText: string): Parsed {
  const term = parseQuery(termText);
  if ('problem' in term) return term;
  const more = conjuncts(term.query.expression).filter((it) => !parts.some((part) => isSame(part, it)));
  return parseQuery(printQuery(allOf([...parts, ...more])));
}

/** The query that lets through what also fits this term, once; the text is made anew, unless it is there already. */
export const withTerm = (query: Query, termText: string): Parsed =>
  hasTerm(query, termText) ? { query } : extended(conjuncts(query.expression), termText);

/** True where the term is one of the conditions at the top, which must all hold. */
export function hasTerm(query: Query, termText: string): boolean {
  const term = parseQuery(termText);
  if ('problem' in term) return false;
  const parts = conjuncts(query.expression);
  return conjuncts(term.query.expression).every((it) => parts.some((part) => isSame(part, it)));
}

/** The query without this term among the conditions at the top; itself where there is none. */
export function withoutTerm(query: Query, termText: string): Query {
  const term = parseQuery(termText);
  if ('problem' in term || !hasTerm(query, termText)) return query;
  const gone = conjuncts(term.query.expression);
  return ofConjuncts(conjuncts(query.expression).filter((it) => !gone.some((other) => isSame(it, other))));
}

/** The query with this term in the place of those of the field at the top; without it, only without those. */
export function replaceField(query: Query, field: FieldName, termText: string | undefined): Parsed {
  const others = conjuncts(query.expression).filter((it) => fieldOf(it) !== field);
  return termText === undefined ? { query: ofConjuncts(others) } : extended(others, termText);
}
