import type { Action } from '../store/actions.ts';
import type { State } from '../store/state.ts';
import { columnsIn, noteWidths, placeColumns, type PlacedColumn } from './table/place.ts';
import type { KeyHelp } from './header/key-help.ts';
import { focusIn, layoutOf } from './layout.ts';
import { logPlace } from './panes/event-pane.ts';
import type { Derived, Layout, Scene } from './panes/pane.ts';
import { cellContext } from './table/rows.ts';
import { selectedIndex, visibleItems } from './table/selection.ts';
import { nextTop } from './table/viewport.ts';

const tableWidth = ({ size }: State, { table }: Layout): number => table?.width ?? size.width;

/** Returns the visible columns. */
const columnsOf = (state: State, layout: Layout): readonly PlacedColumn[] =>
  placeColumns(tableWidth(state, layout), state.widest, state.table.seen, state.columns);

/**
 * Returns the scene of a state.
 * @param keys the keys that the help shows
 * @param layout the layout of the state, if it is known
 */
export function sceneOf(
  state: State,
  { order, events }: Derived,
  keys: readonly KeyHelp[],
  layout = layoutOf(state),
): Scene {
  const focus = focusIn(layout, state);
  return { state, order, events, layout, focus, columns: columnsOf(state, layout), keys };
}

/**
 * Finds where rows and events are on the screen, before it is painted. Keeps the selection on its row; if the row was
 * removed, selects the row at its index.
 */
export function arrange(
  state: State,
  { order, events }: Derived,
  layout: Layout,
): Action & { type: 'arranged' } {
  const { selectedId, table, pause, places, columns } = state;
  const index = selectedIndex(state, order);
  const isGone = selectedId !== null && order.indexOf(selectedId) < 0 && !table.rows.has(selectedId);
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
  const fitting = columnsIn(tableWidth(state, layout), table.seen, columns);
  return {
    type: 'arranged',
    selectedId: isGone && pause === null ? (order.at(index)?.id ?? null) : selectedId,
    rowId: order.rowAt(index)?.id ?? null,
    places: arranged,
    newListeners: rows.flatMap(({ id, mark }) => (mark === 'spawned' && table.isUnseen(id) ? [id] : [])),
    widest: noteWidths(state.widest, rows, cellContext(state), fitting),
  };
}
