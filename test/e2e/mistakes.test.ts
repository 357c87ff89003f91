// Mistakes in queries, configuration and saved state, made by accident or on purpose.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Herd } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { isLinux, newHome, startNetpane, tableRows } from './netpane.ts';
import { filterLine, socketCounts, titleLine, typeQuery, useScene, useScreen } from './scene.ts';

/** Returns a home directory that holds a file with this path and text. */
function homeWith(path: string, text: string): { home: string; file: string } {
  const home = newHome();
  const file = join(home, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return { home, file };
}

const STATE = '.local/state/netpane/state.json';
const CONFIG = '.config/netpane/config.toml';

describe.skipIf(!isLinux)('a hostile query (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene);
  const herd = new Herd();
  // A name that nearly matches, which takes a backtracking engine exponential time.
  beforeAll(() => herd.spawn({ title: `${scene.name}-${'a'.repeat(4000)}!` }));
  afterAll(() => herd.close());

  /** Checks that netpane still reacts to keys and filters. */
  async function goesOn(t: Terminal): Promise<void> {
    t.press('ctrl-u');
    t.write(`process:${scene.name} listen`);
    await t.until('the next query', () => socketCounts(t).shown === 4 && tableRows(t).length === 4);
    t.press('enter');
    await t.until('the applied query', () => filterLine(t).startsWith(`/ process:${scene.name} listen`));
  }

  test.each(['/(a+)+$/', '/^(a|aa)+$/', '/(.*a){15}/', 'cmd:/(a|a?)+$/', '/(x+x+)+y/'])(
    'does not slow the screen with a regex of exponential backtracking: %s',
    async (regex) => {
      const t = await show();
      typeQuery(t, regex);
      await t.until('the regex to filter', () => filterLine(t).includes(regex) && socketCounts(t).shown >= 0);
      await goesOn(t);
    },
  );

  test.each([
    ['repeats too much', '/(a{1000}){1000}/', /regex/],
    ['ends too soon', '/(a/', /bad regex: .*missing/],
    ['has syntax that the engine does not support', '/(?<=a)b/', /regex: /],
    ['is long', `/${'a'.repeat(300)}/`, /maximum 200/],
    ['has only parentheses', `${'('.repeat(500)}a`, /too deep|nested|parenthes/],
  ])('is rejected with the reason if it %s', async (_, query, why) => {
    const t = await show();
    typeQuery(t, query);
    await t.until('the reason', () => why.test(titleLine(t)) || why.test(filterLine(t)));
    await goesOn(t);
  });

  test.each([
    ['one word', 'x'.repeat(10_240)],
    ['many terms', 'or listen '.repeat(1_024).slice(3)],
    ['parentheses', '('.repeat(10_240)],
    ['invisible and wide characters', '\u200b\u202e漢é'.repeat(1_300)],
  ])('may be thousands of pasted characters: %s', async (_, text) => {
    const t = await show();
    typeQuery(t, '');
    await t.until('the empty query', () => /^\/ +\d/.test(filterLine(t)));
    // At once, and without marks of a paste.
    t.write(text);
    const end = text.slice(-3).replace(/[\u200b\u202e]/g, '?');
    await t.until('all of it, or why not', () =>
      text.length > 8192
        ? titleLine(t).includes('too long: at most 8192 characters') && /^\/ +\d/.test(filterLine(t))
        : titleLine(t).includes('^') && filterLine(t).includes(end),
    );
    await goesOn(t);
  });

  test('leaves netpane able to quit', async () => {
    const t = await show();
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });
});

