import { type Expression, type Term, termsOf } from './expression.ts';
import { MAX_QUERY_LENGTH, readQuery } from './grammar.ts';
import { fieldRow, isField } from './fields.ts';
import { isHostName } from './hosts.ts';
import { Mistake, type QueryProblem } from './mistake.ts';
import { printQuery } from './print.ts';
import { quantityRow } from './quantities.ts';

/** A parsed query. Immutable. */
export interface Query {
  /** The text as typed. */
  readonly text: string;
  readonly expression: Expression;
  /** The query compares ages: its answer about a socket changes with time even if the socket does not change. */
  readonly isTimed: boolean;
  /** The query tests peers: its answer about a socket changes with the peer of the socket. */
  readonly asksPeers: boolean;
  /** The query tests the names of peers: its answer about a socket changes when a name becomes known. */
  readonly asksNames: boolean;
  /** Facts about locations that the query tests: its answer changes when a file with them has been read. */
  readonly geoParts: readonly ('country' | 'org')[];
  /** Distinct host names of the query in small letters; they must be resolved. */
  readonly hosts: readonly string[];
}

export type Parsed = { readonly query: Query } | { readonly problem: QueryProblem };

/** Returns the fact about a location that a term tests; undefined if it tests none. */
const geoPartOf = (term: Term): 'country' | 'org' | undefined =>
  'field' in term && isField(term.field) ? fieldRow(term.field).geoPart : undefined;

export const queryOf = (expression: Expression, text: string): Query => {
  const terms = termsOf(expression);
  const hosts = terms.flatMap((it) => (it.kind === 'host' && isHostName(it.host) ? [it.host] : []));
  return {
    text,
    expression,
    isTimed: terms.some((it) => it.kind === 'compare' && quantityRow(it.quantity).isTimed === true),
    asksPeers: terms.some((it) => 'field' in it && it.field === 'peer'),
    asksNames: terms.some((it) => 'field' in it && it.field === 'host'),
    geoParts: [...new Set(terms.flatMap((it) => geoPartOf(it) ?? []))],
    hosts: [...new Set(hosts)],
  };
};

/** Parses a query. Never throws: a mistake is returned as a problem. */
export function parseQuery(text: string): Parsed {
  return Mistake.caught(() => {
    const expression = readQuery(text);
    // The canonical text may be longer than the typed one: the forms of lsof expand.
    const { length } = printQuery(expression);
    if (length > MAX_QUERY_LENGTH)
      throw new Mistake(0, text.length, `query too long: ${length} characters when written out`);
    return { query: queryOf(expression, text) };
  });
}

/** The empty query, which matches everything. */
export const EVERYTHING: Query = {
  text: '',
  expression: { kind: 'all', of: [] },
  isTimed: false,
  asksPeers: false,
  asksNames: false,
  geoParts: [],
  hosts: [],
};

/** Returns true if a query matches everything. */
export const isEverything = ({ expression }: Query): boolean =>
  expression.kind === 'all' && expression.of.length === 0;
