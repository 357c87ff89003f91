import type { QueryContext } from '../query/compile.ts';
import type { Query } from '../query/query.ts';

/** Result of looking up a host name of a query. */
export type HostAnswer =
  | { readonly type: 'pending' }
  | { readonly type: 'addresses'; readonly addresses: readonly string[] }
  | { readonly type: 'failed'; readonly why: string };

/**
 * Answers that arrive after the rows they are about. Immutable: each answer makes a new object, so a comparison by
 * identity detects that an answer arrived. Queries, cells and late columns read it.
 */
export interface Lookups {
  /** By host name of a query, in small letters. */
  readonly hosts: ReadonlyMap<string, HostAnswer>;
}

export const NO_LOOKUPS: Lookups = { hosts: new Map() };

/** Returns the lookups with these answers about host names. */
export const withHosts = (
  lookups: Lookups,
  answers: Iterable<readonly [name: string, answer: HostAnswer]>,
): Lookups => ({ ...lookups, hosts: new Map([...lookups.hosts, ...answers]) });

/** Returns a function that maps a host name to its addresses; undefined while its lookup is pending or if it failed. */
export const addressesIn =
  ({ hosts }: Lookups): QueryContext['addressesOf'] =>
  (host) => {
    const answer = hosts.get(host);
    return answer?.type === 'addresses' ? answer.addresses : undefined;
  };

/** Returns true if an answer can change what the query matches. */
export const usesLookups = ({ hosts }: Query): boolean => hosts.length > 0;
