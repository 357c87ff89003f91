import type { Action } from '../../store/actions.ts';
import { pictureOf } from '../../store/picture.ts';
import { eventAtCursor } from '../../view/panes/event-pane.ts';
import { coversTable } from '../../view/panes/focus.ts';
import { DO_NOTHING } from '../../view/panes/pane.ts';
import type { KeyContext } from './context.ts';

/** Goes to the row of the event under the cursor, or shows why it has none. */
export function goToRow(context: KeyContext): Action {
  const { state, order, events } = context;
  const at = eventAtCursor(state, events);
  if (at === undefined) return DO_NOTHING;
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
