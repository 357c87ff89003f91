import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Edit } from '../../src/store/actions.ts';
import { valuesOf } from '../../src/query/values.ts';
import { addToHistory } from '../../src/store/history.ts';
import { completePrompt, editPrompt, recall } from '../../src/store/prompt-editing.ts';
import { queryOfPrompt } from '../../src/store/prompts.ts';
import type { Prompt, PromptKind } from '../../src/store/state.ts';
import { queryFrom, socket } from '../helpers/fakes.ts';
import { isWellFormed } from '../helpers/lines.ts';

const ALL = queryFrom('');

/** A prompt with `|` where the cursor is. */
function prompt(text: string, fields: Partial<Prompt> = {}): Prompt {
  const cursor = text.indexOf('|');
  return { kind: 'query', text: text.replace('|', ''), cursor, untouched: false, before: ALL, ...fields };
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
    // A surrogate pair is one character.
    ['😀|', remove('before'), '|'],
    ['|😀x', remove('after'), '|x'],
    ['😀|', move('left'), '|😀'],
    ['|😀', move('right'), '😀|'],
  ])('%s, %o', (before, edit, after) => {
    expect(show(editPrompt(prompt(before), edit))).toBe(after);
  });

  test('accepts up to 8,192 characters, more than the longest query', () => {
    const full = prompt(`${'x'.repeat(8191)}|`);
    expect(editPrompt(full, insert('😀')).text).toHaveLength(8191);
    const last = editPrompt(full, insert('y'));
    expect(last.text).toHaveLength(8192);
    expect(editPrompt(last, insert('z'))).toMatchObject({ text: last.text, cursor: 8192 });
    expect(editPrompt({ ...last, untouched: true }, insert('z')).text).toBe('z');
    expect(JSON.stringify(queryOfPrompt(last))).toContain('too long: 8192 characters');
  });

  test('prefilled text is replaced by typing and deleted as a whole', () => {
    const filled = prompt('443|', { untouched: true });
    expect(editPrompt(filled, insert('8'))).toMatchObject({ text: '8', cursor: 1, untouched: false });
    expect(show(editPrompt(filled, remove('before')))).toBe('|');
    expect(show(editPrompt(filled, remove('word')))).toBe('|');
  });

  test('prefilled text is kept once the cursor moves', () => {
    const moved = editPrompt(prompt('443|', { untouched: true }), move('end'));
    expect(show(editPrompt(moved, insert('1')))).toBe('4431|');
  });

  test('an edit removes the error', () => {
    expect(editPrompt(prompt('x|', { error: 'no' }), insert('1'))).not.toHaveProperty('error');
    expect(editPrompt(prompt('x|', { error: 'no' }), remove('before'))).not.toHaveProperty('error');
  });

  const edit: fc.Arbitrary<Edit> = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3 }).map(insert),
    fc.constantFrom('before', 'after', 'word', 'to-start').map((what) => remove(what as 'before')),
    fc.constantFrom('left', 'right', 'start', 'end').map((to) => move(to as 'left')),
  );

  test('any edits keep the cursor within the text, and split no character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.boolean(),
        fc.array(edit),
        (text, untouched, edits) => {
          let now: Prompt = { kind: 'query', text, cursor: text.length, untouched, before: ALL };
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

describe('the query of a prompt', () => {
  const before = queryFrom('proto:tcp :22 process:sshd old');

  test.each<[PromptKind, string, string]>([
    ['port', '443', 'proto:tcp process:sshd old :443'],
    ['port', ' 0 ', 'proto:tcp process:sshd old :0'],
    // Ports of VSOCK have 32 bits.
    ['port', '4294967295', 'proto:tcp process:sshd old :4294967295'],
    ['port', 'https', 'proto:tcp process:sshd old :https'],
    ['port', '8000-8100,22', 'proto:tcp process:sshd old :8000-8100,22'],
    ['port', '80 443', 'proto:tcp process:sshd old :80,443'],
    ['process', ' node ', 'proto:tcp :22 old process:node'],
    ['process', 'two words', 'proto:tcp :22 old process:"two words"'],
    // The answer is a name, not query syntax.
    ['process', 'a) or !"b"', 'proto:tcp :22 old process:"a) or !\\"b\\""'],
    ['netns', 'web', 'proto:tcp :22 process:sshd old ns:web'],
    ['query', 'two words', 'two words'],
    ['port', '', 'proto:tcp process:sshd old'],
    ['process', '  ', 'proto:tcp :22 old'],
    ['netns', '', 'proto:tcp :22 process:sshd old'],
    ['query', '', ''],
  ])('%s %s', (kind, text, query) => {
    expect(queryOfPrompt(prompt(`${text}|`, { kind, before }))).toMatchObject({ query: { text: query } });
  });

  test('replaces only the term of its own field', () => {
    const either = queryFrom('(port:22 or port:80) rport:443');
    expect(queryOfPrompt(prompt('25|', { kind: 'port', before: either }))).toMatchObject({
      query: { text: '(:22 or :80) rport:443 :25' },
    });
  });

  test.each(['4294967296', '-1', '22 or x', 'nosuchservice', '1e3', '0x50', '٤٤٣', '22,', '5-1'])(
    '%s is not a port',
    (text) => {
      const parsed = queryOfPrompt(prompt(`${text}|`, { kind: 'port' }));
      expect(parsed).toMatchObject({
        problem: { message: expect.stringMatching(/port|range|maximum 4294967295/) as string },
      });
    },
  );

  test('a problem has its position in the typed text', () => {
    const problem = (text: string, kind: PromptKind) => {
      const parsed = queryOfPrompt(prompt(`${text}|`, { kind, before }));
      return 'problem' in parsed
        ? text.slice(parsed.problem.at, parsed.problem.at + parsed.problem.length)
        : '';
    };
    expect(problem('22,x,80', 'port')).toBe('x');
    expect(problem('a state:no b', 'query')).toBe('no');
  });
});

describe('completion', () => {
  const values = () =>
    valuesOf([
      socket({ process: 'node', user: 'ana', remote: '203.0.113.80:443' }),
      socket({ process: 'nginx', user: 'www', remote: '203.0.113.9:8443' }),
      socket({ process: 'my tool "x"', user: 'ana' }),
    ]);
  /** Returns the text after these tabs, with `|` at the cursor. */
  const completed = (text: string, tabs: readonly (1 | -1)[] = [1], kind: PromptKind = 'query') =>
    show(tabs.reduce((now, by) => completePrompt(now, by, values), prompt(text, { kind })));

  test.each<[string, string]>([
    ['proce|', 'process:|'],
    ['listen or esta|', 'listen or established|'],
    ['!lo|', '!local:|'],
    ['!loo|', '!loopback|'],
    ['(lis| or new)', '(listen| or new)'],
    ['user:w|', 'user:www|'],
    ['process:no|', 'process:node|'],
    ['@203.0.113.9|', '@203.0.113.9|'],
    ['@203.0.113.8|', '@203.0.113.80|'],
    // A value of several words is quoted, and the rest of the word behind the cursor is replaced.
    ['process:my|', 'process:"my tool \\"x\\""|'],
    ['process:no|xyz new', 'process:node| new'],
    ['port:443,8|', 'port:443,8443|'],
    ['zzz|', 'zzz|'],
  ])('%s', (before, expected) => {
    expect(completed(before)).toBe(expected);
  });

  test('cycles through the choices in both directions, and lists them', () => {
    expect([1, 2, 3].map((n) => completed('process:n|', Array<1>(n).fill(1)))).toEqual([
      'process:nginx|',
      'process:node|',
      'process:nginx|',
    ]);
    expect(completed('process:n|', [-1])).toBe('process:node|');
    expect(completed('process:n|', [1, -1])).toBe('process:node|');
    expect(completePrompt(prompt('process:n|'), 1, values).completion).toMatchObject({
      choices: ['nginx', 'node'],
      index: 0,
    });
  });

  test('after a single choice, the next tab completes what follows', () => {
    expect(completed('use|', [1, 1])).toBe('user:ana|');
    expect(completed('use|', [1, 1, 1])).toBe('user:www|');
    expect(completed('process:no|', [1, 1])).toBe('process:node|');
  });

  test('keeps the text behind the cursor', () => {
    expect(completed('process:n| new', [1, 1])).toBe('process:node| new');
  });

  test('an edit ends the completion, and the next tab starts a new one', () => {
    const offered = completePrompt(prompt('process:n|'), 1, values);
    const edited = editPrompt(offered, remove('word'));
    expect(edited).not.toHaveProperty('completion');
    expect(show(completePrompt(editPrompt(edited, insert('user:')), 1, values))).toBe('user:ana|');
  });

  test('prompts for port, program and namespace complete only values', () => {
    expect(completed('ng|', [1], 'process')).toBe('nginx|');
    expect(completed('|', [1, 1, 1], 'process')).toBe('node|');
    expect(completed('22,84|', [1], 'port')).toBe('22,8443|');
    expect(completed('proce|', [1], 'process')).toBe('proce|');
  });

  test.each<PromptKind>(['save', 'view'])('the prompt %s has no completion', (kind) => {
    const free = prompt('proce|', { kind });
    expect(completePrompt(free, 1, values)).toBe(free);
  });

  test('values are collected once, when they are needed', () => {
    let calls = 0;
    const counted = () => {
      calls++;
      return values();
    };
    const first = completePrompt(prompt('process:n|'), 1, counted);
    completePrompt(first, 1, counted);
    expect(calls).toBe(1);
  });

  test('completes any program name to a valid query, with the cursor within the text', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.constantFrom(1 as const, -1 as const), { minLength: 1, maxLength: 5 }),
        (names, tabs) => {
          const live = () => valuesOf(names.map((process) => socket({ process })));
          const done = tabs.reduce((now, by) => completePrompt(now, by, live), prompt('process:| new'));
          expect(done.cursor).toBeLessThanOrEqual(done.text.length);
          expect(done.text.slice(done.cursor)).toBe(' new');
          if (done.completion) expect(queryOfPrompt(done)).toHaveProperty('query');
        },
      ),
    );
  });
});

