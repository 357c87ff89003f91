import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BUILT_IN } from '../../src/store/views.ts';
import { FakeApp, TOP_ROW } from '../helpers/app.ts';
import { after, baseline, batch, emptyState, listener, socket } from '../helpers/fakes.ts';

// Effects of the app outside the screen, and the mouse on grouped rows.

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

const [DOWN, UP, RIGHT, LEFT, ESC, TAB] = ['\x1b[B', '\x1b[A', '\x1b[C', '\x1b[D', '\x1b', '\t'];
const selected = (): string => app.lines.find((_, y) => app.cellAt(3, y).inverse) ?? '';
/** Returns the line of prompts, messages and the query. */
const said = (): string => app.lines[2] ?? '';

const node = socket({ process: 'node', pid: 7, local: '10.0.0.5:51000', remote: '203.0.113.80:443' });
const nodeToo = socket({ process: 'node', pid: 7, local: '10.0.0.5:51001', remote: '203.0.113.81:443' });
const curl = socket({ process: 'curl', pid: 8, local: '10.0.0.5:51002', remote: '203.0.113.80:443' });
const web = listener({ process: 'web', pid: 9, local: '*:80' });
const ALL = [node, nodeToo, curl, web];

describe('host names', () => {
  test('are resolved once, when the query is complete, and shown', async () => {
    await app.take(baseline(ALL));
    await app.type('/@db.example');
    expect(app.resolvedHosts).toEqual([]);
    await app.press('\r');
    expect(app.resolvedHosts).toEqual(['db.example']);
    expect(said()).toContain('db.example: looking up …');
    expect(said()).toContain('0 of 4');
    await app.press(DOWN, 'j');
    await app.answer('db.example', { type: 'addresses', addresses: ['203.0.113.80', '2001:db8::80'] });
    expect(said()).toContain('db.example = 203.0.113.80 +1');
    expect(said()).toContain('2 of 4');
    await app.type('/ or @db.example');
    await app.press('\r');
    expect(app.resolvedHosts).toEqual(['db.example']);
  });

  test('rows stay while a name is looked up that is still typed, and the line below says so', async () => {
    await app.take(baseline(ALL));
    await app.type('/@db.example');
    expect(said()).toContain('4 of 4');
    app.app.dispatch({ type: 'resolve-typed' });
    await app.shown();
    expect(app.resolvedHosts).toEqual(['db.example']);
    expect(app.lines[3]).toContain('db.example: looking up …');
    await app.answer('db.example', { type: 'failed', why: 'no such name' });
    expect(app.lines[3]).toContain('db.example: no such name');
    expect(said()).toContain('4 of 4');
    const answer = { type: 'addresses', addresses: ['203.0.113.80'] } as const;
    app.app.dispatch({ type: 'host', name: 'db.example', answer });
    await app.shown();
    expect(said()).toMatch(/\/ @db\.example .* 2 of 4/);
  });

  test('a failed lookup is shown, and repeated when the query is entered again', async () => {
    await app.take(baseline(ALL));
    await app.type('/@nowhere.example');
    await app.press('\r');
    await app.answer('nowhere.example', { type: 'failed', why: 'no such \x1b[31mname' });
    expect(said()).toContain('nowhere.example: no such ?[31mname');
    await app.press(DOWN);
    expect(app.resolvedHosts).toHaveLength(1);
    await app.press('/', '\r');
    expect(app.resolvedHosts).toEqual(['nowhere.example', 'nowhere.example']);
  });

  test('are resolved for a view and for negated terms, but not for a cancelled query', async () => {
    app.close();
    app = new FakeApp(120, 40, {
      ...emptyState(),
      views: [{ name: 'mine', query: '!@a.example or @b.example' }],
    });
    await app.take(baseline(ALL));
    await app.press('7');
    expect(app.resolvedHosts).toEqual(['a.example', 'b.example']);
    await app.type('/@c.example');
    await app.press(ESC);
    expect(app.resolvedHosts).toHaveLength(2);
  });
});

