import type { KeyHelp } from '../../view/header/key-help.ts';
import type { Row } from '../../store/row.ts';
import type { Action } from '../../store/actions.ts';
import { PROMPTS } from '../../store/prompts.ts';
import type { PromptKind } from '../../store/state.ts';
import type { KeyContext } from './context.ts';

export interface Binding extends KeyHelp {
  /** Names as blessed gives them. */
  readonly keys: readonly string[];
  /** @param name the key that was pressed, one of `keys` */
  readonly run: (context: KeyContext, name: string) => Action;
}

export const rowOf = ({ item }: KeyContext): Row | undefined => (item?.type === 'row' ? item.row : undefined);

/** Shows a message, such as why a key does nothing. */
export const say = (text: string): Action => ({ type: 'message', message: { text, isError: false } });

/** Returns what a key does that opens a prompt. */
export const ask =
  (kind: PromptKind) =>
  (context: KeyContext): Action => {
    const { state, socket } = context;
    const text = PROMPTS[kind].prefill({ state, socket, direction: rowOf(context)?.direction });
    return { type: 'prompt', kind, text };
  };
