import type { Action } from '../../store/actions.ts';
import type { ColumnId } from '../../store/columns.ts';
import { COLUMNS } from '../columns/columns.ts';
import { keyText } from '../header/key-help.ts';
import { emptyLines } from '../table/empty.ts';
import type { Item } from '../table/item.ts';
import type { PlacedColumn } from '../table/place.ts';
import { tableLines } from '../table/rows.ts';
import { selectedIndex, visibleItems } from '../table/selection.ts';
import { focusOn } from './focus.ts';
import { DO_NOTHING, linesIn, type PaneRow, type Scene } from './pane.ts';

/** Returns the action that sorts by a column, first in its default order. */
export const sortBy = (column: ColumnId): Action => ({
  type: 'sort',
  column,
  ...(COLUMNS.find(({ id }) => id === column)?.descending && { descending: true }),
});

/** Returns the column at a cell of the table. */
export const columnAt = (columns: readonly PlacedColumn[], x: number): PlacedColumn | undefined =>
  columns.findLast(({ left }) => x >= left);

/** Selects a row or group header; folds a group whose header is already selected. */
const selectItem = ({ type, id }: Item, { state }: Scene): Action[] => [
  ...(type !== 'row' && id === state.selectedId ? [{ type: 'fold', id } as const] : []),
  { type: 'select', id },
];

const move: NonNullable<PaneRow['move']> = ({ state, order }, { height }, by, unit) => {
  const rows = linesIn(unit, Math.max(1, height - 1), order.length) * by;
  const index = Math.max(0, Math.min(selectedIndex(state, order) + rows, order.length - 1));
  const item = order.at(index);
  return item ? { type: 'select', id: item.id } : DO_NOTHING;
};

/** The wheel over the table and its titles. */
export const wheelInTable = (now: Scene, by: number): readonly Action[] => [
  focusOn(now, 'table'),
  move(now, { left: 0, top: 0, width: 0, height: 0 }, by, 'row'),
];

/** The table of sockets. */
export const TABLE: PaneRow = {
  position: { where: 'rest' },
  rank: 0,
  title: 'table',
  lines: ({ state, order, columns, focus, keys }, { width, height }) => {
    const keyOf = (id: string) => keyText(keys, id);
    if (order.length === 0) return emptyLines(state, order, width, keyOf).slice(0, height);
    const { top, index } = state.places.table;
    const isFocused = focus === 'table' && state.list === null;
    return tableLines(state, order, columns, top, height, index, isFocused, keyOf);
  },
  move,
  wheel: wheelInTable,
  clickIn: ({ state, order, columns }, { height }) => {
    const items = visibleItems(state, order, height);
    return (x, y, now, isDouble) => {
      const item = items[y];
      const placed = columnAt(columns, x);
      // Rows may have moved between the two clicks: only the second one on the same row opens its details.
      const opensDetails = isDouble && item?.type === 'row' && item.id === now.state.selectedId;
      return [
        focusOn(now, 'table'),
        ...(opensDetails ? [{ type: 'pane', pane: 'details', open: true } as const] : []),
        ...(item ? selectItem(item, now) : []),
        ...(item?.type === 'row' && placed ? [{ type: 'cell', column: placed.column.id } as const] : []),
      ];
    };
  },
};
