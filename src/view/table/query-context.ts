import type { QueryContext } from '../../query/compile.ts';
import type { HostAnswer, State } from '../../store/state.ts';

/** Returns a function that maps a host name to its addresses; undefined while its lookup is pending or if it failed. */
export const addressesIn =
  (hosts: ReadonlyMap<string, HostAnswer>): QueryContext['addressesOf'] =>
  (host) => {
    const answer = hosts.get(host);
    return answer?.type === 'addresses' ? answer.addresses : undefined;
  };

/** Returns the inputs of a query besides the sockets. The caller must set `nowMs` before each evaluation. */
export const queryContext = ({
  nowMs,
  baselineMs,
  hosts,
}: Pick<State, 'nowMs' | 'baselineMs' | 'hosts'>): QueryContext & { nowMs: number } => ({
  nowMs: nowMs ?? 0,
  baselineMs,
  addressesOf: addressesIn(hosts),
});
