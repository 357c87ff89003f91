import type { Query } from '../query/query.ts';
import { addToHistory, queryOfPrompt } from './prompt.ts';
import type { Prompt, PromptKind, State } from './state.ts';
import { isBuiltIn, viewFromState, withView } from './views.ts';

export const openPrompt = (kind: PromptKind, text: string, before: Query): Prompt => ({
  kind,
  text,
  cursor: text.length,
  untouched: text !== '' && kind !== 'query',
  before,
});

/** Applies a query while it is typed, whenever the text is valid. Other prompts act only when they are accepted. */
export function preview(state: State, prompt: Prompt): State {
  if (prompt.kind !== 'query') return { ...state, prompt };
  const result = queryOfPrompt(prompt);
  return 'query' in result
    ? { ...state, prompt, query: result.query }
    : { ...state, prompt: { ...prompt, problem: result.problem } };
}

/** Closes the prompt and applies its text, or shows why it is not accepted. */
export function acceptPrompt(state: State, prompt: Prompt): State {
  if (prompt.kind === 'save') return { ...state, prompt: null };
  if (prompt.kind === 'view') return saveView(state, prompt);
  const result = queryOfPrompt(prompt);
  if ('problem' in result) {
    const { problem } = result;
    return { ...state, prompt: { ...prompt, problem, error: problem.message } };
  }
  const { query } = result;
  return { ...state, prompt: null, query, history: addToHistory(state.history, query.text) };
}

/** Saves the present view under the name in the prompt. */
function saveView(state: State, prompt: Prompt): State {
  const name = prompt.text.trim();
  if (isBuiltIn(name))
    return {
      ...state,
      prompt: { ...prompt, error: `"${name}" is a built-in view: choose another name` },
    };
  if (name === '') return { ...state, prompt: null };
  return {
    ...state,
    prompt: null,
    views: withView(state.views, viewFromState(state, name)),
    message: { text: `saved view "${name}"`, isError: false },
  };
}
