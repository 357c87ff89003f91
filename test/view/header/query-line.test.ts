import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Action } from '../../../src/store/actions.ts';
import { type HostAnswer, NO_LOOKUPS } from '../../../src/store/lookups.ts';
import type { State } from '../../../src/store/state.ts';
import { KEYS } from '../../../src/tui/keymap.ts';
import { promptHelp } from '../../../src/view/header/prompt-line.ts';
import { filterLine, messageRest, type Share, shareText } from '../../../src/view/header/query-line.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { after, baseline, batch, emptyState, queryFrom, socket } from '../../helpers/fakes.ts';
import { HOSTILE, textOf, UNSAFE } from '../../helpers/lines.ts';

const SHARE = { shown: 12, total: 1234, hidden: 0 };
const lineOf = (state: State, width = 120, share: Share = SHARE) =>
  textOf(filterLine(state, KEYS, share, width));

/** Returns the state after typing this into the query, with the cursor at `|` or at the end. */
const typing = (marked: string, ...actions: readonly Action[]): State => {
  const text = marked.replace('|', '');
  const back = marked.includes('|') ? text.length - marked.indexOf('|') : 0;
  return after(
    emptyState(),
    { type: 'prompt', kind: 'query', text: '' },
    { type: 'edit', edit: { type: 'insert', text } },
    ...Array.from({ length: back }, (): Action => ({ type: 'edit', edit: { type: 'move', to: 'left' } })),
    ...actions,
  );
};

const complete = (by: 1 | -1 = 1): Action => ({ type: 'complete', by });

/** Adds a row for each of these programs. */
const programs = (...names: readonly string[]): Action => ({
  type: 'batch',
  batch: baseline(names.map((process) => socket({ id: process, process }))),
  atMs: 0,
});
const PROGRAMS = programs('cupsd', 'curl', 'my app');

