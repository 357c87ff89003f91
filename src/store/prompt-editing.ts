import { complete } from '../query/complete.ts';
import { MAX_QUERY_LENGTH } from '../query/grammar.ts';
import type { Values } from '../query/values.ts';
import type { Edit } from './actions.ts';
import { PROMPTS } from './prompts.ts';
import type { Prompt } from './state.ts';

/** Returns the length of the character before the cursor, UTF-16 units; 0 at the start of the text. */
const sizeBefore = (text: string, cursor: number): number =>
  cursor === 0 ? 0 : (Array.from(text.slice(0, cursor)).at(-1)?.length ?? 0);

/** Returns the length of the character after the cursor, UTF-16 units; 0 at the end of the text. */
const sizeAfter = (text: string, cursor: number): number =>
  String.fromCodePoint(text.codePointAt(cursor) ?? 0).length * Number(cursor < text.length);

/** Returns pasted text for a prompt: one line, without control characters. */
export const pastedText = (text: string): string =>
  text
    .split(/[\r\n]+/)
    .map((line) =>
      line
        .replaceAll('\t', ' ')
        .replace(/\p{Cc}/gu, '')
        .trim(),
    )
    .filter((line) => line !== '')
    .join(' ');

/** Returns a prompt without error, problem, completion and recalled query. */
const plainPrompt = ({ kind, text, cursor, untouched, before }: Prompt): Prompt => ({
  kind,
  text,
  cursor,
  untouched,
  before,
});

const splice = (prompt: Prompt, from: number, to: number, text: string): Prompt => ({
  ...plainPrompt(prompt),
  text: prompt.text.slice(0, from) + text + prompt.text.slice(to),
  cursor: from + text.length,
  untouched: false,
});

/** Returns the start of the word before the cursor; spaces between word and cursor are skipped. */
function startOfWord(text: string, cursor: number): number {
  let start = text.slice(0, cursor).trimEnd().length;
  while (start > 0 && !/\s/.test(text.charAt(start - 1))) start--;
  return start;
}

/**
 * Maximum length of the text of a prompt, UTF-16 units: each key press takes time in proportion to the text. The limit
 * is above the maximum length of a query, so that a query that is too long can be reported.
 */
const MAX_LENGTH = 2 * MAX_QUERY_LENGTH;

/** Returns the prompt after one edit. */
export function editPrompt(prompt: Prompt, edit: Edit): Prompt {
  const { text, cursor, untouched } = prompt;
  switch (edit.type) {
    case 'insert': {
      const [from, to] = untouched ? [0, text.length] : [cursor, cursor];
      const room = MAX_LENGTH - text.length + to - from;
      if (edit.text.length <= room) return splice(prompt, from, to, edit.text);
      return { ...plainPrompt(prompt), error: `too long: at most ${MAX_LENGTH} characters` };
    }
    case 'delete': {
      // Prefilled text is deleted as a whole, like selected text.
      if (untouched) return splice(prompt, 0, text.length, '');
      if (edit.what === 'after') return splice(prompt, cursor, cursor + sizeAfter(text, cursor), '');
      const from = {
        before: cursor - sizeBefore(text, cursor),
        word: startOfWord(text, cursor),
        'to-start': 0,
      }[edit.what];
      return splice(prompt, from, cursor, '');
    }
    case 'move': {
      const to = {
        left: cursor - sizeBefore(text, cursor),
        right: cursor + sizeAfter(text, cursor),
        start: 0,
        end: text.length,
      }[edit.to];
      return { ...plainPrompt(prompt), cursor: to, untouched: false };
    }
  }
}

/** Returns the prompt with its word completed, or with the next (`by` 1) or previous (-1) choice of a completion. */
export function completePrompt(prompt: Prompt, by: 1 | -1, values: () => Values): Prompt {
  const { completedAfter } = PROMPTS[prompt.kind];
  if (completedAfter === undefined) return prompt;
  const shift = completedAfter.length;
  // After a single choice there is nothing to step through: complete what may follow it.
  const current = prompt.completion && prompt.completion.choices.length > 1 ? prompt.completion : undefined;
  const found = current ?? complete(completedAfter + prompt.text, prompt.cursor + shift, values());
  const { choices, from } = found;
  if (choices.length === 0) return prompt;
  const index = current
    ? (current.index + by + choices.length) % choices.length
    : by === 1
      ? 0
      : choices.length - 1;
  // The previous choice is replaced.
  const start = current ? from : from - shift;
  const end = current ? prompt.cursor : found.to - shift;
  return {
    ...splice(prompt, start, end, choices[index] ?? ''),
    completion: { choices, from: start, to: found.to, index },
  };
}

/**
 * Returns the prompt with an earlier query of the history (`by` -1) or a later one (1). After the newest query comes
 * the typed text again.
 */
export function recall(prompt: Prompt, by: 1 | -1, history: readonly string[]): Prompt {
  if (!PROMPTS[prompt.kind].recallsQueries) return prompt;
  const now = (prompt.recalled ?? 0) - by;
  if (now < 0 || now > history.length) return prompt;
  const typed = prompt.typed ?? prompt.text;
  const text = now === 0 ? typed : (history.at(-now) ?? '');
  return { ...splice(prompt, 0, prompt.text.length, text), recalled: now, typed };
}
