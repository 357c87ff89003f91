import { hasSocket } from '../../model/event.ts';
import type { Socket } from '../../model/socket.ts';
import type { State } from '../../store/state.ts';
import { sceneOf } from '../../view/arrange.ts';
import type { KeyHelp } from '../../view/header/key-help.ts';
import { eventAtCursor } from '../../view/panes/event-pane.ts';
import type { Derived, Scene } from '../../view/panes/pane.ts';
import type { Item } from '../../view/table/item.ts';
import { selectedIndex } from '../../view/table/selection.ts';

/** Inputs of the action of a key or of the mouse. */
export interface KeyContext extends Scene {
  /** The selected row or group header; undefined if the event log has the focus. */
  readonly item: Item | undefined;
  /** Socket of the selected row, or of the event under the cursor if the event log has the focus. */
  readonly socket: Socket | undefined;
  /** Id of the header of the selected group, or of the selected line of sockets in TIME_WAIT. */
  readonly groupId: string | undefined;
}

function socketOf({ state, events }: Scene): Socket | undefined {
  const event = eventAtCursor(state, events)?.event;
  return event && hasSocket(event) ? event.socket : undefined;
}

/** Returns the context of a key in this state. */
export function keyContext(state: State, derived: Derived, keys: readonly KeyHelp[]): KeyContext {
  const scene = sceneOf(state, derived, keys);
  const { order, focus } = scene;
  const item = focus === 'events' ? undefined : order.at(selectedIndex(state, order));
  const rowSocket = item?.type === 'row' ? item.row.socket : undefined;
  return {
    ...scene,
    item,
    socket: focus === 'events' ? socketOf(scene) : rowSocket,
    groupId: item && (item.type === 'row' ? order.headerOf(item.id) : item.id),
  };
}
