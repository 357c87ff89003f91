import type { QueryContext } from '../query/compile.ts';
import type { Query } from '../query/query.ts';
import { orgName, locationOf, type LocationsState } from './locations.ts';
import type { AskedName } from '../model/asked-name.ts';
import { MAX_ASKED, nameOf, type PeerName, type PeerNames, withAnswers } from './peer-names.ts';

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
  /** Names of peers that were looked up. */
  readonly names: PeerNames;
  /** Names that programs asked for, by address or connection (`AskedName.subject`). */
  readonly asked: PeerNames;
  /** True while the names of the peers on the screen are asked for. */
  readonly asksNames: boolean;
  /** Files that know where peers are. */
  readonly locations: LocationsState;
}

export const NO_LOOKUPS: Lookups = {
  hosts: new Map(),
  names: new Map(),
  asked: new Map(),
  asksNames: false,
  locations: null,
};

/** Returns the lookups with these answers about host names. */
export const withHosts = (
  lookups: Lookups,
  answers: Iterable<readonly [name: string, answer: HostAnswer]>,
): Lookups => ({ ...lookups, hosts: new Map([...lookups.hosts, ...answers]) });

/** Returns the lookups with these answers about addresses of peers. */
export const withNames = (
  lookups: Lookups,
  answers: Iterable<readonly [address: string, answer: PeerName]>,
): Lookups => ({ ...lookups, names: withAnswers(lookups.names, answers) });

/** Returns the lookups with names that programs asked for. @param atMs on the clock of the actions */
export const withAsked = (lookups: Lookups, names: readonly AskedName[], atMs: number): Lookups => ({
  ...lookups,
  asked: withAnswers(
    lookups.asked,
    names.map(({ subject, ...name }) => [subject, { type: 'name', ...name, atMs }]),
    MAX_ASKED,
  ),
});

/** The functions of a query's context that read the lookups. */
type Answers = Required<Pick<QueryContext, 'addressesOf' | 'nameOf' | 'locationOf'>>;

/** Returns these functions. Each call of one reads the lookups that `lookupsNow` returns. */
export const answersIn = (lookupsNow: () => Lookups): Answers => ({
  addressesOf: (host) => {
    const answer = lookupsNow().hosts.get(host);
    return answer?.type === 'addresses' ? answer.addresses : undefined;
  },
  nameOf: (socket) => nameOf(lookupsNow(), socket),
  locationOf: (address) => {
    const { country, org } = locationOf(lookupsNow().locations, { address }) ?? {};
    return {
      ...(country && { country: country.code.toLowerCase() }),
      ...(org && { org: orgName(org).toLowerCase() }),
      ...(org?.asn !== undefined && { asn: org.asn }),
    };
  },
});

/** Returns true if the query has the same answers with both lookups. */
export const hasSameAnswers = ({ hosts, asksNames, geoParts }: Query, a: Lookups, b: Lookups): boolean =>
  (hosts.length === 0 || a.hosts === b.hosts) &&
  (!asksNames || (a.names === b.names && a.asked === b.asked)) &&
  (geoParts.length === 0 || a.locations === b.locations);
