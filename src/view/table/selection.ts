import type { State } from '../../store/state.ts';
import type { Item } from './item.ts';
import type { RowOrder } from './order.ts';

/**
 * Returns the index of the selection. It is on the first row until the user moves it, on the group header while its
 * row is folded, and at the last index of its row while the query hides the row.
 */
export function selectedIndex({ selectedId, places }: State, order: RowOrder): number {
  if (selectedId === null) return Math.min(0, order.length - 1);
  const shown = order.indexOf(selectedId);
  const header = shown < 0 ? order.headerOf(selectedId) : undefined;
  const index = header === undefined ? shown : order.indexOf(header);
  return index >= 0 ? index : Math.min(Math.max(0, places.table.index), order.length - 1);
}

/** Returns the visible lines of the table. @param height its lines on the screen */
export const visibleItems = ({ places }: State, order: RowOrder, height: number): Item[] =>
  order.slice(places.table.top, places.table.top + height);
