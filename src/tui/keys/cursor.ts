import type { Action } from '../../store/actions.ts';
import { pictureOf } from '../../store/picture.ts';
import type { Focus } from '../../store/state.ts';
import { selectedIndex } from '../../view/arrange.ts';
import { eventAtCursor, eventPage, numberAfter } from '../../view/panes/event-pane.ts';
import { helpLines } from '../../view/panes/help.ts';
import type { KeyContext } from './context.ts';

/** How far a key moves: lines, pages, or to an end. */
export type Unit = 'row' | 'page' | 'all';

/** Removes the message of the last key and does nothing else. */
const NOTHING: Action = { type: 'message', message: null };

/** Moves the cursor of the focused pane, or scrolls the help. */
export function move(context: KeyContext, by: number, unit: Unit): Action {
  const { state, order, events, layout, focus, keys } = context;
  if (layout.help) {
    const { width, height } = layout.help;
    const lines = helpLines(keys, state, width).length;
    return { type: 'scroll-help', by: { row: 1, page: height - 1, all: lines }[unit] * by, lines, height };
  }
  if (focus === 'events') {
    const page = eventPage(layout.events?.height ?? 0);
    const number = numberAfter(state, events, { row: 1, page, all: Infinity }[unit] * by);
    return { type: 'select-event', number };
  }
  const page = Math.max(1, (layout.table?.height ?? 1) - 1);
  const rows = { row: 1, page, all: order.length }[unit] * by;
  const index = Math.max(0, Math.min(selectedIndex(state, order) + rows, order.length - 1));
  const item = order.at(index);
  return item ? { type: 'select', id: item.id } : NOTHING;
}

/** Returns true if the event log covers the table: there is only room for one of the two. */
const coversTable = ({ layout: { events, table } }: KeyContext): boolean => events !== undefined && !table;

/** Moves the focus. */
export const focusOn = (context: KeyContext, focus: Focus): Action =>
  focus === 'table' && coversTable(context)
    ? { type: 'pane', pane: 'events', open: false }
    : { type: 'focus', focus };

/** Goes to the row of the event under the cursor, or shows why it has none. */
export function goToRow(context: KeyContext): Action {
  const { state, order, events } = context;
  const at = eventAtCursor(state, events);
  if (at === undefined) return NOTHING;
  const { number, event } = at;
  if (event.type === 'gap')
    return { type: 'select-event', number, note: 'a gap has no row: its sockets are not known' };
  const { id } = event.socket;
  if (order.rowAt(order.indexOf(id))) return { type: 'go-to-row', id, closesLog: coversTable(context) };
  const note = pictureOf(state).rows.has(id)
    ? 'its row is hidden by the query, a folded group or a hide rule'
    : 'its socket is gone';
  return { type: 'select-event', number, note };
}
