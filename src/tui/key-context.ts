import type { Socket } from '../model/socket.ts';
import type { Focus, State } from '../store/state.ts';
import type { Item } from '../view/groups.ts';
import type { PlacedColumn } from '../view/place.ts';

/** What a key may depend on. */
export interface KeyContext {
  readonly state: State;
  /** What the selection is on; undefined where the keys move in the event log. */
  readonly item: Item | undefined;
  /** The socket of the selected row, or that of the event under the cursor where the keys move in the log. */
  readonly socket: Socket | undefined;
  /** What the keys move in. */
  readonly focus: Focus;
  /** Columns on the screen, in their order. */
  readonly columns: readonly PlacedColumn[];
  /** The group of the selection, by the id of its header. */
  readonly groupId: string | undefined;
}
