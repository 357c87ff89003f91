import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeApp, TOP_ROW } from '../helpers/app.ts';
import { baseline, batch, listener, socket } from '../helpers/fakes.ts';
import { DOWN, RIGHT, LEFT, ESC, node, curl, web, ALL } from './world-scene.ts';

// Effects of the app outside the screen: copying, saving, the saved state.

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

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
    expect(app.said).toMatch(/copied row \(\d+ columns\)/);
    await app.press(DOWN);
    expect(app.said).not.toContain('copied');
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
    expect(app.said).toContain('nothing to copy');
  });

  test('copies only printable characters of a hostile name', async () => {
    await app.take(baseline([socket({ process: 'a\x1b]52;c;x\x07\tb\n', remote: '192.0.2.1:1' })]));
    await app.press('y', RIGHT, 'Y');
    for (const text of app.copied) expect(text.replaceAll('\t', '')).not.toMatch(/[\x00-\x1f\x7f]/);
    expect(app.copied[0]?.split('\t')).toHaveLength(app.copied[1] === undefined ? 0 : 10);
  });
});

describe('saving', () => {
  test('w offers a name, enter saves the matching sockets in the order of the screen', async () => {
    await app.take(baseline(ALL));
    await app.press('/', ...Array.from('node or web'), '\r', 's', 's', 's', 's', 's', 'w');
    expect(app.said).toContain('save to: netpane-2026-01-02T120000.csv');
    await app.press(...Array.from('a.json'), '\r');
    expect(app.saved.map(({ path }) => path)).toEqual(['a.json']);
    const rows = app.lines.slice(TOP_ROW).map((line) => /51000|51001| 80 /.exec(line)?.[0].trim());
    expect(app.saved[0]?.sockets.map(({ local }) => String(local.port))).toEqual(
      rows.filter((it) => it !== undefined),
    );
    expect(app.said).toContain('saved 3 sockets to a.json');
  });

  test('rows of folded groups are saved too', async () => {
    await app.take(baseline(ALL));
    await app.press('o', 'Z', 'w', '\r');
    expect(app.saved[0]?.sockets).toHaveLength(4);
  });

  test('sockets that are folded or joined into another line are saved too, and those hidden for good are not', async () => {
    const ends = [
      socket({ id: 'out', local: '127.0.0.1:40000', remote: '127.0.0.1:80', opened: 'out' }),
      socket({ id: 'in', local: '127.0.0.1:80', remote: '127.0.0.1:40000', process: 'nginx' }),
    ];
    const remnants = Array.from({ length: 8 }, (_, n) =>
      socket({ id: `t${n}`, local: `192.0.2.10:${41_000 + n}`, remote: '192.0.2.9:80', state: 'TIME_WAIT' }),
    );
    const hidden = socket({ id: 'hidden', process: 'a', remote: '192.0.2.77:443' });
    await app.take(baseline([hidden, ...ends, ...remnants]));
    await app.press('h', 'y', 'B', '/', ...Array.from('!port:41000'), '\r');
    expect(app.lineOf('TIME_WAIT ·')).toContain('7 TIME_WAIT');
    await app.press('w', '\r');
    expect(app.saved[0]?.sockets.map(({ id }) => id)).toEqual([
      'out',
      'in',
      ...remnants.slice(1).map(({ id }) => id),
    ]);
    expect(app.said).toContain('saved 9 sockets to');
  });

  test('closed sockets are not saved: the file has no field for it', async () => {
    await app.take(baseline(ALL), batch({ monotonicMs: 1000, closed: ALL.slice(0, 1).map(({ id }) => id) }));
    await app.press('w', '\r');
    expect(app.saved[0]?.sockets).toHaveLength(3);
  });

  test('before the first poll there is nothing to save, which is not an empty file', async () => {
    await app.press('w');
    expect(app.said).toContain('nothing to save yet: still reading sockets');
    expect(app.app.state.prompt).toBeNull();
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
    expect(app.said).toContain('save to: netpane-2026-01-02T120000.csv');
    await app.press('\x7f');
    expect(app.text).not.toContain('file exists: a.csv');
    expect(app.said).toContain('save to: netpane-2026-01-02T120000.cs ');
  });
});

describe('the state is saved', () => {
  test('when a view is saved or removed', async () => {
    await app.take(baseline(ALL));
    await app.press('l', 'v', 'a', ...Array.from('mine'), '\r');
    expect(app.savedStates.map(({ views }) => views)).toMatchObject([[{ name: 'mine', query: 'listen' }]]);
    expect(app.said).toContain('saved view "mine"');
    expect(app.lineOf('(saved)')).toContain('7 mine');
    await app.press('G', 'd');
    expect(app.savedStates.at(-1)?.views).toEqual([]);
    expect(app.text).not.toContain('(saved)');
  });

  test('when h hides a row or H shows it again', async () => {
    await app.take(baseline(ALL));
    await app.press('h');
    expect(app.said).toContain('hide curl → 203.0.113.80:443 for good? y hides, any other key cancels');
    await app.press('y');
    expect(app.savedStates.map(({ hideRules }) => hideRules)).toEqual([
      [{ process: 'curl', remote: '203.0.113.80', port: 443 }],
    ]);
    expect(app.said).toContain('hidden (u undoes): curl → 203.0.113.80:443');
    expect(app.lines.slice(TOP_ROW).join('')).not.toContain('51002');
    await app.press('j');
    expect(app.said).toContain('1 hidden by you: H');
    expect(app.said).toContain('3 of 4');
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

test('D shows what a poll costs, and hides it again', async () => {
  await app.take(baseline(ALL));
  expect(app.text).not.toContain('poll ');
  await app.press('D');
  expect(app.lines[1]).toContain('poll 2 ms  (sockets 1 ms, programs 1 ms, differences <1 ms)  every 1s');
  await app.press('D');
  expect(app.text).not.toContain('poll ');
});