describe('copying', () => {
  test('y copies all columns of the selected row, separated by tabs', async () => {
    await app.take(baseline([node]));
    await app.press('y');
    const [text = ''] = app.copied;
    expect(text.split('\t').slice(0, 9)).toEqual([
      'node',
      '7',
      '·',
      'tcp',
      '10.0.0.5',
      '51000',
      '203.0.113.80',
      '443',
      'ESTABLISHED',
    ]);
    expect(said()).toMatch(/copied row \(\d+ columns\)/);
    await app.press(DOWN);
    expect(said()).not.toContain('copied');
  });

  test('Y copies the chosen cell; without one the remote endpoint, or the local one of a listener', async () => {
    await app.take(baseline([node, web]));
    await app.press('Y', RIGHT, 'Y', RIGHT, 'Y', LEFT, 'Y', ESC, DOWN, 'Y');
    expect(app.copied).toEqual(['203.0.113.80:443', 'node', '7', 'node', '*:80']);
  });

  test('a click chooses the cell', async () => {
    await app.take(baseline([node, curl]));
    const { x, y } = app.find('51000');
    await app.click(x, y);
    await app.press('Y');
    expect(app.copied).toEqual(['51000']);
  });

  test('y copies the text of a group header', async () => {
    await app.take(baseline(ALL));
    await app.press('o', 'y');
    expect(app.copied).toHaveLength(1);
    expect(app.copied[0]).toMatch(/^curl/);
    expect(app.copied[0]).not.toContain('▾');
  });

  test('shows a message if there is nothing to copy', async () => {
    await app.take(baseline([]));
    await app.press('y', 'Y');
    expect(app.copied).toEqual([]);
    expect(said()).toContain('nothing to copy');
  });

  test('copies only printable characters of a hostile name', async () => {
    await app.take(baseline([socket({ process: 'a\x1b]52;c;x\x07\tb\n', remote: '192.0.2.1:1' })]));
    await app.press('y', RIGHT, 'Y');
    for (const text of app.copied) expect(text.replaceAll('\t', '')).not.toMatch(/[\x00-\x1f\x7f]/);
    expect(app.copied[0]?.split('\t')).toHaveLength(app.copied[1] === undefined ? 0 : 10);
  });
});

describe('saving', () => {
  test('w offers a name, enter saves the shown sockets in the order of the screen', async () => {
    await app.take(baseline(ALL));
    await app.press('/', ...Array.from('node or web'), '\r', 's', 's', 's', 's', 's', 'w');
    expect(said()).toContain('save to: netpane-2026-01-02T120000.csv');
    await app.press(...Array.from('a.json'), '\r');
    expect(app.saved.map(({ path }) => path)).toEqual(['a.json']);
    const rows = app.lines.slice(TOP_ROW).map((line) => /51000|51001| 80 /.exec(line)?.[0].trim());
    expect(app.saved[0]?.sockets.map(({ local }) => String(local.port))).toEqual(
      rows.filter((it) => it !== undefined),
    );
    expect(said()).toContain('saved 3 sockets to a.json');
  });

  test('rows of folded groups are saved too', async () => {
    await app.take(baseline(ALL));
    await app.press('o', 'Z', 'w', '\r');
    expect(app.saved[0]?.sockets).toHaveLength(4);
  });

  test('closed sockets are not saved: the file has no field for it', async () => {
    await app.take(baseline(ALL), batch({ monotonicMs: 1000, closed: ALL.slice(0, 1).map(({ id }) => id) }));
    await app.press('w', '\r');
    expect(app.saved[0]?.sockets).toHaveLength(3);
  });

  test('esc and an empty name save nothing', async () => {
    await app.take(baseline(ALL));
    await app.press('w', ESC, 'w', '\x15', '\r');
    expect(app.saved).toEqual([]);
  });

  test('after a failure the prompt has its text again, and the error until the next key', async () => {
    app.saving = { text: 'file exists: a.csv', isError: true };
    await app.take(baseline(ALL));
    await app.press('w', '\r');
    const { x, y } = app.find('file exists: a.csv');
    expect(app.cellAt(x, y)).toMatchObject({ colour: 1 });
    await app.take(batch({ monotonicMs: 1000 }));
    expect(app.text).toContain('file exists: a.csv');
    expect(said()).toContain('save to: netpane-2026-01-02T120000.csv');
    await app.press('\x7f');
    expect(app.text).not.toContain('file exists: a.csv');
    expect(said()).toContain('save to: netpane-2026-01-02T120000.cs ');
  });
});

