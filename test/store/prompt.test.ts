import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Edit } from '../../src/store/actions.ts';
import { editPrompt, filterOfPrompt } from '../../src/store/prompt.ts';
import type { Prompt } from '../../src/store/state.ts';
import { isWellFormed } from '../helpers/lines.ts';

/** A prompt with `|` where the cursor is. */
function prompt(text: string, fields: Partial<Prompt> = {}): Prompt {
  const cursor = text.indexOf('|');
  return { kind: 'text', text: text.replace('|', ''), cursor, untouched: false, before: {}, ...fields };
}

const show = ({ text, cursor }: Prompt) => `${text.slice(0, cursor)}|${text.slice(cursor)}`;

const insert = (text: string): Edit => ({ type: 'insert', text });
const remove = (what: 'before' | 'after' | 'word' | 'to-start'): Edit => ({ type: 'delete', what });
const move = (to: 'left' | 'right' | 'start' | 'end'): Edit => ({ type: 'move', to });

describe('editing', () => {
  test.each<[string, Edit, string]>([
    ['ab|cd', insert('x'), 'abx|cd'],
    ['|', insert('日本'), '日本|'],
    ['ab|cd', remove('before'), 'a|cd'],
    ['|cd', remove('before'), '|cd'],
    ['ab|cd', remove('after'), 'ab|d'],
    ['ab|', remove('after'), 'ab|'],
    ['one two|three', remove('word'), 'one |three'],
    ['one two  |', remove('word'), 'one |'],
    ['  |x', remove('word'), '|x'],
    ['|x', remove('word'), '|x'],
    ['one two|three', remove('to-start'), '|three'],
    ['ab|', move('left'), 'a|b'],
    ['|ab', move('left'), '|ab'],
    ['a|b', move('right'), 'ab|'],
    ['ab|', move('right'), 'ab|'],
    ['a|b', move('start'), '|ab'],
    ['a|b', move('end'), 'ab|'],
    // A character beyond the 16 bits is one character.
    ['😀|', remove('before'), '|'],
    ['|😀x', remove('after'), '|x'],
    ['😀|', move('left'), '|😀'],
    ['|😀', move('right'), '😀|'],
  ])('%s, %o', (before, edit, after) => {
    expect(show(editPrompt(prompt(before), edit))).toBe(after);
  });

  test('what was filled in is replaced by typing, and removed as a whole', () => {
    const filled = prompt('443|', { untouched: true });
    expect(editPrompt(filled, insert('8'))).toMatchObject({ text: '8', cursor: 1, untouched: false });
    expect(show(editPrompt(filled, remove('before')))).toBe('|');
    expect(show(editPrompt(filled, remove('word')))).toBe('|');
  });

  test('what was filled in is kept once the cursor moves', () => {
    const moved = editPrompt(prompt('443|', { untouched: true }), move('end'));
    expect(show(editPrompt(moved, insert('1')))).toBe('4431|');
  });

  test('an edit takes the error away', () => {
    expect(editPrompt(prompt('x|', { error: 'no' }), insert('1'))).not.toHaveProperty('error');
    expect(editPrompt(prompt('x|', { error: 'no' }), remove('before'))).not.toHaveProperty('error');
  });

  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3 }).map(insert),
    fc.constantFrom('before', 'after', 'word', 'to-start').map((what) => remove(what as 'before')),
    fc.constantFrom('left', 'right', 'start', 'end').map((to) => move(to as 'left')),
  );

  test('whatever is done: the cursor stays in the text, and no character is cut in two', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.boolean(),
        fc.array(edit),
        (text, untouched, edits) => {
          let now: Prompt = { kind: 'text', text, cursor: text.length, untouched, before: {} };
          for (const it of edits) {
            now = editPrompt(now, it);
            expect(now.cursor).toBeGreaterThanOrEqual(0);
            expect(now.cursor).toBeLessThanOrEqual(now.text.length);
            expect(isWellFormed(now.text)).toBe(true);
            expect(isWellFormed(now.text.slice(0, now.cursor))).toBe(true);
          }
        },
      ),
    );
  });
});

describe('the answer', () => {
  const before = { protocol: 'tcp', port: 22, process: 'sshd', text: 'old' } as const;

  test.each([
    [
      { kind: 'port', text: '443' },
      { ...before, port: 443 },
    ],
    [
      { kind: 'port', text: ' 0 ' },
      { ...before, port: 0 },
    ],
    [
      { kind: 'port', text: '65535' },
      { ...before, port: 65535 },
    ],
    [
      { kind: 'process', text: ' node ' },
      { ...before, process: 'node' },
    ],
    [
      { kind: 'text', text: 'two words' },
      { ...before, text: 'two words' },
    ],
    [
      { kind: 'port', text: '' },
      { protocol: 'tcp', process: 'sshd', text: 'old' },
    ],
    [
      { kind: 'process', text: '  ' },
      { protocol: 'tcp', port: 22, text: 'old' },
    ],
    [
      { kind: 'text', text: '' },
      { protocol: 'tcp', port: 22, process: 'sshd' },
    ],
  ] as const)('%o', ({ kind, text }, filter) => {
    expect(filterOfPrompt(prompt(`${text}|`, { kind, before }))).toEqual({ filter });
  });

  test.each(['65536', '-1', 'http', '4 4', '1e3', '0x50', '٤٤٣', '999999'])('%s is no port', (text) => {
    expect(filterOfPrompt(prompt(`${text}|`, { kind: 'port' }))).toEqual({
      error: `'${text}' is no port: a number from 0 to 65535 is wanted`,
    });
  });
});
