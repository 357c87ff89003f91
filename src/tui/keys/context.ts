import type { Socket } from '../../model/socket.ts';
import type { Focus, State } from '../../store/state.ts';
import { columnsOf, type Derived, selectedIndex } from '../../view/arrange.ts';
import { eventAtCursor } from '../../view/panes/event-pane.ts';
import type { Item } from '../../view/table/item.ts';
import type { KeyHelp } from '../../view/header/hints.ts';
import { focusIn, type Layout, layoutOf } from '../../view/layout.ts';
import type { PlacedColumn } from '../../view/table/place.ts';

/** What the action of a key or of the mouse depends on. */
export interface KeyContext extends Derived {
  readonly state: State;
  readonly layout: Layout;
  /** The selected row or group header; undefined if the event log has the focus. */
  readonly item: Item | undefined;
  /** Socket of the selected row, or of the event under the cursor if the event log has the focus. */
  readonly socket: Socket | undefined;
  /** The pane in which keys move. */
  readonly focus: Focus;
  /** Visible columns, in order. */
  readonly columns: readonly PlacedColumn[];
  /** Id of the header of the selected group. */
  readonly groupId: string | undefined;
  /** The keys that the help shows. */
  readonly keys: readonly KeyHelp[];
}

function socketOf({ state, events }: Pick<KeyContext, 'state' | 'events'>): Socket | undefined {
  const event = eventAtCursor(state, events)?.event;
  return event?.type === 'gap' ? undefined : event?.socket;
}

/** Returns the context of a key in this state. */
export function keyContext(state: State, { order, events }: Derived, keys: readonly KeyHelp[]): KeyContext {
  const layout = layoutOf(state);
  const focus = focusIn(layout, state);
  const item = focus === 'events' ? undefined : order.at(selectedIndex(state, order));
  const rowSocket = item?.type === 'row' ? item.row.socket : undefined;
  return {
    state,
    order,
    events,
    layout,
    item,
    socket: focus === 'events' ? socketOf({ state, events }) : rowSocket,
    focus,
    columns: columnsOf(state, layout),
    groupId: item && (item.type === 'group' ? item.id : order.headerOf(item.id)),
    keys,
  };
}