describe('the state is saved', () => {
  test('when a view is saved or removed', async () => {
    await app.take(baseline(ALL));
    await app.press('l', 'v', 'a', ...Array.from('mine'), '\r');
    expect(app.savedStates.map(({ views }) => views)).toMatchObject([[{ name: 'mine', query: 'listen' }]]);
    expect(said()).toContain('saved view "mine"');
    expect(app.lineOf('(saved)')).toContain('7 mine');
    await app.press('G', 'd');
    expect(app.savedStates.at(-1)?.views).toEqual([]);
    expect(app.text).not.toContain('(saved)');
  });

  test('when h hides a row or H shows it again', async () => {
    await app.take(baseline(ALL));
    await app.press('h');
    expect(said()).toContain('hide curl → 203.0.113.80:443 for good? y hides, any other key cancels');
    await app.press('y');
    expect(app.savedStates.map(({ hideRules }) => hideRules)).toEqual([
      [{ process: 'curl', remote: '203.0.113.80', port: 443 }],
    ]);
    expect(said()).toContain('hidden (u undoes): curl → 203.0.113.80:443');
    expect(app.lines.slice(TOP_ROW).join('')).not.toContain('51002');
    await app.press('j');
    expect(said()).toContain('1 hidden by you: H');
    expect(said()).toContain('3 of 4');
    await app.press('H', 'd');
    expect(app.savedStates.at(-1)?.hideRules).toEqual([]);
    expect(app.lines.slice(TOP_ROW).join('')).toContain('51002');
    expect(app.text).not.toContain('hidden by you');
  });

  test('two keys in one chunk add two rules, not one twice', async () => {
    await app.take(baseline(ALL));
    await app.press('hh');
    expect(app.app.state.hideRules.length).toBeLessThanOrEqual(2);
    expect(new Set(app.app.state.hideRules.map((it) => JSON.stringify(it))).size).toBe(
      app.app.state.hideRules.length,
    );
  });
});

describe('the query', () => {
  test('marks a mistake while typing and keeps the table', async () => {
    await app.take(baseline(ALL));
    await app.type('/node >3');
    expect(said()).toMatch(/^\/ node >3 .* 2 of 4$/);
    expect(app.lines[3]).toMatch(/^ {7}\^\^ expected a field before >/);
    await app.press('\r');
    expect(said()).toContain('/ node >3');
    await app.press(...Array<string>(2).fill('\x7f'), '\r');
    expect(said()).toMatch(/^\/ node .* 2 of 4$/);
  });

  test('a paste of several lines is one text and accepts nothing; with other keys around it', async () => {
    await app.take(baseline(ALL));
    await app.press('\x1b[200~node or\r\n curl\r\x1b[201~');
    expect(said()).toMatch(/^\/ node or curl .* 3 of 4$/);
    await app.press('\x7f', '\r');
    expect(said()).toMatch(/^\/ node or cur .* 3 of 4$/);
  });

  test('tab cycles through names of terms and current values', async () => {
    await app.take(baseline(ALL));
    await app.type('/proc');
    await app.press(TAB);
    expect(said()).toContain('/ process:');
    await app.press(TAB);
    expect(said()).toContain('/ process:curl');
    expect(app.lines[3]).toContain('curl  node  web');
    expect(said()).toContain('1 of 4');
    await app.press(TAB, '\r');
    expect(said()).toMatch(/^\/ process:node .*2 of 4$/);
  });

  test('the arrow keys recall earlier queries', async () => {
    await app.take(baseline(ALL));
    for (const text of ['node', 'curl']) await app.press('/', '\x15', ...Array.from(text), '\r');
    await app.press('/', '\x15', UP, UP);
    expect(said()).toContain('/ node');
    await app.press(DOWN, '\r');
    expect(said()).toContain('/ curl');
  });
});

describe('the mouse on groups', () => {
  const group = (name: string) => app.find(`${name} `);
  beforeEach(async () => {
    await app.take(baseline(ALL));
    await app.press('o');
  });

  test('a click selects a group header, a second one folds it, a third unfolds it', async () => {
    const { y } = group('▾ node');
    await app.click(20, y);
    expect(selected()).toContain('node');
    expect(app.text).toContain('51000');
    await app.click(20, y);
    expect(selected()).toContain('▸ node');
    expect(app.text).not.toContain('51000');
    await app.click(20, y);
    expect(app.text).toContain('51000');
  });

  test('a click on a row of a group selects it without folding', async () => {
    const { x, y } = app.find('51001');
    await app.click(x, y);
    await app.click(x, y);
    expect(selected()).toContain('51001');
    expect(app.app.state.cell).toBe('localPort');
  });

  test('the wheel moves over headers and rows', async () => {
    await app.press('\x1b[<65;5;8M');
    expect(selected()).toContain('51000');
  });

  test('a click on a title sorts the groups', async () => {
    const before = app.lines
      .slice(TOP_ROW)
      .filter((line) => /^. ?▾/.test(line.trimStart()) || line.includes('▾'));
    const { x, y } = app.find('PROCESS');
    await app.click(x, y);
    const now = app.lines.slice(TOP_ROW).filter((line) => line.includes('▾'));
    expect(now.map((line) => line.trim().split(/ +/)[1])).toEqual(
      before.map((line) => line.trim().split(/ +/)[1]).toReversed(),
    );
  });

  test('folding moves the selection to the group header, unfolding back to the row', async () => {
    const { x, y } = app.find('51001');
    await app.click(x, y);
    await app.press('z');
    expect(selected()).toContain('▸ node');
    await app.press('z');
    expect(selected()).toContain('51001');
    await app.press('Z');
    expect(selected()).toContain('▸ node');
    await app.press(DOWN);
    expect(selected()).toContain('▸ web');
  });
});

