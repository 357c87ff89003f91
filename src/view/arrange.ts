import type { Action } from '../store/actions.ts';
import type { State } from '../store/state.ts';
import { columnsIn, noteWidths, placeColumns, type PlacedColumn } from './table/place.ts';
import { logPlace } from './panes/event-pane.ts';
import type { Item } from './table/item.ts';
import type { Layout } from './layout.ts';
import type { RowOrder } from './table/order.ts';
import { cellContext } from './table/rows.ts';
import type { ShownEvents } from './panes/shown-events.ts';
import { nextTop } from './table/viewport.ts';

/** What is derived from the state and kept from paint to paint, because to derive it again would take too long. */
export interface Derived {
  readonly order: RowOrder;
  readonly events: ShownEvents;
}

/**
 * Returns the index of the selection. It is on the first row until the user moves it, on the group header while its
 * row is folded, and at the last index of its row while the query hides the row.
 */
export function selectedIndex({ selectedId, tablePlace }: State, order: RowOrder): number {
  if (selectedId === null) return Math.min(0, order.length - 1);
  const shown = order.indexOf(selectedId);
  const header = shown < 0 ? order.headerOf(selectedId) : undefined;
  const index = header === undefined ? shown : order.indexOf(header);
  return index >= 0 ? index : Math.min(Math.max(0, tablePlace.index), order.length - 1);
}

/** Returns the visible lines of the table. */
export const visibleItems = ({ tablePlace: { top } }: State, order: RowOrder, { table }: Layout): Item[] =>
  order.slice(top, top + (table?.height ?? 0));

const tableWidth = ({ size }: State, { table }: Layout): number => table?.width ?? size.width;

/** Returns the visible columns. */
export const columnsOf = (state: State, layout: Layout): readonly PlacedColumn[] =>
  placeColumns(tableWidth(state, layout), state.widest, state.table.seen, state.columns);

/**
 * Finds where rows and events are on the screen, before it is painted. Keeps the selection on its row; if the row was
 * removed, selects the row at its index.
 */
export function arrange(
  state: State,
  { order, events }: Derived,
  layout: Layout,
): Action & { type: 'arranged' } {
  const { selectedId, table, pause, tablePlace, columns } = state;
  const index = selectedIndex(state, order);
  const isGone = selectedId !== null && order.indexOf(selectedId) < 0 && !table.rows.has(selectedId);
  const { height } = layout.table ?? {};
  const top =
    // The table keeps its position while a pane covers it.
    height === undefined
      ? tablePlace.top
      : nextTop({
          top: tablePlace.top,
          height,
          length: order.length,
          index,
          lastIndex: tablePlace.index,
          moved: tablePlace.moved,
        });
  const place = { top, index, moved: false };
  const items = visibleItems({ ...state, tablePlace: place }, order, layout);
  const rows = items.flatMap((item) => (item.type === 'row' ? [item.row] : []));
  const fitting = columnsIn(tableWidth(state, layout), table.seen, columns);
  return {
    type: 'arranged',
    selectedId: isGone && pause === null ? (order.at(index)?.id ?? null) : selectedId,
    rowId: order.rowAt(index)?.id ?? null,
    table: place,
    log: layout.events ? logPlace(state, events, layout.events.height) : state.logPlace,
    widest: noteWidths(state.widest, rows, cellContext(state), fitting),
  };
}
