import type { Socket } from '../../../src/model/socket.ts';
import type { State } from '../../../src/store/state.ts';
import { actionOf } from '../../../src/tui/keymap.ts';
import { after, baseline, emptyState } from '../../helpers/fakes.ts';
import { contextOf } from '../../helpers/key-context.ts';
import { placed } from '../../helpers/lines.ts';

/** Returns the action of a key while the first line of the table is selected. */
export function press(key: string, state: State, character?: string) {
  return actionOf({ ...contextOf(state), columns: placed('process', 'localPort', 'state') }, key, character);
}

/** Returns a state with these sockets. */
export const withSockets = (...sockets: Socket[]) => after(emptyState(), baseline(sockets));
/** Returns a state with an open prompt for the query. */
export const typing = (state = emptyState()) => after(state, { type: 'prompt', kind: 'query', text: '' });
