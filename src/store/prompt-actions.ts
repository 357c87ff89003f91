import type { Query } from '../query/query.ts';
import { editPrompt, pastedText } from './prompt-editing.ts';
import { PROMPTS, queryOfPrompt, withCancelled } from './prompts.ts';
import type { Prompt, PromptKind, State } from './state.ts';

export const openPrompt = (kind: PromptKind, text: string, before: Query): Prompt => ({
  kind,
  text,
  cursor: text.length,
  untouched: text !== '' && !PROMPTS[kind].keepsPrefill,
  before,
});

/**
 * Applies the text of a prompt while it is typed, if the prompt has a preview or filters; others act only when they are
 * accepted. While a query is invalid, or a host name in it has no addresses, the query before stays.
 */
export function preview(state: State, prompt: Prompt): State {
  const row = PROMPTS[prompt.kind];
  if (row.preview) return { ...row.preview(state, prompt.text), prompt };
  if (!row.filtersWhileTyping) return { ...state, prompt };
  const result = queryOfPrompt(prompt);
  if ('problem' in result) return { ...state, prompt: { ...prompt, problem: result.problem } };
  const { query } = result;
  const isWaiting = query.hosts.some((name) => state.lookups.hosts.get(name)?.type !== 'addresses');
  return isWaiting
    ? { ...state, prompt: { ...prompt, waiting: query } }
    : { ...state, prompt: { ...prompt, waiting: undefined }, query };
}

/** Puts pasted text into the open prompt, or into that of the query. */
export function paste(state: State, text: string): State {
  const prompt =
    state.prompt ??
    openPrompt(
      'query',
      PROMPTS.query.prefill({ state, socket: undefined, direction: undefined }),
      state.query,
    );
  return preview(state, editPrompt(prompt, { type: 'insert', text: pastedText(text) }));
}

/** Opens the prompt of a file again after it was not saved, or shows why if another prompt is open. */
export const reopenSave = (state: State, text: string, why: string): State =>
  state.prompt
    ? { ...state, message: { text: why, isError: true } }
    : { ...state, prompt: { ...openPrompt('save', text, state.query), untouched: false, error: why } };

/** Closes the prompt and applies its text, or shows why it is not accepted. */
export const acceptPrompt = (state: State, prompt: Prompt): State =>
  PROMPTS[prompt.kind].accept(state, prompt);

/** Closes the prompt and takes back what its text has changed. */
export function cancelPrompt(state: State, { kind, before }: Prompt): State {
  const shown = PROMPTS[kind].preview?.(state, '') ?? state;
  return { ...withCancelled(shown, kind), query: before };
}
