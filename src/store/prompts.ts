import { portOrProtocolText } from '../model/services.ts';
import { firstOwner, namespaceName, type Socket } from '../model/socket.ts';
import { replaceField } from '../query/edit.ts';
import { quoteWord } from '../query/print.ts';
import { type Parsed, parseQuery } from '../query/query.ts';
import { withHelpQuery } from './cursor-actions.ts';
import type { Effect } from './effects.ts';
import { signalEffect } from './process-actions.ts';
import { servicePort } from './hide-rules.ts';
import { addToHistory } from './history.ts';
import type { Row } from './row.ts';
import type { Prompt, PromptKind, State } from './state.ts';
import { isBuiltIn, viewFromState, withView } from './views.ts';

/** Keys and what they do, for the line of hints. */
export interface Hint {
  /** Ids of the actions; the first key of each is shown. */
  readonly actions: readonly string[];
  /** One or two words. */
  readonly hint: string;
}

/** Values that a prompt is prefilled from. */
export interface PromptSubject {
  readonly state: State;
  /** Socket of the selected row or event; undefined if none is selected. */
  readonly socket: Socket | undefined;
  /** Direction of the selected row; undefined if it is not known. */
  readonly direction: Row['direction'];
}

/** Everything that belongs to a kind of prompt. A key opens it: `ask` in `tui/keys/binding.ts`. */
export interface PromptRow {
  /** Text before the typed text. */
  readonly label: string;
  readonly hints: readonly Hint[];
  /** Returns the text that the prompt opens with. The first character typed replaces it. */
  readonly prefill: (subject: PromptSubject) => string;
  /** True if typed text is added to the prefilled text instead. */
  readonly keepsPrefill?: true;
  /** True if the text filters while it is typed. */
  readonly filtersWhileTyping?: true;
  /** Shows the text as it is typed; absent if it acts only when it is accepted, or filters. */
  readonly preview?: (state: State, text: string) => State;
  /** True if `up` and `down` recall earlier queries. */
  readonly recallsQueries?: true;
  /** The query field that the answer sets; absent if the text is a whole query, or none. */
  readonly field?: 'port' | 'process' | 'ns';
  /** `tab` completes the text as the end of a query that begins with this; absent if it completes nothing. */
  readonly completedAfter?: string;
  /** Message after `esc`, or after `enter` without a text; absent for a prompt that only filters or runs a command. */
  readonly cancelled?: string;
  /** True if the effects need the sockets that match the query. */
  readonly takesSockets?: true;
  /** Checks the text. Returns the state with the answer and without the prompt, or with the error in the prompt. */
  readonly accept: (state: State, prompt: Prompt) => State;
  /**
   * Returns the effects of an accepted answer.
   * @param sockets those that match the query if `takesSockets` is true, else none
   * @param state without the prompt
   */
  readonly effects?: (prompt: Prompt, sockets: readonly Socket[], state: State) => readonly Effect[];
}

const APPLY: Hint = { actions: ['prompt-accept'], hint: 'apply' };
const CANCEL: Hint = { actions: ['prompt-cancel'], hint: 'cancel' };
const COMPLETE: Hint = { actions: ['prompt-complete'], hint: 'complete' };
const CLEAR: Hint = { actions: ['prompt-delete-to-start'], hint: 'clear' };

const SAVING: readonly Hint[] = [{ actions: ['prompt-accept'], hint: 'save' }, CLEAR, CANCEL];

/** Returns the row of a prompt that sets a field of the query. */
const fieldPrompt = (
  label: string,
  field: NonNullable<PromptRow['field']>,
  prefill: PromptRow['prefill'],
): PromptRow => ({
  label,
  hints: [APPLY, COMPLETE, CLEAR, CANCEL],
  prefill,
  field,
  completedAfter: `${field}:`,
  accept: acceptQuery,
});

