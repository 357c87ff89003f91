import type { KeyHelp } from '../../view/header/key-help.ts';
import type { Row } from '../../store/row.ts';
import type { Action } from '../../store/actions.ts';
import { PROMPTS } from '../../store/prompts.ts';
import type { GroupBy, PromptKind } from '../../store/state.ts';
import type { Unit } from '../../view/panes/pane.ts';
import type { KeyContext } from './context.ts';

/** An action of the user with its default keys. The configuration can give it others. */
export interface Binding extends Omit<KeyHelp, 'label'> {
  /** True if it must have a key: without one, the user could not leave netpane or close a prompt. */
  readonly needsKey?: true;
  /** True if its keys also act while a prompt or a question is open, unless they type a character. */
  readonly always?: true;
  /** How far it moves a cursor; only for actions that move it up and down. */
  readonly step?: { readonly by: 1 | -1; readonly unit: Unit };
  /** @param index which of the keys was pressed */
  readonly run: (context: KeyContext, index: number) => Action;
}

export const rowOf = ({ item }: KeyContext): Row | undefined => (item?.type === 'row' ? item.row : undefined);

/** Shows a message, such as why a key does nothing. */
export const say = (text: string): Action => ({ type: 'message', message: { text, isError: false } });

/** The grouping of each of these prompts: with it, the prompt offers the value that the selected group shares. */
const GROUPED_BY: Partial<Record<PromptKind, GroupBy>> = { port: 'port', process: 'process', netns: 'ns' };

/** Returns the `run` of a key that opens a prompt, which offers a value of the selected row, or of the selected group. */
export const ask =
  (kind: PromptKind) =>
  (context: KeyContext): Action => {
    const { state, item } = context;
    const isOfGroup = item?.type === 'group' && state.group !== null && GROUPED_BY[kind] === state.group;
    const row = isOfGroup ? item.first : rowOf(context);
    const socket = context.socket ?? row?.socket;
    const text = PROMPTS[kind].prefill({ state, socket, direction: row?.direction });
    return { type: 'prompt', kind, text };
  };
