import { allOf, conjuncts, type Expression } from './expression.ts';
import type { Field } from './fields.ts';
import { isSame } from './narrows.ts';
import { printQuery } from './print.ts';
import type { Quantity } from './quantities.ts';
import { type Parsed, parseQuery, type Query, queryOf } from './query.ts';

const queryOfConjuncts = (parts: readonly Expression[]): Query => {
  const expression = allOf(parts);
  return queryOf(expression, printQuery(expression));
};

/** Field by which `replaceField` finds the terms to replace. */
type FieldName = Field | Quantity | 'host';

/** Returns the field of a top-level condition; undefined for words, flags, negated terms and alternatives. */
function fieldOf(expression: Expression): FieldName | undefined {
  if ('field' in expression) return expression.field === 'any' ? undefined : expression.field;
  if (expression.kind === 'host') return 'host';
  return expression.kind === 'compare' ? expression.quantity : undefined;
}

/** Returns a query of these conditions and those of a text; a problem if the text is no query, or the result is too long. */
function extended(parts: readonly Expression[], termText: string): Parsed {
  const term = parseQuery(termText);
  if ('problem' in term) return term;
  const more = conjuncts(term.query.expression).filter((it) => !parts.some((part) => isSame(part, it)));
  return parseQuery(printQuery(allOf([...parts, ...more])));
}

/** Returns the query with this term added as a condition; the same query if it has the term already. */
export const withTerm = (query: Query, termText: string): Parsed =>
  hasTerm(query, termText) ? { query } : extended(conjuncts(query.expression), termText);

/** Returns true if the term is one of the top-level conditions, all of which must hold. */
export function hasTerm(query: Query, termText: string): boolean {
  const term = parseQuery(termText);
  if ('problem' in term) return false;
  const parts = conjuncts(query.expression);
  return conjuncts(term.query.expression).every((it) => parts.some((part) => isSame(part, it)));
}

/** Returns the query without this term among its top-level conditions; the same query if it has none. */
export function withoutTerm(query: Query, termText: string): Query {
  const term = parseQuery(termText);
  if ('problem' in term || !hasTerm(query, termText)) return query;
  const removed = conjuncts(term.query.expression);
  // The term of the view `all` is empty: it has no condition to remove.
  if (removed.length === 0) return query;
  return queryOfConjuncts(
    conjuncts(query.expression).filter((it) => !removed.some((other) => isSame(it, other))),
  );
}

/** Returns the query with its top-level terms of this field replaced by the new term, or removed if there is none. */
export function replaceField(query: Query, field: FieldName, termText: string | undefined): Parsed {
  const others = conjuncts(query.expression).filter((it) => fieldOf(it) !== field);
  return termText === undefined ? { query: queryOfConjuncts(others) } : extended(others, termText);
}
