import { complete } from '../query/complete.ts';
import { replaceField } from '../query/edit.ts';
import { LONGEST_QUERY } from '../query/grammar.ts';
import { quoteWord } from '../query/print.ts';
import { type Parsed, parseQuery } from '../query/query.ts';
import type { Values } from '../query/values.ts';
import type { Edit } from './actions.ts';
import type { Prompt, PromptKind } from './state.ts';

/** Length in UTF-16 units of the character that ends, or begins, at `cursor`. */
const sizeBefore = (text: string, cursor: number): number =>
  cursor === 0 ? 0 : (Array.from(text.slice(0, cursor)).at(-1)?.length ?? 0);
const sizeAfter = (text: string, cursor: number): number =>
  String.fromCodePoint(text.codePointAt(cursor) ?? 0).length * Number(cursor < text.length);

/** What is typed, without what was said or offered of it. */
const bare = ({ kind, text, cursor, untouched, before }: Prompt): Prompt => ({
  kind,
  text,
  cursor,
  untouched,
  before,
});

const splice = (prompt: Prompt, from: number, to: number, text: string): Prompt => ({
  ...bare(prompt),
  text: prompt.text.slice(0, from) + text + prompt.text.slice(to),
  cursor: from + text.length,
  untouched: false,
});

/** Returns where the word before the cursor begins, past the spaces between. */
function startOfWord(text: string, cursor: number): number {
  let start = text.slice(0, cursor).trimEnd().length;
  while (start > 0 && !/\s/.test(text.charAt(start - 1))) start--;
  return start;
}

/**
 * A prompt takes no more, UTF-16 units: each character that is pasted is a key, and costs time in proportion to the text.
 * It is more than a query may have, so that a query that is too long can be reported.
 */
const MOST_TYPED = 2 * LONGEST_QUERY;

/** The prompt after one edit. */
export function editPrompt(prompt: Prompt, edit: Edit): Prompt {
  const { text, cursor, untouched } = prompt;
  switch (edit.type) {
    case 'insert': {
      const [from, to] = untouched ? [0, text.length] : [cursor, cursor];
      const room = MOST_TYPED - text.length + to - from;
      return edit.text.length > room ? bare(prompt) : splice(prompt, from, to, edit.text);
    }
    case 'delete': {
      // What was filled in goes as a whole, as selected text would.
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
      return { ...bare(prompt), cursor: to, untouched: false };
    }
  }
}

/** The field of a query that a prompt of a kind is an answer to. */
const FIELDS: Readonly<Partial<Record<PromptKind, 'port' | 'process' | 'ns'>>> = {
  port: 'port',
  process: 'process',
  netns: 'ns',
};

/** The answer as a term of a query, each character in its place: several ports may have spaces between them. */
const termOf = (field: 'port' | 'process' | 'ns', answer: string): string =>
  `${field}:${field === 'port' ? answer.replace(/\s/g, ',') : quoteWord(answer)}`;

/**
 * The query that the prompt asks for: its text, or the one before it with another answer. An empty answer takes the
 * condition away.
 * @returns what is wrong with it where the text is none
 */
export function queryOfPrompt({ kind, text, before }: Pick<Prompt, 'kind' | 'text' | 'before'>): Parsed {
  const field = FIELDS[kind];
  if (field === undefined) return parseQuery(text);
  const answer = text.trim();
  if (answer === '') return replaceField(before, field, undefined);
  const parsed = replaceField(before, field, termOf(field, answer));
  if ('query' in parsed) return parsed;
  const { problem } = parsed;
  return { problem: { ...problem, at: Math.max(0, problem.at - field.length - 1) } };
}

/** The prompt with what its text may go on with, or with the next (`by` 1) or last (-1) of that. */
export function completePrompt(prompt: Prompt, by: 1 | -1, values: () => Values): Prompt {
  const field = FIELDS[prompt.kind];
  if (prompt.kind !== 'query' && field === undefined) return prompt;
  const shift = field === undefined ? 0 : field.length + 1;
  // Where there was one only, it stands there, and what may follow it is asked for.
  const going = prompt.completion && prompt.completion.choices.length > 1 ? prompt.completion : undefined;
  const found =
    going ??
    complete(`${field === undefined ? '' : `${field}:`}${prompt.text}`, prompt.cursor + shift, values());
  const { choices, from } = found;
  if (choices.length === 0) return prompt;
  const index = going
    ? (going.index + by + choices.length) % choices.length
    : by === 1
      ? 0
      : choices.length - 1;
  // What was put there by the one before goes again.
  const start = going ? from : from - shift;
  const end = going ? prompt.cursor : found.to - shift;
  return {
    ...splice(prompt, start, end, choices[index] ?? ''),
    completion: { choices, from: start, to: found.to, index },
  };
}

/** The prompt with a query of before in the place of what was typed; -1 goes back to the one before, 1 on again. */
export function recall(prompt: Prompt, by: 1 | -1, history: readonly string[]): Prompt {
  if (prompt.kind !== 'query') return prompt;
  const now = (prompt.recalled ?? 0) - by;
  if (now < 0 || now > history.length) return prompt;
  const typed = prompt.typed ?? prompt.text;
  const text = now === 0 ? typed : (history.at(-now) ?? '');
  return { ...splice(prompt, 0, prompt.text.length, text), recalled: now, typed };
}

/** So many queries of before are kept. */
const HISTORY = 200;

/** The queries of before with another one, which is the last one now. */
export const remembered = (history: readonly string[], text: string): readonly string[] =>
  text === '' ? history : [...history.filter((it) => it !== text), text].slice(-HISTORY);
