import type { LogEntry } from '../../model/event.ts';
import type { Action } from '../../store/actions.ts';
import { pictureOf } from '../../store/picture.ts';
import { coversTable } from './focus.ts';
import { DO_NOTHING, type Scene } from './pane.ts';

/** An event of the log, with its number there. */
export interface NumberedEvent {
  readonly number: number;
  readonly event: LogEntry;
}

/** Returns the action that goes to the row of an event, or that shows why it has none. */
export function goToRow(scene: Scene, at: NumberedEvent | undefined): Action {
  const { state, order } = scene;
  if (at === undefined) return DO_NOTHING;
  const { number, event } = at;
  if (event.type === 'gap')
    return { type: 'select-event', number, note: 'a gap has no row: its sockets are not known' };
  if (event.type === 'action') return { type: 'select-event', number, note: 'an action has no row' };
  if (event.type === 'sum')
    return { type: 'select-event', number, note: 'these connections were only counted: they have no rows' };
  const { id } = event.socket;
  if (order.rowAt(order.indexOf(id))) return { type: 'go-to-row', id, closesLog: coversTable(scene) };
  const note = pictureOf(state).rows.has(id)
    ? 'its row is hidden by the query, a folded group or a hide rule'
    : 'its socket is gone';
  return { type: 'select-event', number, note };
}
