import { hasTerm, withoutTerm, withTerm } from '../query/edit.ts';
import type { Parsed, Query } from '../query/query.ts';
import type { State } from './state.ts';

/** Removes a term that the query has; otherwise adds it, and removes the terms in `instead`. */
export function toggleTerm(query: Query, term: string, instead: readonly string[]): Parsed {
  if (hasTerm(query, term)) return { query: withoutTerm(query, term) };
  return withTerm(instead.reduce(withoutTerm, query), term);
}

/** Returns the state with another query, or with an error message when that query is too long. */
export const withQuery = (state: State, parsed: Parsed): State =>
  'query' in parsed
    ? { ...state, query: parsed.query }
    : { ...state, message: { text: parsed.problem.message, isError: true } };
