import type { QueryContext } from '../../query/compile.ts';
import type { HostAnswer, State } from '../../store/state.ts';

/** Returns a function that gives the addresses of a host name; undefined if it is not looked up or has none. */
export const addressesIn =
  (hosts: ReadonlyMap<string, HostAnswer>): QueryContext['addressesOf'] =>
  (host) => {
    const answer = hosts.get(host);
    return answer?.type === 'addresses' ? answer.addresses : undefined;
  };

/** Returns the inputs of a query besides the sockets. The caller must keep `nowMs` up to date. */
export const queryContext = ({
  nowMs,
  baselineMs,
  hosts,
}: Pick<State, 'nowMs' | 'baselineMs' | 'hosts'>): QueryContext & { nowMs: number } => ({
  nowMs: nowMs ?? 0,
  baselineMs,
  addressesOf: addressesIn(hosts),
});
