import type { Query } from '../query/query.ts';
import type { Action } from '../store/actions.ts';
import type { Sort } from '../store/columns.ts';
import { addressesToAsk, answersAbout, peerAddress } from '../store/peer-names.ts';
import { seenIn } from '../store/picture.ts';
import type { Row } from '../store/row.ts';
import type { Seen } from '../store/seen-fields.ts';
import type { State } from '../store/state.ts';
import type { Column } from './columns/columns.ts';
import { type Plan, planOf } from './columns/plan.ts';
import { columnsIn, noteWidths, placeColumns, type PlacedColumn } from './table/place.ts';
import type { KeyHelp } from './header/key-help.ts';
import { focusIn, layoutOf } from './layout.ts';
import { withLastResult } from '../model/last-result.ts';
import { logPlace } from './panes/event-pane.ts';
import type { Derived, Layout, Scene } from './panes/pane.ts';
import { cellContext } from './table/rows.ts';
import { TIME_WAIT_ID } from './table/item.ts';
import { MAX_COMPARED, sameColumns } from './table/same-columns.ts';
import { selectedIndex, visibleItems } from './table/selection.ts';
import { nextTop } from './table/viewport.ts';

const tableWidth = ({ size }: State, { table }: Layout): number => table?.width ?? size.width;

const keptPlan = withLastResult((seen: Seen, query: Query, same: State['same'], sort: Sort): Plan =>
  planOf({ seen, query, same, sort }),
);
const keptPlaces: (...inputs: Parameters<typeof placeColumns>) => readonly PlacedColumn[] =
  withLastResult(placeColumns);
const keptColumns: (...inputs: Parameters<typeof columnsIn>) => readonly Column[] = withLastResult(columnsIn);

/** Returns the automatic columns. They stay while a query is typed. */
export const planIn = (state: State): Plan => {
  const { query, prompt, same, sort } = state;
  return keptPlan(seenIn(state), prompt?.before ?? query, same, sort);
};

/** Returns the visible columns. */
const columnsOf = (state: State, layout: Layout): readonly PlacedColumn[] =>
  keptPlaces(tableWidth(state, layout), state.widest, seenIn(state), state.columns, planIn(state));

/**
 * Returns the scene of a state.
 * @param keys the keys that the help shows
 * @param layout the layout of the state, if it is known
 */
export function sceneOf(
  state: State,
  { order, events }: Derived,
  keys: readonly KeyHelp[],
  layout = layoutOf(state, order.length),
): Scene {
  const focus = focusIn(layout, state);
  return { state, order, events, layout, focus, columns: columnsOf(state, layout), keys };
}

/**
 * Returns the addresses of the peers of these rows whose names must be asked for; none unless the user wants names. A peer that
 * a program asked for by name has one already.
 */
function unnamedPeers({ lookups, clock }: State, rows: readonly Row[]): readonly string[] {
  if (!lookups.asksNames) return [];
  const addresses = rows.flatMap(({ socket }) => {
    const isNamed = answersAbout({ names: new Map(), asked: lookups.asked }, socket).length > 0;
    return isNamed ? [] : (peerAddress(socket.remote) ?? []);
  });
  return addressesToAsk(lookups.names, addresses, clock.lastBatchMs);
}

/**
 * Finds where rows and events are on the screen, before it is painted. Keeps the selection on its row; if the row was
 * removed, selects the row at its index; if it was folded into the line of sockets in TIME_WAIT, selects that line.
 */
export function arrange(
  state: State,
  { order, events }: Derived,
  layout: Layout,
): Action & { type: 'arranged' } {
  const { selectedId, table, pause, places, columns } = state;
  const index = selectedIndex(state, order);
  const isGone = selectedId !== null && order.indexOf(selectedId) < 0 && !table.rows.has(selectedId);
  // A row in TIME_WAIT will soon be gone: the selection moves to the line into which it is folded.
  const isFolded = selectedId !== null && order.headerOf(selectedId) === TIME_WAIT_ID;
  const { height } = layout.table ?? {};
  const top =
    // The table keeps its position while a pane covers it.
    height === undefined
      ? places.table.top
      : nextTop({
          top: places.table.top,
          height,
          length: order.length,
          index,
          lastIndex: places.table.index,
          moved: places.table.moved,
        });
  const arranged = {
    ...places,
    table: { top, index, moved: false },
    ...(layout.events && { events: logPlace(state, events, layout.events.height) }),
  };
  const items = visibleItems({ ...state, places: arranged }, order, height ?? 0);
  const rows = items.flatMap((item) => (item.type === 'row' ? [item.row] : []));
  const context = cellContext(state);
  const rowsUpTo = (end: number) =>
    order.slice(0, end).flatMap((item) => (item.type === 'row' ? [item.row] : []));
  const moment = [context.nowMs, context.takenAtMs, context.tick, context.rows, table.sequence];
  const inputs = [...moment, context.serviceNames, context.hasOldRates, context.lookups];
  const uncompared = order.compared.unread(rows, [...inputs, state.same]);
  const same = sameColumns(state, rows, () => rowsUpTo(MAX_COMPARED), context, uncompared);
  const plan = planIn({ ...state, same });
  const fitting = keptColumns(tableWidth(state, layout), state.widest, seenIn(state), columns, plan);
  const unmeasured = order.measured.unread(rows, [...inputs, fitting, state.widest]);
  const selected = order.rowAt(index);
  return {
    type: 'arranged',
    selectedId: isFolded || (isGone && pause === null) ? (order.at(index)?.id ?? null) : selectedId,
    rowId: selected?.id ?? null,
    places: arranged,
    newListeners: rows.flatMap(({ id, mark }) => (mark === 'spawned' && table.isUnseen(id) ? [id] : [])),
    widest: noteWidths(state.widest, unmeasured, context, fitting),
    same,
    unnamed: unnamedPeers(state, [...rows, ...(selected ? [selected] : [])]),
  };
}
