import type { Action, Edit } from '../../store/actions.ts';
import { PROMPTS } from '../../store/prompts.ts';
import { move } from '../../view/screen.ts';
import type { Binding } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Id of the action that accepts an answer. */
export const ACCEPT = 'prompt-accept';

/** Accepts the answer of the prompt. */
function accept({ state, order }: KeyContext): Action {
  if (!state.prompt || !PROMPTS[state.prompt.kind].takesSockets) return { type: 'accept-prompt' };
  // Closed sockets are left out: the export formats have no field for it.
  const open = order.matchingRows().filter(({ mark }) => mark !== 'closed');
  return { type: 'accept-prompt', sockets: open.map(({ socket }) => socket) };
}

/** Returns what the keys `up` and `down` do: they choose a command, scroll the help, or recall an earlier query. */
const goBy =
  (by: 1 | -1) =>
  (context: KeyContext): Action =>
    scroll(context, { by, unit: 'row' }) ?? { type: 'recall', by };

/** Returns the action that moves in the commands or the help while a prompt filters them; undefined in other prompts. */
function scroll(context: KeyContext, { by, unit }: NonNullable<Binding['step']>): Action | undefined {
  const kind = context.state.prompt?.kind;
  return kind === 'command' || kind === 'help' ? move(context, by, unit) : undefined;
}

const PROMPT = { group: 'While typing', place: 'prompt' } as const;

const editing = (id: string, keys: readonly string[], name: string, edit: Edit): Binding => ({
  ...PROMPT,
  id: `prompt-${id}`,
  keys,
  name,
  about: name,
  run: () => ({ type: 'edit', edit }),
});

/** Keys of the prompts. A key that types a character cannot be one of them. */
export const PROMPT_KEYS: readonly Binding[] = [
  {
    ...PROMPT,
    id: ACCEPT,
    keys: ['enter'],
    name: 'apply the text',
    about: 'apply the text, or run the chosen command',
    needsKey: true,
    run: accept,
  },
  {
    ...PROMPT,
    id: 'prompt-cancel',
    keys: ['esc'],
    name: 'cancel',
    about: 'cancel: what the text has changed is taken back',
    needsKey: true,
    run: () => ({ type: 'cancel-prompt' }),
  },
  {
    ...PROMPT,
    id: 'prompt-complete',
    keys: ['tab'],
    name: 'complete the word',
    about: 'complete the word; again: the next choice',
    run: () => ({ type: 'complete', by: 1 }),
  },
  {
    ...PROMPT,
    id: 'prompt-complete-back',
    keys: ['shift-tab'],
    name: 'previous completion',
    about: 'the previous choice',
    run: () => ({ type: 'complete', by: -1 }),
  },
  {
    ...PROMPT,
    id: 'prompt-earlier',
    keys: ['up', 'ctrl-p'],
    name: 'earlier query',
    about: 'the earlier query of the history, or the command above',
    run: goBy(-1),
  },
  {
    ...PROMPT,
    id: 'prompt-later',
    keys: ['down', 'ctrl-n'],
    name: 'later query',
    about: 'the later query of the history, or the command below',
    run: goBy(1),
  },
  editing('delete-before', ['backspace'], 'delete the character before the cursor', {
    type: 'delete',
    what: 'before',
  }),
  editing('delete-after', ['del', 'ctrl-d'], 'delete the character after the cursor', {
    type: 'delete',
    what: 'after',
  }),
  editing('delete-word', ['ctrl-w'], 'delete the word before the cursor', { type: 'delete', what: 'word' }),
  editing('delete-to-start', ['ctrl-u'], 'delete all before the cursor', {
    type: 'delete',
    what: 'to-start',
  }),
  editing('left', ['left'], 'one character to the left', { type: 'move', to: 'left' }),
  editing('right', ['right'], 'one character to the right', { type: 'move', to: 'right' }),
  editing('start', ['home', 'ctrl-a'], 'go to the start of the text', { type: 'move', to: 'start' }),
  editing('end', ['end', 'ctrl-e'], 'go to the end of the text', { type: 'move', to: 'end' }),
];

/**
 * Returns the action of a key that is in no binding of the prompts: it types its character, or scrolls. Undefined if it
 * does nothing.
 * @param binding the binding of the key in the table
 */
export function typed(
  context: KeyContext,
  binding: Binding | undefined,
  character: string | undefined,
): Action | undefined {
  // Control characters are not typed. An alt key has a name and no character.
  if (character !== undefined && !/\p{Cc}/u.test(character))
    return { type: 'edit', edit: { type: 'insert', text: character } };
  return binding?.step && scroll(context, binding.step);
}
