import type { Action } from '../store/actions.ts';
import { numberAfter } from '../view/panes/event-pane.ts';
import type { Item } from '../view/table/item.ts';
import type { Region } from '../view/layout.ts';
import type { KeyContext } from './keys/context.ts';
import { focusOn, move } from './keys/cursor.ts';
import { sortBy } from './keys/display.ts';
import type { Painted } from './painter.ts';

/** A mouse event of blessed. */
export interface MouseInput {
  readonly action: string;
  readonly button?: string;
  readonly x: number;
  readonly y: number;
}

const WHEEL_ROWS = 3;

/**
 * Handles a mouse event.
 * @param painted the picture that the user sees: a click means it, though rows may have moved since
 * @param contextNow returns the context after the actions dispatched so far
 */
export function handleMouse(
  { action, button, x, y }: MouseInput,
  painted: Painted,
  contextNow: () => KeyContext,
  dispatch: (action: Action) => void,
): void {
  const { titles, table, events, help } = painted.layout;
  const isIn = (region: Region | undefined): region is Region =>
    region !== undefined &&
    y >= region.top &&
    y < region.top + region.height &&
    x >= region.left &&
    x < region.left + region.width;
  const isWheel = action === 'wheelup' || action === 'wheeldown';
  const isClick = action === 'mousedown' && button === 'left';
  if (!isWheel && (!isClick || help)) return;
  if (isIn(table) || isIn(titles)) dispatch(focusOn(contextNow(), 'table'));
  const placed = painted.columns.findLast(({ left }) => x >= left);
  if (isWheel) {
    const by = action === 'wheelup' ? -WHEEL_ROWS : WHEEL_ROWS;
    dispatch(isIn(events) ? scrollLog(contextNow(), by) : move(contextNow(), by, 'row'));
  } else if (isIn(titles)) {
    if (placed === undefined) return;
    dispatch({ type: 'message', message: null });
    dispatch(sortBy(placed.column.id));
  } else if (isIn(table)) {
    const item = painted.items[y - table.top];
    if (item === undefined) return;
    clickItem(item, contextNow(), dispatch);
    if (item.type === 'row' && placed) dispatch({ type: 'cell', column: placed.column.id });
  } else if (isIn(events)) {
    dispatch(focusOn(contextNow(), 'events'));
    const number = painted.events[y - events.top - 1];
    if (number !== undefined) dispatch({ type: 'select-event', number });
  }
}

/** Scrolls the log while its cursor stays on its line. */
const scrollLog = ({ state, events }: KeyContext, by: number): Action => ({
  type: 'scroll-log',
  top: state.logPlace.top + by,
  number: numberAfter(state, events, by),
});

/** Selects a row or group header; folds a group whose header is already selected. */
function clickItem({ type, id }: Item, { state }: KeyContext, dispatch: (action: Action) => void): void {
  if (type === 'group' && id === state.selectedId) dispatch({ type: 'fold', id });
  dispatch({ type: 'select', id });
}