describe('the filter line', () => {
  const asking = (text: string, fields: Partial<State> = {}): State => ({
    ...after(emptyState(), batch()),
    query: queryFrom(text),
    ...fields,
  });

  test('shows the query as typed and how many sockets match', () => {
    expect(lineOf(asking('curl   :443'))).toMatch(/^\/ curl {3}:443 .* 12 of 1,234$/);
  });

  test('marks the active view among those with number keys', () => {
    const { spans } = filterLine(asking('listen'), KEYS, SHARE, 120);
    expect(textOf({ spans })).toMatch(/^1 all {2}2 listening {2}3 established .* 12 of 1,234$/);
    expect(spans.filter(({ tone }) => tone === 'strong').map(({ text }) => text)).toEqual(['2 listening']);
    // If few views fit, the query is shown.
    expect(lineOf(asking('listen'), 48)).toMatch(/^\/ listen +12 of 1,234$/);
    expect(lineOf(asking(''), 48)).toMatch(/^all sockets +12 of 1,234$/);
  });

  test('leaves out the last views that do not fit, never the active one', () => {
    expect(lineOf(asking('listen'), 60)).toBe('1 all  2 listening  3 established  4 exposed  …  12 of 1,234');
    expect(lineOf(asking('new'), 60)).toBe('1 all  2 listening  3 established  …  6 new      12 of 1,234');
  });

  test('shortens the words beside the views before the query replaces the views', () => {
    const rows = { top: 10, height: 20, length: 40 };
    const share = { ...SHARE, shown: 40, hidden: 1234, timeWait: 5432, rows };
    const state = asking('listen', { frozen: true });
    expect(lineOf(state, 100, share)).toBe(
      '1 all  2 listening  3 established  …   frozen  1,234 hidden: H  5,432 TIME_WAIT  11–30 · 40 of 1,234',
    );
    expect(lineOf(state, 80, share)).toMatch(/^\/ listen /);
  });

  test('keeps in a narrow line what hides rows rather than which rows are visible, and a query rather than its end', () => {
    const share = { shown: 11, total: 22, hidden: 4, rows: { top: 0, height: 5, length: 12 } };
    const grouped = asking('process:npe2b436', { group: 'process' });
    expect(lineOf(grouped, 48, share)).toBe('/ process:np…  4 hidden: H  1–5 of 12 · 11 of 22');
    expect(lineOf(grouped, 40, share)).toBe('/ process:npe2b4…  4 hidden: H  11 of 22');
  });

  test('a long message takes the whole line, and then the line of the titles', () => {
    const text = 'hidden for good: npe2b436-cli with port 5432';
    const state = asking('curl', { message: { text, isError: true } });
    const rows = { top: 0, height: 9, length: 91 };
    const share = { ...SHARE, hidden: 4, shown: 0, total: 91, rows };
    const rest = (width: number) => {
      const found = messageRest(state, KEYS, share, width);
      return found && textOf(found);
    };
    expect(lineOf(state, 80, share)).toMatch(/^hidden for good: npe2b436-cli with port 5432 .* of 91$/);
    expect(lineOf(state, 54, share)).toBe(`${text}   0 of 91`);
    expect([lineOf(state, 44, share), rest(80), rest(44)]).toEqual([text, undefined, undefined]);
    expect([lineOf(state, 40, share), rest(40)]).toEqual(['hidden for good: npe2b436-cli with port', '5432']);
    expect(messageRest(state, KEYS, share, 40)?.spans).toEqual([{ text: '5432', tone: 'error' }]);
    expect(lineOf(state, 20, share)).toBe('hidden for good:');
    expect(rest(20)).toBe('npe2b436-cli with p…');
    expect(messageRest({ ...state, message: null }, KEYS, share, 40)).toBeUndefined();
  });

  test('says which rows are visible if the table has more, in fewer words where there is less room', () => {
    const rows = { top: 19, height: 19, length: 1234 };
    const all = { ...SHARE, shown: 1234, rows };
    expect(lineOf(asking(''), 120, all)).toMatch(/^1 all .* 6 new +rows 20–38 of 1,234$/);
    const last = { ...all, rows: { ...rows, top: 1215 } };
    expect(lineOf(asking(''), 80, last)).toBe(
      '1 all  2 listening  3 established  4 exposed  5 talkers  6 new    1216–1234/1234',
    );
    expect(lineOf(asking('curl'), 80, { ...SHARE, shown: 40, rows: { ...rows, length: 40 } })).toMatch(
      /^\/ curl +rows 20–38 · 40 of 1,234$/,
    );
    expect(
      lineOf(asking('curl', { group: 'process' }), 80, { ...SHARE, rows: { ...rows, length: 52 } }),
    ).toMatch(/^\/ curl +by process  lines 20–38 of 52 · 12 of 1,234$/);
    // All rows are visible.
    expect(lineOf(asking(''), 120, { ...all, rows: { ...rows, top: 0, height: 2000 } })).toMatch(
      /6 new +1,234 of 1,234$/,
    );
  });

  test('counts closed rows among the rows, but not among the open sockets', () => {
    const rows = { top: 0, height: 19, length: 23 };
    const wide = lineOf(asking('curl'), 120, { shown: 14, total: 50, hidden: 0, rows });
    expect(wide).toMatch(/^\/ curl +rows 1–19 of 23 · 14 of 50 open$/);
    const narrow = (shown: number) => lineOf(asking('curl'), 32, { shown, total: 50, hidden: 0, rows });
    expect(narrow(14)).toMatch(/^\/ curl +1–19 of 23$/);
    expect(narrow(20)).toMatch(/^\/ curl +1–19 · 20 of 50$/);
    const share = { shown: 19, total: 416, hidden: 0, rows: { top: 0, height: 10, length: 20 } };
    expect(lineOf(asking('listen'), 60, share)).toMatch(/^1 all {2}2 listening .* 1–10 · 19 of 416$/);
    const visible = lineOf(asking('curl'), 120, {
      shown: 0,
      total: 50,
      hidden: 0,
      rows: { ...rows, length: 8 },
    });
    expect(visible).toMatch(/^\/ curl +0 of 50 open$/);
    const all = lineOf(asking('curl'), 120, { shown: 14, total: 14, hidden: 0, rows });
    expect(all).toMatch(/^\/ curl +rows 1–19 of 23$/);
  });

  test('reports a slow regex, before the end of a long query', () => {
    const slow = { ...SHARE, tooSlow: '(a|\u001b[2J)+' };
    expect(lineOf(asking('/(a|b)+/'), 120, slow)).toContain(
      '/(a|?[2J)+/ is too slow: some matches may be missing',
    );
    expect(lineOf(asking('x'.repeat(200)), 60, slow)).toContain('regex too slow');
  });

  test('counts the sockets hidden by hide rules', () => {
    for (const width of [40, 60, 80, 120, 200])
      expect(lineOf(asking(''), width, { ...SHARE, hidden: 3 })).toMatch(/3 hidden/);
    expect(lineOf(asking(''), 120, { ...SHARE, hidden: 3 })).toContain('3 hidden by you: H');
    expect(lineOf(asking(''))).not.toContain('hidden');
  });

  test('shows a pause, a frozen order and groups', () => {
    const state = after(
      { ...asking('a'), group: 'host', frozen: true },
      { type: 'pause' },
      batch({ monotonicMs: 2000, spawned: [socket()] }),
    );
    expect(lineOf(state)).toContain('paused  +1 ~0 −0 since  order frozen  by remote host  12 of 1,234');
    expect(lineOf(state, 40)).toMatch(/paused {2}\+1 ~0 −0 .*12 of 1,234$/);
  });

  test('shows the addresses of host names in the query', () => {
    const lineWith = (answer: HostAnswer): string =>
      lineOf(after(asking('@db.example'), { type: 'host', name: 'db.example', answer }));
    expect(lineOf(asking('@db.example'))).not.toMatch(/db\.example.*db\.example/);
    expect(lineWith({ type: 'pending' })).toContain('db.example: looking up …');
    expect(lineWith({ type: 'addresses', addresses: ['10.0.0.1'] })).toContain('db.example = 10.0.0.1  ');
    expect(lineWith({ type: 'addresses', addresses: ['10.0.0.1', '::1', '::2'] })).toContain('= 10.0.0.1 +2');
    expect(lineWith({ type: 'addresses', addresses: [] })).toContain('db.example = no address');
    expect(lineWith({ type: 'failed', why: 'no such host' })).toContain('db.example: no such host');
  });

  test('shows a message until the next key', () => {
    const said = (isError: boolean) =>
      filterLine(asking('listen', { message: { text: 'copied', isError } }), KEYS, SHARE, 120);
    expect(textOf(said(false))).toMatch(/^copied +12 of 1,234$/);
    expect(said(true).spans.some(({ tone }) => tone === 'error')).toBe(true);
  });

  test('is printable and fits in the pane, for any content', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'grapheme' })),
        fc.integer({ min: 30, max: 200 }),
        fc.nat(9),
        (text, width, hidden) => {
          const state: State = {
            ...asking(''),
            query: { ...queryFrom('a'), text, hosts: [text] },
            lookups: { ...NO_LOOKUPS, hosts: new Map([[text, { type: 'failed', why: text }]]) },
            group: 'user',
          };
          const line = lineOf(state, width, { ...SHARE, hidden });
          expect(line).not.toMatch(UNSAFE);
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('the line below the prompt', () => {
  const below = (marked: string, width = 100): string =>
    textOf(promptHelp(typing(marked), shareText(SHARE), width) ?? { spans: [] }).trimEnd();

  test.each([
    // The mark is below the mistake; the label of the prompt has two cells.
    [
      'port:80,nope x',
      "          ^^^^ unknown service 'nope'; expected ports: 443, https, 8000-8100 or 80,443",
    ],
    [
      'foo>5 x',
      "  ^^^ cannot compare 'foo' (only age, rx, tx, bytes, rx/s, tx/s, rate, rtt, recvq, sendq, queue…",
    ],
    ['a) b', '   ^ unmatched )'],
    [
      '日本 age>x y',
      "           ^ bad value 'x' for age; expected a duration such as 500ms, 10s, 5m, 2h, 1d",
    ],
    ['a or or b', '       ^^ expected a term before \'or\'; to search for the word, quote it: "or"'],
  ])('%s', (text, expected) => {
    const line = below(text, 160);
    expect(line.startsWith(expected.replace(/…$/, ''))).toBe(true);
  });

  test('shows no mistake for unfinished text', () => {
    for (const text of ['', 'port:', 'a or', '(a', '"abc', '/x', 'age>', '!', 'tx/s>  '])
      expect(promptHelp(typing(text), shareText(SHARE), 100)).toBeUndefined();
    expect(promptHelp(emptyState(), shareText(SHARE), 100)).toBeUndefined();
  });

  test('shows it as a mistake after enter', () => {
    const done = after(typing('port:'), { type: 'accept-prompt' });
    expect(textOf(promptHelp(done, shareText(SHARE), 100))).toBe(
      '       ^ expected ports: port:443, port:https, port:8000-8100',
    );
  });

  test('puts the message before the mark if there is more room, and cuts it if neither side is enough', () => {
    expect(below(`${'a '.repeat(29)}a() x`, 80)).toBe(
      `${' '.repeat(62 - 1 - 'expected a term before )'.length)}expected a term before ) ^`,
    );
    expect(below('port:nope', 20)).toBe('    ^^^^ unknown se…');
  });

  test('keeps the mark below the mistake when the start of the text is cut off', () => {
    for (let width = 20; width < 120; width++) {
      const state = typing(`${'word '.repeat(20)}age>x y`);
      const text = textOf(filterLine(state, KEYS, SHARE, width));
      const at = textOf(promptHelp(state, shareText(SHARE), width)).indexOf('^');
      if (at >= 0) expect(text[at]).toBe('x');
    }
  });

  test('marks the mistake in the typed text at every width', () => {
    for (const width of [20, 40, 120]) {
      const { spans } = filterLine(typing('age>soon y'), KEYS, SHARE, width);
      expect(spans.filter(({ tone }) => tone === 'error').map(({ text }) => text)).toContain('soon');
    }
  });

  test('an error without a place in the text is below it; in the line itself if there is no room below', () => {
    const failed: Action = { type: 'save-failed', text: 'a.csv', why: 'the disk is full' };
    const saving = after(emptyState(), failed);
    expect(textOf(promptHelp(saving, shareText(SHARE), 80) ?? { spans: [] })).toBe('  the disk is full');
    expect(lineOf(saving, 80)).toMatch(/^save to: a\.csv +12 of 1,234$/);
    const withoutLineBelow = (state: State) => textOf(filterLine(state, KEYS, SHARE, 40, false));
    expect(withoutLineBelow(saving)).toMatch(/^save to: a\.csv +the disk is full$/);
    expect(withoutLineBelow(typing('age:5'))).toMatch(/^\/ age:5 .*\S/);
    expect(withoutLineBelow(typing('age:5'))).not.toContain('12 of');
  });

  test('lists completions with the current one marked', () => {
    const one = typing('process:cu', PROGRAMS, complete());
    expect(textOf(promptHelp(one, shareText(SHARE), 80)).trimEnd()).toBe('  cupsd  curl');
    const chosen = (state: State, width = 80) =>
      promptHelp(state, shareText(SHARE), width)
        ?.spans.filter(({ tone }) => tone === 'cursor')
        .map(({ text }) => text);
    expect(chosen(one)).toEqual(['cupsd']);
    const two = after(one, complete());
    expect([two.prompt?.text, chosen(two)]).toEqual(['process:curl', ['curl']]);
    const last = typing('process:', PROGRAMS, complete(-1));
    expect([last.prompt?.text, chosen(last)]).toEqual(['process:"my app"', ['"my app"']]);
    // The next character ends the completion.
    expect(
      promptHelp(after(two, { type: 'edit', edit: { type: 'insert', text: ' ' } }), shareText(SHARE), 80),
    ).toBeUndefined();
  });

  test('keeps the current completion visible among many, at every width', () => {
    const processes = Array.from({ length: 40 }, (_, i) => `program-${i}`);
    let state = typing('process:p', programs(...processes), complete());
    for (let i = 0; i < 40; i++) {
      for (const width of [20, 40, 80]) {
        const line = textOf(promptHelp(state, shareText(SHARE), width));
        expect(line.slice(0, width)).toContain(`program-${i} `);
      }
      state = after(state, complete());
    }
  });

  test('is printable for any typed text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' })),
        fc.integer({ min: 14, max: 120 }),
        (text, width) => {
          const help = promptHelp(typing(`port:${text.replace('|', '')} x`), shareText(SHARE), width);
          const line = help ? textOf(help) : '';
          expect(line).not.toMatch(UNSAFE);
          expect(displayWidth(line.trimEnd())).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
