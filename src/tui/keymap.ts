import type { Action } from '../store/actions.ts';
import type { Binding } from './keys/binding.ts';
import type { KeyContext } from './keys/context.ts';
import { COPY_KEYS } from './keys/copy.ts';
import { DISPLAY_KEYS } from './keys/display.ts';
import { FILTER_KEYS } from './keys/filter.ts';
import { HEADER_KEYS } from './keys/header.ts';
import { listActionOf } from './keys/lists.ts';
import { MOVE_KEYS } from './keys/move.ts';
import { PANE_KEYS } from './keys/panes.ts';
import { PROGRAM_KEYS } from './keys/program.ts';
import { promptActionOf } from './keys/prompt.ts';
import { VIEW_KEYS } from './keys/views.ts';

/** Every key outside prompts and lists. The help and the hints show it. */
export const KEYS: readonly Binding[] = [
  ...FILTER_KEYS,
  ...VIEW_KEYS,
  ...DISPLAY_KEYS,
  ...HEADER_KEYS,
  ...PANE_KEYS,
  ...MOVE_KEYS,
  ...COPY_KEYS,
  ...PROGRAM_KEYS,
];

const BY_KEY = new Map(KEYS.flatMap((binding) => binding.keys.map((key) => [key, binding])));

/**
 * Returns the action of a key in the current state; undefined if the key does nothing.
 * @param name the key as blessed names it: `p`, `S-p` for P, `C-c`, `pageup`
 * @param character the text that the key types, if any
 */
export function actionOf(
  context: KeyContext,
  name: string,
  character: string | undefined,
): Action | undefined {
  if (context.state.prompt) return promptActionOf(context, name, character);
  const inList = context.state.list && listActionOf(context, context.state.list, name);
  return inList ?? BY_KEY.get(name)?.run(context, name);
}
