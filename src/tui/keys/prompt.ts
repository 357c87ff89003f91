import type { Action, Edit } from '../../store/actions.ts';
import { PROMPTS } from '../../store/prompts.ts';
import type { KeyContext } from './context.ts';

/** Keys that edit the text of a prompt. */
const EDITS: Readonly<Record<string, Edit>> = {
  backspace: { type: 'delete', what: 'before' },
  'C-h': { type: 'delete', what: 'before' },
  delete: { type: 'delete', what: 'after' },
  'C-d': { type: 'delete', what: 'after' },
  'C-w': { type: 'delete', what: 'word' },
  'C-u': { type: 'delete', what: 'to-start' },
  left: { type: 'move', to: 'left' },
  right: { type: 'move', to: 'right' },
  home: { type: 'move', to: 'start' },
  'C-a': { type: 'move', to: 'start' },
  end: { type: 'move', to: 'end' },
  'C-e': { type: 'move', to: 'end' },
};

const ACTIONS: Readonly<Record<string, Action>> = {
  escape: { type: 'cancel-prompt' },
  'C-c': { type: 'cancel-prompt' },
  'C-z': { type: 'suspend' },
  up: { type: 'recall', by: -1 },
  down: { type: 'recall', by: 1 },
  tab: { type: 'complete', by: 1 },
  'S-tab': { type: 'complete', by: -1 },
};

/** Accepts the answer of the prompt. */
function accept({ state, order }: KeyContext): Action {
  if (!state.prompt || !PROMPTS[state.prompt.kind].takesSockets) return { type: 'accept-prompt' };
  // Closed sockets are left out: the export formats have no field for it.
  const open = order.rows().filter(({ mark }) => mark !== 'closed');
  return { type: 'accept-prompt', sockets: open.map(({ socket }) => socket) };
}

/** Returns the action of a key while a prompt is open. Parameters as in `actionOf`. */
export function promptActionOf(
  context: KeyContext,
  name: string,
  character: string | undefined,
): Action | undefined {
  const edit = Object.hasOwn(EDITS, name) ? EDITS[name] : undefined;
  if (edit) return { type: 'edit', edit };
  if (name === 'enter' || name === 'linefeed') return accept(context);
  if (Object.hasOwn(ACTIONS, name)) return ACTIONS[name];
  // Control characters are not typed. An alt key has a name and no character.
  const types = character !== undefined && !/\p{Cc}/u.test(character);
  return types ? { type: 'edit', edit: { type: 'insert', text: character } } : undefined;
}
