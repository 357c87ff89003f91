import type { QueryContext } from '../query/compile.ts';
import type { HostAnswer, State } from '../store/state.ts';

/** The addresses that are known of a host name; undefined where it has not been looked up, or has none. */
export const addressesIn =
  (hosts: ReadonlyMap<string, HostAnswer>): QueryContext['addressesOf'] =>
  (host) => {
    const answer = hosts.get(host);
    return answer?.type === 'addresses' ? answer.addresses : undefined;
  };

/** What a query depends on besides the sockets: its owner brings `nowMs` up to date. */
export const queryContext = ({
  nowMs,
  baselineMs,
  hosts,
}: Pick<State, 'nowMs' | 'baselineMs' | 'hosts'>): QueryContext & { nowMs: number } => ({
  nowMs: nowMs ?? 0,
  baselineMs,
  addressesOf: addressesIn(hosts),
});
