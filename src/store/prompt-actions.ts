import type { Query } from '../query/query.ts';
import { PROMPTS, queryOfPrompt } from './prompts.ts';
import type { Prompt, PromptKind, State } from './state.ts';

export const openPrompt = (kind: PromptKind, text: string, before: Query): Prompt => ({
  kind,
  text,
  cursor: text.length,
  untouched: text !== '' && !PROMPTS[kind].keepsPrefill,
  before,
});

/** Applies a query while it is typed, whenever the text is valid. Other prompts act only when they are accepted. */
export function preview(state: State, prompt: Prompt): State {
  if (!PROMPTS[prompt.kind].filtersWhileTyping) return { ...state, prompt };
  const result = queryOfPrompt(prompt);
  return 'query' in result
    ? { ...state, prompt, query: result.query }
    : { ...state, prompt: { ...prompt, problem: result.problem } };
}

/** Closes the prompt and applies its text, or shows why it is not accepted. */
export const acceptPrompt = (state: State, prompt: Prompt): State =>
  PROMPTS[prompt.kind].accept(state, prompt);