describe('history', () => {
  const HISTORY = ['one', 'two', 'three'];
  const up = (now: Prompt) => recall(now, -1, HISTORY);
  const down = (now: Prompt) => recall(now, 1, HISTORY);

  test('goes back from the last query to the oldest', () => {
    const seen = [];
    let now = prompt('ty|ped');
    for (let i = 0; i < 4; i++) seen.push(show((now = up(now))));
    expect(seen).toEqual(['three|', 'two|', 'one|', 'one|']);
  });

  test('goes forward again to the typed text', () => {
    const back = down(down(up(up(prompt('ty|ped')))));
    expect(show(back)).toBe('typed|');
    expect(down(back)).toBe(back);
    expect(show(up(back))).toBe('three|');
  });

  test('an edited query of the history becomes the typed text', () => {
    const edited = editPrompt(up(up(prompt('typed|'))), insert('!'));
    expect(show(edited)).toBe('two!|');
    expect(show(up(edited))).toBe('three|');
    expect(show(down(up(edited)))).toBe('two!|');
  });

  test('does nothing when it is empty, or in other prompts', () => {
    const it = prompt('typed|');
    expect(recall(it, -1, [])).toBe(it);
    const port = prompt('22|', { kind: 'port' });
    expect(up(port)).toBe(port);
  });

  test('has each query once, at its last use, and no empty query', () => {
    expect(addToHistory(HISTORY, 'four')).toEqual(['one', 'two', 'three', 'four']);
    expect(addToHistory(HISTORY, 'one')).toEqual(['two', 'three', 'one']);
    expect(addToHistory(HISTORY, 'three')).toEqual(HISTORY);
    expect(addToHistory(HISTORY, '')).toEqual(HISTORY);
  });

  test('keeps at most 200 queries', () => {
    const many = Array.from({ length: 300 }, (_, i) => String(i)).reduce<readonly string[]>(addToHistory, []);
    expect([many.length, many[0], many.at(-1)]).toEqual([200, '100', '299']);
  });
});
