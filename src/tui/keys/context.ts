import type { Socket } from '../../model/socket.ts';
import type { Focus, State } from '../../store/state.ts';
import type { Item } from '../../view/table/groups.ts';
import type { PlacedColumn } from '../../view/table/place.ts';

/** State that the command of a key depends on. */
export interface KeyContext {
  readonly state: State;
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
}
