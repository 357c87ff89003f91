import type { Filter } from '../query/filter.ts';
import type { Edit } from './actions.ts';
import type { Prompt } from './state.ts';

/** Length in UTF-16 units of the character that ends, or begins, at `cursor`. */
const sizeBefore = (text: string, cursor: number): number =>
  cursor === 0 ? 0 : (Array.from(text.slice(0, cursor)).at(-1)?.length ?? 0);
const sizeAfter = (text: string, cursor: number): number =>
  String.fromCodePoint(text.codePointAt(cursor) ?? 0).length * Number(cursor < text.length);

const splice = (prompt: Prompt, from: number, to: number, text: string): Prompt => {
  const { error: _, ...rest } = prompt;
  return {
    ...rest,
    text: prompt.text.slice(0, from) + text + prompt.text.slice(to),
    cursor: from + text.length,
    untouched: false,
  };
};

/** The prompt after one edit. */
export function editPrompt(prompt: Prompt, edit: Edit): Prompt {
  const { text, cursor, untouched } = prompt;
  switch (edit.type) {
    case 'insert':
      return untouched
        ? splice(prompt, 0, text.length, edit.text)
        : splice(prompt, cursor, cursor, edit.text);
    case 'delete': {
      // What was filled in goes as a whole, as selected text would.
      if (untouched) return splice(prompt, 0, text.length, '');
      if (edit.what === 'after') return splice(prompt, cursor, cursor + sizeAfter(text, cursor), '');
      const from = {
        before: cursor - sizeBefore(text, cursor),
        word: text.slice(0, cursor).search(/\S+\s*$/),
        'to-start': 0,
      }[edit.what];
      return splice(prompt, Math.max(0, from), cursor, '');
    }
    case 'move': {
      const to = {
        left: cursor - sizeBefore(text, cursor),
        right: cursor + sizeAfter(text, cursor),
        start: 0,
        end: text.length,
      }[edit.to];
      return { ...prompt, cursor: to, untouched: false };
    }
  }
}

/**
 * The filter that the prompt asks for, on top of the one before it. An empty answer takes the condition away.
 * @returns an error, in words, where the text is not an answer
 */
export function filterOfPrompt({ kind, text, before }: Prompt): { filter: Filter } | { error: string } {
  const answer = text.trim();
  const { [kind]: _, ...rest } = before;
  if (answer === '') return { filter: rest };
  if (kind !== 'port') return { filter: { ...rest, [kind]: answer } };
  const port = parsePort(answer);
  return port === undefined
    ? { error: `'${answer}' is no port: a number from 0 to 65535 is wanted` }
    : { filter: { ...rest, port } };
}

/** A port number; undefined for anything but 0 to 65535. */
const parsePort = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined;
