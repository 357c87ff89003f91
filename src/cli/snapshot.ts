import { boundsFor } from '../model/bounds.ts';
import type { Degradation } from '../model/batch.ts';
import { LOCAL_HOST } from '../model/host.ts';
import { openSource } from '../source/index.ts';
import { initialState } from '../store/initial.ts';
import { reduce } from '../store/reduce.ts';
import type { State } from '../store/state.ts';
import { TIME_WAIT_ID } from '../view/table/item.ts';
import { RowOrder } from '../view/table/order.ts';
import { resolveHosts } from './hosts.ts';
import type { Invocation } from './invocation.ts';
import { memoryLimit } from './memory.ts';

/** The sockets of one poll that match the query of a command. */
export interface MatchingSockets {
  readonly state: State;
  /** All matching rows: also those in TIME_WAIT, which the screen folds into one line. */
  readonly order: RowOrder;
  readonly degradations: readonly Degradation[];
}

/** Returns all rows that match the query of the state, also those in TIME_WAIT, in the order of the sort column. */
export function orderOfAll(state: State): RowOrder {
  const order = new RowOrder();
  order.update({ ...state, folds: { all: false, except: new Set([TIME_WAIT_ID]) } });
  return order;
}

/**
 * Polls once. Resolves to the sockets that match the query. Rejects with an Error for the user if no source works, or a host name of the query is unknown.
 * @param tcpDetails true to fill in `Socket.tcp`
 */
export async function matchingSockets(
  { source: sourceName, also, query, sort }: Invocation,
  tcpDetails: boolean,
): Promise<MatchingSockets> {
  const lookups = await resolveHosts(query.hosts);
  // There is only one snapshot: remnants may use the whole bound too.
  const { sockets: maxSockets } = boundsFor(memoryLimit());
  const bounds = { sockets: maxSockets, remnants: maxSockets };
  const source = await openSource(sourceName, { also, tcpDetails, ownerBudgetMs: Infinity, bounds });
  const { sockets, interfaces, degradations } = await source.read();
  const state = reduce(
    initialState({ host: '', system: '', intervalMs: 0, lingerMs: 0, query, sort, palette: 'mono' }),
    {
      type: 'batch',
      atMs: 0,
      batch: {
        spawned: [...sockets.values()],
        changed: [],
        closed: [],
        baseline: true,
        partial: false,
        host: LOCAL_HOST,
        source: source.name,
        takenAtMs: Date.now(),
        monotonicMs: 0,
        pacedIntervalMs: 0,
        interfaces,
        degradations,
        events: [],
        coverage: { level: 'polls' },
        cost: { socketsMs: 0, ownersMs: 0, diffMs: 0 },
      },
    },
  );
  const withLookups = { ...state, lookups };
  return { state: withLookups, order: orderOfAll(withLookups), degradations };
}