/** Every kind of prompt. */
export const PROMPTS: Readonly<Record<PromptKind, PromptRow>> = {
  query: {
    label: '/ ',
    hints: [APPLY, COMPLETE, { actions: ['prompt-earlier'], hint: 'history' }, CLEAR, CANCEL],
    prefill: ({ state: { query } }) => (query.text === '' ? '' : `${query.text} `),
    keepsPrefill: true,
    filtersWhileTyping: true,
    recallsQueries: true,
    completedAfter: '',
    accept: acceptQuery,
  },
  port: fieldPrompt('port: ', 'port', ({ socket, direction }) =>
    socket ? portOrProtocolText(servicePort(socket, direction), socket.protocol) : '',
  ),
  process: fieldPrompt('process: ', 'process', ({ socket }) => (socket && firstOwner(socket).process) ?? ''),
  netns: fieldPrompt('namespace: ', 'ns', ({ socket }) => (socket ? namespaceName(socket) : '')),
  save: {
    label: 'save to: ',
    hints: SAVING,
    prefill: ({ state }) => fileName(state.takenAtMs),
    takesSockets: true,
    cancelled: 'nothing saved',
    accept: (state, { text }) =>
      text.trim() === '' ? withCancelled(state, 'save') : { ...state, prompt: null },
    effects: ({ text }, sockets) =>
      text.trim() === '' ? [] : [{ type: 'save', path: text.trim(), sockets }],
  },
  view: {
    label: 'save the view as: ',
    hints: SAVING,
    prefill: () => '',
    cancelled: 'no view saved',
    accept: saveView,
  },
  command: {
    label: ': ',
    hints: [
      { actions: ['prompt-accept'], hint: 'run' },
      { actions: ['prompt-earlier', 'prompt-later'], hint: 'choose' },
      CLEAR,
      CANCEL,
    ],
    prefill: () => '',
    // Called only if no command matches: else enter runs the chosen command.
    accept: (state, prompt) => ({ ...state, prompt: { ...prompt, error: 'no action matches' } }),
  },
  help: {
    label: 'find in the help: ',
    hints: [
      { actions: ['prompt-accept'], hint: 'keep' },
      CLEAR,
      { actions: ['prompt-cancel'], hint: 'show all' },
    ],
    prefill: ({ state }) => state.helpQuery,
    preview: withHelpQuery,
    accept: (state, { text }) => ({ ...withHelpQuery(state, text.trim()), prompt: null }),
  },
  'confirm-signal': {
    label: 'name of the program: ',
    hints: [{ actions: ['prompt-accept'], hint: 'send' }, CLEAR, CANCEL],
    prefill: () => '',
    cancelled: 'no signal sent',
    accept: confirmSignal,
    effects: (_prompt, _sockets, state) =>
      state.process?.asked ? signalEffect(state, state.process.asked) : [],
  },
};

/** Closes the prompt, with its message about what was not done. */
export function withCancelled(state: State, kind: PromptKind): State {
  const { cancelled } = PROMPTS[kind];
  return {
    ...state,
    prompt: null,
    ...(cancelled !== undefined && { message: { text: cancelled, isError: false } }),
  };
}

/** Closes the prompt if its text is the name of the open process, else shows an error in it. */
function confirmSignal(state: State, prompt: Prompt): State {
  const { process } = state;
  if (process && prompt.text.trim() !== process.facts.name)
    return { ...state, prompt: { ...prompt, error: `type ${process.facts.name} to send it` } };
  return { ...state, prompt: null };
}

/** Returns the default name of a file to save to: `netpane-2026-11-29T120000.csv`. */
const fileName = (atMs: number): string =>
  `netpane-${new Date(atMs).toISOString().slice(0, 19).replaceAll(':', '')}.csv`;

/**
 * Returns an answer as a query term. Each space between ports becomes a comma, so positions in the answer stay valid.
 */
const termOf = (field: NonNullable<PromptRow['field']>, answer: string): string =>
  `${field}:${field === 'port' ? answer.replace(/\s/g, ',') : quoteWord(answer)}`;

/**
 * Returns the query of a prompt: its text, or the query before the prompt with the answer as the term of its field. An
 * empty answer removes that term. Returns a problem, with its position in the text of the prompt, if the text is
 * invalid.
 */
export function queryOfPrompt({ kind, text, before }: Pick<Prompt, 'kind' | 'text' | 'before'>): Parsed {
  const { field } = PROMPTS[kind];
  if (field === undefined) return parseQuery(text);
  const answer = text.trim();
  if (answer === '') return replaceField(before, field, undefined);
  const parsed = replaceField(before, field, termOf(field, answer));
  if ('query' in parsed) return parsed;
  const { problem } = parsed;
  return { problem: { ...problem, at: Math.max(0, problem.at - field.length - 1) } };
}

/** Applies the query of the prompt. */
function acceptQuery(state: State, prompt: Prompt): State {
  const result = queryOfPrompt(prompt);
  if ('problem' in result) {
    const { problem } = result;
    return { ...state, prompt: { ...prompt, problem, error: problem.message } };
  }
  const { query } = result;
  return { ...state, prompt: null, query, history: addToHistory(state.history, query.text) };
}

/** Saves the present view under the name in the prompt; an empty name saves nothing. */
function saveView(state: State, prompt: Prompt): State {
  const name = prompt.text.trim();
  if (isBuiltIn(name))
    return {
      ...state,
      prompt: { ...prompt, error: `"${name}" is a built-in view: choose another name` },
    };
  if (name === '') return withCancelled(state, 'view');
  return {
    ...state,
    prompt: null,
    views: withView(state.views, viewFromState(state, name)),
    message: { text: `saved view "${name}"`, isError: false },
  };
}