test('an open list keeps the keys of the table and is closed by its own keys', async () => {
  await app.take(baseline(ALL));
  await app.press('v');
  for (const { name } of BUILT_IN) expect(app.text).toContain(name);
  await app.press(DOWN, '\r');
  expect(said()).toContain('1 of 4');
  expect(app.text).not.toContain('VIEWS');
  await app.press('C', 'j', ' ');
  expect(app.lines[3]).not.toContain('PID');
  await app.press('r', ESC);
  expect(app.lines[3]).toContain('PID');
  expect(after(app.app.state).list).toBeNull();
});

describe('the user is away', () => {
  const ncat = listener({ process: 'ncat', pid: 44, local: '*:4444' });
  const bottom = (): string => app.lines[38] ?? '';
  const opened = batch({ monotonicMs: 5000, spawned: [ncat] });

  test('the first key reports what happened, and still acts', async () => {
    await app.take(baseline(ALL), opened);
    app.nowMs = 125_000;
    await app.press('n');
    expect(bottom()).toContain('since you last looked, 2m ago: +1 −0 · 1 new listener · 1 program not seen');
    expect(app.app.state.serviceNames).toBe(true);
    app.nowMs += 10_000;
    await app.press('n');
    expect(app.text).not.toContain('since you last looked');
  });

  test('a click reports it too, and a key that does nothing', async () => {
    await app.take(baseline(ALL), opened);
    app.nowMs = 125_000;
    await app.click(5, 5);
    expect(bottom()).toContain('since you last looked');
    await app.take(batch({ monotonicMs: 200_000, spawned: [socket({ id: 'x' })] }));
    app.nowMs = 600_000;
    await app.press('\x1b[24~');
    expect(bottom().trimEnd()).toBe('since you last looked, 7m ago: +1 −0');
  });

  test('a new listener stays marked until it was on the screen while the user was there', async () => {
    await app.take(baseline(ALL), batch({ monotonicMs: 130_000, spawned: [ncat, socket({ id: 'x' })] }));
    await app.take(batch({ monotonicMs: 140_000 }), batch({ monotonicMs: 150_000 }));
    expect(app.lineOf('4444')).toMatch(/^\+ ncat/);
    await app.press('j');
    await app.take(batch({ monotonicMs: 152_000 }));
    expect(app.lineOf('4444')).toMatch(/^\+ ncat/);
    await app.take(batch({ monotonicMs: 153_000 }));
    expect(app.lineOf('4444')).toMatch(/^ {2}ncat/);
  });

  test('a query that hides it keeps the mark, also while the user is there', async () => {
    await app.take(baseline(ALL), batch({ monotonicMs: 1000 }));
    await app.type('/curl\r');
    await app.take(batch({ monotonicMs: 2000, spawned: [ncat] }), batch({ monotonicMs: 60_000 }));
    await app.press(ESC);
    expect(app.lineOf('4444')).toMatch(/^\+ ncat/);
  });
});

describe('a diagnosis', () => {
  const leaked = Array.from({ length: 10 }, (_, i) =>
    socket({ id: `leaked ${i}`, process: 'leaky-app', state: 'CLOSE_WAIT' }),
  );

  test('is at the bottom, moves no row, and ! or a click filters to it', async () => {
    await app.take(baseline([...ALL, ...leaked]));
    const { y } = app.find('51000');
    expect(app.text).not.toContain('! leaky-app');
    await app.take(batch({ monotonicMs: 1000 }));
    expect(app.find('! leaky-app: 10 CLOSE_WAIT, oldest >1s').y).toBe(38);
    expect(app.find('51000').y).toBe(y);
    await app.press('!');
    expect(said()).toMatch(/^\/ process=leaky-app state:CLOSE_WAIT .* 10 of 14$/);
    await app.press(ESC);
    await app.click(10, 38);
    expect(said()).toContain('10 of 14');
  });

  test('without one, ! says so', async () => {
    await app.take(baseline(ALL));
    await app.press('!');
    expect(said()).toContain('no diagnosis: netpane sees nothing wrong');
  });
});

test('D shows what a poll costs, and hides it again', async () => {
  await app.take(baseline(ALL));
  expect(app.text).not.toContain('poll ');
  await app.press('D');
  expect(app.lines[1]).toContain('poll 2 ms  (sockets 1 ms, programs 1 ms, differences <1 ms)  every 1s');
  await app.press('D');
  expect(app.text).not.toContain('poll ');
});
