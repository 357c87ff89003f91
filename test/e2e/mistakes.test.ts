// What is typed and written wrongly, by accident or to harm: it is told where and why, and the pane goes on.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Herd } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { isLinux, newHome, startNetpane, tableRows } from './netpane.ts';
import { filterLine, shares, titleLine, typeQuery, useScene, useScreen } from './scene.ts';

/** A home with a file in it, by its path there. */
function homeWith(path: string, text: string): { home: string; file: string } {
  const home = newHome();
  const file = join(home, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return { home, file };
}

const STATE = '.local/state/netpane/state.json';
const CONFIG = '.config/netpane/config.toml';

describe.skipIf(!isLinux)('a query that does harm (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene);
  const herd = new Herd();
  // What such a regex is slow with: nearly what it asks for.
  beforeAll(() => herd.spawn({ title: `${scene.name}-${'a'.repeat(4000)}!` }));
  afterAll(() => herd.close());

  /** The pane still hears keys, and filters as it should. */
  async function goesOn(t: Terminal): Promise<void> {
    t.press('ctrl-u');
    t.write(`process:${scene.name} listen`);
    await t.until('the next query', () => shares(t).shown === 4 && tableRows(t).length === 4);
    t.press('enter');
    await t.until('it to be kept', () => filterLine(t).startsWith(`/ process:${scene.name} listen`));
  }

  test.each(['/(a+)+$/', '/^(a|aa)+$/', '/(.*a){15}/', 'cmd:/(a|a?)+$/', '/(x+x+)+y/'])(
    'a regex that others take for ever over: %s',
    async (regex) => {
      const t = await show();
      typeQuery(t, regex);
      await t.until('it to be asked', () => filterLine(t).includes(regex) && shares(t).shown >= 0);
      await goesOn(t);
    },
  );

  test.each([
    ['that repeats too much', '/(a{1000}){1000}/', /regex/],
    ['that ends too soon', '/(a/', /bad regex: .*missing/],
    ['that the engine does not take', '/(?<=a)b/', /regex: /],
    ['that is long', `/${'a'.repeat(300)}/`, /maximum 200/],
    ['of parentheses only', `${'('.repeat(500)}a`, /too deep|nested|parenthes/],
  ])('one %s is refused, and said why', async (_, query, why) => {
    const t = await show();
    typeQuery(t, query);
    await t.until('why', () => why.test(titleLine(t)) || why.test(filterLine(t)));
    await goesOn(t);
  });

  test.each([
    ['of one word', 'x'.repeat(10_240)],
    ['of many words', 'or listen '.repeat(1_024).slice(3)],
    ['of nothing that can be', '('.repeat(10_240)],
    ['of all that is not printed', '\u200b\u202e漢é'.repeat(1_300)],
  ])('ten thousand characters %s, pasted', async (_, text) => {
    const t = await show();
    typeQuery(t, text);
    const end = text.slice(-3).replace(/[\u200b\u202e]/g, '?');
    await t.until(
      'all of it',
      () => filterLine(t).includes(end) && /\^|too long/.test(titleLine(t) + filterLine(t)),
    );
    await goesOn(t);
  });

  test('after all of them it ends as ever', async () => {
    const t = await show();
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });
});

test('a configuration with every kind of mistake: each with its line and key, and no screen', async () => {
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

describe('a saved state that cannot be used is told and kept aside, and the pane is there', () => {
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
    ['cut off', JSON.stringify({ ...whole, ...more }).slice(0, 60), 'it is not JSON'],
    ['empty', '', 'it is not JSON'],
    ['of another kind', '[]', 'it is not an object'],
    ['damaged within', JSON.stringify({ ...whole, ...more, known: [{ port: 'x' }] }), 'known[0]'],
    ['not text', '\u0000\u001b[2J', 'it is not JSON'],
    [
      'of a newer netpane',
      JSON.stringify({ ...whole, ...more, version: 2 }),
      'it was written by a newer netpane',
    ],
  ])('%s', async (_, text, why) => {
    const { home, file } = homeWith(STATE, text);
    const t = startNetpane({ home, cols: 200 });
    await t.until('the complaint', () => filterLine(t).includes(`saved state is invalid: ${why}`));
    await t.until('the sockets', () => shares(t).shown >= 0);
    expect(filterLine(t)).toContain(`it was moved to ${file}.bad`);
    expect(readFileSync(`${file}.bad`, 'utf8')).toBe(text);
    typeQuery(t, 'established\r');
    await t.until(
      'the pane to go on',
      () => t.rows()[3]?.includes('PROCESS') && !filterLine(t).includes('cannot'),
    );
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ version: 1, query: 'established' });
    expect(readdirSync(join(file, '..')).sort()).toEqual(['state.json', 'state.json.bad']);
  });

  test('one whose query is none any more: the rest of it is there', async () => {
    const { home } = homeWith(STATE, JSON.stringify({ ...whole, ...more, query: 'port:' }));
    const t = startNetpane({ home });
    await t.until('the order', () => /AGE?▾/.test(titleLine(t)) && filterLine(t).startsWith('1 all'));
  });

  test('where it cannot be saved the end tells so', async () => {
    const home = newHome();
    const t = startNetpane({ home });
    await t.until('the screen', () => shares(t).shown >= 0);
    mkdirSync(join(home, '.local', 'state'), { recursive: true });
    writeFileSync(join(home, '.local', 'state', 'netpane'), 'a file where the directory would be');
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    await t.until('the reason', () => /^netpane: saved state not updated: /m.test(t.text()));
  });
});

test.runIf(isLinux)('a name of the state that is hostile does no harm', async () => {
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
  await t.until('the query of before', () => filterLine(t).startsWith('/ ?[2J'));
  expect(t.received().toString()).not.toMatch(/pwn\x07|\x1b\[2J\u202e|\u202e/);
});