test('a configuration with mistakes: lists each with its line and key, and opens no screen', async () => {
  const lines = [
    ['interval = 5', 'interval takes a duration'],
    ['linger = "never"', 'linger takes a duration'],
    ['intervall = "1s"', 'unknown key intervall: did you mean interval?'],
    ['theme = "dark"', 'theme takes standard'],
    ['query = "port:"', "query 'port:' is invalid at column 6"],
    ['sort = "ages"', 'sort takes a column'],
    ['group = 3', 'group takes'],
    ['columns = ["process", "process", "pidd"]', 'columns takes'],
    ['mouse = "yes"', 'mouse takes true or false'],
    ['source = "magic"', 'source takes sock_diag'],
    ['[[view]]', 'view.name is missing'],
    ['query = "(listen"', "view.query '(listen' is invalid at column 8"],
    ['colour = 1', 'unknown key view.colour'],
    ['[[view]]', ''],
    ['name = "all"', 'view.name takes a name other than all'],
  ] as const;
  const { home } = homeWith(CONFIG, `${lines.map(([line]) => line).join('\n')}\n`);
  const t = startNetpane({ home, cols: 200, rows: 50 });
  expect(await t.exited).toEqual({ exitCode: 2, signal: 0 });
  await t.until('the last mistake', () => t.text().includes('config.toml:15:'));
  for (const [i, [, message]] of lines.entries()) {
    if (message !== '') expect(t.text()).toContain(`config.toml:${i + 1}: ${message}`);
  }
  expect(t.modes().alternateScreen).toBe(false);
  expect(t.received().includes('\x1b[?1049h')).toBe(false);
});

// test/cli/config/state-file-mistakes.test.ts has every mistake.
describe('an invalid saved state is moved aside with a message, and the screen opens', () => {
  const whole = { version: 1, query: 'listen', sort: { column: 'age', descending: true }, group: null };
  const more = {
    columns: null,
    theme: null,
    serviceNames: false,
    views: [],
    known: [],
    history: [],
    panes: [],
  };
  test.each([
    ['truncated', JSON.stringify({ ...whole, ...more }).slice(0, 60), 'it is not JSON'],
    ['with an invalid field', JSON.stringify({ ...whole, ...more, known: [{ port: 'x' }] }), 'known[0]'],
  ])('%s', async (_, text, why) => {
    const { home, file } = homeWith(STATE, text);
    const t = startNetpane({ home, cols: 200 });
    await t.until('the message', () => filterLine(t).includes(`saved state is invalid: ${why}`));
    await t.until('the sockets', () => socketCounts(t).shown >= 0);
    expect(filterLine(t)).toContain(`it was moved to ${file}.bad`);
    expect(readFileSync(`${file}.bad`, 'utf8')).toBe(text);
    typeQuery(t, 'established\r');
    await t.until(
      'the next query',
      () => t.rows()[3]?.includes('PROCESS') && !filterLine(t).includes('cannot'),
    );
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 1, query: 'established' });
    expect(readdirSync(join(file, '..')).sort()).toEqual(['state.json', 'state.json.bad']);
  });

  test('a state with an invalid query restores the rest', async () => {
    const { home } = homeWith(STATE, JSON.stringify({ ...whole, ...more, query: 'port:' }));
    const t = startNetpane({ home });
    await t.until('the order', () => /AGE?▾/.test(titleLine(t)) && filterLine(t).startsWith('1 all'));
  });

  test('quitting says why the state was not saved', async () => {
    const home = newHome();
    const t = startNetpane({ home });
    await t.until('the screen', () => socketCounts(t).shown >= 0);
    mkdirSync(join(home, '.local', 'state'), { recursive: true });
    writeFileSync(join(home, '.local', 'state', 'netpane'), 'a file where the directory would be');
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    await t.until('the reason', () => /^netpane: saved state not updated: /m.test(t.text()));
  });
});

test.runIf(isLinux)('hostile names in the saved state are shown as harmless text', async () => {
  const known = [{ process: '\u001b[2J\u202eevil', remote: '\u0007*', port: 1 }];
  const views = [{ name: '\u001b]0;pwn\u0007', query: 'listen' }];
  const { home } = homeWith(
    STATE,
    JSON.stringify({
      version: 1,
      ...{ query: '', sort: { column: 'age', descending: true }, group: null, columns: null, theme: null },
      ...{ serviceNames: false, views, known, history: ['\u001b[2J'], panes: [] },
    }),
  );
  const t = startNetpane({ home });
  await t.until('the view', () => filterLine(t).includes('7 ?]0;pwn?'));
  t.write('H');
  await t.until('the list', () => t.text().includes('?[2J?evil'));
  t.write('/');
  t.press('up');
  await t.until('the history', () => filterLine(t).startsWith('/ ?[2J'));
  expect(t.received().toString()).not.toMatch(/pwn\x07|\x1b\[2J\u202e|\u202e/);
});
