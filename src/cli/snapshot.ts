import { boundsFor } from '../model/bounds.ts';
import { LOCAL_HOST } from '../model/host.ts';
import { openSource } from '../source/index.ts';
import { initialState } from '../store/initial.ts';
import { wantedParts } from '../store/wanted-locations.ts';
import { reduce } from '../store/reduce.ts';
import type { State } from '../store/state.ts';
import { TIME_WAIT_ID } from '../view/table/item.ts';
import { RowOrder } from '../view/table/order.ts';
import type { Environment } from './config/paths.ts';
import { geoFilesOf, lookupsFor } from './geo/lookups.ts';
import type { Invocation } from './invocation.ts';
import { memoryLimit } from './memory.ts';

/** The sockets of one poll that match the query of a command. */
export interface MatchingSockets {
  readonly state: State;
  /** All matching rows: also those in TIME_WAIT, which the screen folds into one line. */
  readonly order: RowOrder;
  /** Returns what cannot be seen, and why. Further ones may be found while the sockets are printed. */
  readonly notices: () => readonly string[];
}

/** Returns all rows that match the query of the state, also those in TIME_WAIT, in the order of the sort column. */
export function orderOfAll(state: State): RowOrder {
  const order = new RowOrder();
  order.update({ ...state, folds: { all: false, except: new Set([TIME_WAIT_ID]) } });
  return order;
}

/**
 * Polls once. Resolves to the sockets that match the query. Rejects with an Error for the user if no source works, or a
 * host name of the query is unknown.
 * @param tcpDetails true to fill in `Socket.tcp`
 * @param environment of the user whose files with countries and organisations are used
 */
export async function matchingSockets(
  { source: sourceName, also, query, sort, columns, geoFiles, origins }: Invocation,
  tcpDetails: boolean,
  environment: Environment,
): Promise<MatchingSockets> {
  const problems: string[] = [];
  const files = geoFilesOf(geoFiles, environment, (text) => void problems.push(text));
  // The columns of the configuration are those of the screen.
  const shown = origins.columns.from === 'command line' ? columns : null;
  const lookups = await lookupsFor(query, files, wantedParts({ query, sort, columns: shown, group: null }));
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
  return {
    state: withLookups,
    order: orderOfAll(withLookups),
    notices: () => [...degradations.map(({ text }) => text), ...problems],
  };
}
