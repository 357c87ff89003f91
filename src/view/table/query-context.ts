import type { QueryContext } from '../../query/compile.ts';
import { addressesIn } from '../../store/lookups.ts';
import type { State } from '../../store/state.ts';

/** Returns the inputs of a query besides the sockets. The caller must set `nowMs` before each evaluation. */
export const queryContext = ({
  nowMs,
  baselineMs,
  lookups,
}: Pick<State, 'nowMs' | 'baselineMs' | 'lookups'>): QueryContext & { nowMs: number } => ({
  nowMs: nowMs ?? 0,
  baselineMs,
  addressesOf: addressesIn(lookups),
});
