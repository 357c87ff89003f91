import { type Expression, termsOf } from './expression.ts';
import { MAX_QUERY_LENGTH, readQuery } from './grammar.ts';
import { isHostName } from './hosts.ts';
import { Mistake, type QueryProblem } from './mistake.ts';
import { printQuery } from './print.ts';

/** Which sockets are wanted. Immutable. */
export interface Query {
  /** As it was typed. */
  readonly text: string;
  readonly expression: Expression;
  /** Its answer about a socket changes as time goes by, without anything happening to the socket. */
  readonly isTimed: boolean;
  /** Host names in it, small letters, each once: they have to be resolved. */
  readonly hosts: readonly string[];
}

export type Parsed = { readonly query: Query } | { readonly problem: QueryProblem };

export const queryOf = (expression: Expression, text: string): Query => {
  const terms = termsOf(expression);
  const hosts = terms.flatMap((it) => (it.kind === 'host' && isHostName(it.host) ? [it.host] : []));
  return {
    text,
    expression,
    isTimed: terms.some((it) => it.kind === 'compare' && it.quantity === 'age'),
    hosts: [...new Set(hosts)],
  };
};

/** Reads a query. Never throws; what is wrong with the text comes as a problem at its place. */
export function parseQuery(text: string): Parsed {
  return Mistake.caught(() => {
    const expression = readQuery(text);
    // Written out it may be longer: lsof's forms are.
    const { length } = printQuery(expression);
    if (length > MAX_QUERY_LENGTH)
      throw new Mistake(0, text.length, `query too long: ${length} characters when written out`);
    return { query: queryOf(expression, text) };
  });
}

/** The query that restricts nothing. */
export const EVERYTHING: Query = { text: '', expression: { kind: 'all', of: [] }, isTimed: false, hosts: [] };

/** True where a query restricts nothing, whatever its text. */
export const isEverything = ({ expression }: Query): boolean =>
  expression.kind === 'all' && expression.of.length === 0;
