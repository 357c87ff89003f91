import type { State } from '../../src/store/state.ts';
import { KEYS } from '../../src/tui/keymap.ts';
import { type KeyContext, keyContext } from '../../src/tui/keys/context.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import { ShownEvents } from '../../src/view/panes/shown-events.ts';

/** Returns the context of a key in a state, on a screen without room for panes unless the state has a size. */
export function contextOf(state: State): KeyContext {
  const [order, events] = [new RowOrder(), new ShownEvents()];
  order.update(state);
  events.update(state);
  return keyContext(state, { order, events }, KEYS);
}
