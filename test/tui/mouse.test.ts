import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeApp, TOP_ROW } from '../helpers/app.ts';
import { baseline, batch, crowd, listener, socket, withEvents } from '../helpers/fakes.ts';

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

const sockets = (...names: readonly string[]) => names.map((process) => socket({ id: process, process }));

/** Clicks twice, with this time between. */
const clickTwice = async (x: number, y: number, ms: number) => {
  await app.click(x, y);
  app.nowMs += ms;
  await app.click(x, y);
};

describe('a double-click', () => {
  test('on a row selects it and opens its details; another one leaves them open', async () => {
    await app.take(baseline(sockets('aaa', 'bbb', 'ccc')));
    await clickTwice(20, TOP_ROW + 1, 200);
    expect(app.text).toMatch(/DETAILS[^]*program +bbb/);
    await clickTwice(20, TOP_ROW + 2, 200);
    expect(app.text).toMatch(/DETAILS[^]*program +ccc/);
  });

  test('is two clicks if the second one is late, or on another row because rows have moved', async () => {
    await app.take(baseline(sockets('bbb', 'ccc')));
    await clickTwice(20, TOP_ROW + 1, 600);
    expect(app.text).not.toContain('DETAILS');
    app.nowMs += 1000;
    await app.click(20, TOP_ROW + 1);
    await app.take(batch({ monotonicMs: app.nowMs, spawned: sockets('aaa') }));
    await app.click(20, TOP_ROW + 1);
    expect(app.text).not.toContain('DETAILS');
  });

  test('on an event goes to its row', async () => {
    const opened = batch({ monotonicMs: 1000, spawned: sockets('aaa', 'bbb', 'ccc') });
    await app.take(baseline([]), ...withEvents(opened));
    await app.press('e');
    const { y } = app.find('EVENTS');
    await app.click(20, y + 2);
    expect(app.lines[y]).toMatch(/^▸ EVENTS/);
    await app.click(20, y + 2);
    expect(app.lines[y]).toMatch(/^EVENTS/);
    expect(app.lines.findIndex((_, line) => line < y && app.cellAt(30, line).inverse)).toBe(TOP_ROW + 1);
  });
});

test('a click while a question is open cancels it and does nothing else; one on its hint answers', async () => {
  await app.take(baseline(sockets('aaa', 'bbb')));
  const rules = () => app.app.state.hideRules.length;
  await app.press('h');
  expect(app.text).toContain('for good?');
  await app.click(20, TOP_ROW + 1);
  expect(app.app.state.question).toBeNull();
  expect(app.text).not.toContain('for good');
  expect(app.text).toContain('nothing hidden');
  expect(app.cellAt(30, TOP_ROW).inverse).toBe(true);
  await app.press('h');
  await app.click(app.lines.at(-1)?.indexOf('y yes') ?? -1, 39);
  expect([app.app.state.question, rules()]).toEqual([null, 1]);
});

test('a click on a view opens it; a click between two views does nothing', async () => {
  await app.take(baseline(sockets('aaa', 'bbb')));
  const { x, y } = app.find('2 listening');
  await app.click(x - 1, y);
  expect(app.app.state.query.text).toBe('');
  await app.click(x + 4, y);
  expect(app.app.state.query.text).toBe('listen');
  expect(app.cellAt(x, y).bold).toBe(true);
  await app.click(0, y);
  expect(app.app.state.query.text).toBe('');
});

describe('a click on a hint presses its key', () => {
  /** Clicks on a text of the last line. */
  const clickHint = async (text: string) => {
    const x = app.lines.at(-1)?.indexOf(text) ?? -1;
    expect(x, text).toBeGreaterThanOrEqual(0);
    await app.click(x, 39);
  };

  test('in the table, in a prompt and in the help', async () => {
    await app.take(baseline(sockets('aaa', 'bbb')));
    await clickHint('filter');
    expect(app.app.state.prompt?.kind).toBe('query');
    await app.type('bb');
    await clickHint('enter');
    expect(app.app.state).toMatchObject({ prompt: null, query: { text: 'bb' } });
    await clickHint('? help');
    expect(app.app.state.panes.help).toBe(true);
    await clickHint('down scroll');
    expect(app.app.state.places.help.top).toBe(1);
    await clickHint('up down');
    expect(app.app.state.places.help.top).toBe(0);
    await clickHint('close');
    expect(app.app.state.panes.help).toBe(false);
  });

  test('and a click between two hints does nothing', async () => {
    await app.take(baseline(sockets('aaa')));
    const before = app.app.state;
    await app.click((app.lines.at(-1)?.indexOf('  ') ?? 0) + 1, 39);
    expect(app.app.state.prompt).toBe(before.prompt);
    expect(app.app.state.panes).toBe(before.panes);
  });
});

test('the wheel over the details scrolls them, a click gives them the keys', async () => {
  await app.resize(80, 16);
  await app.take(baseline(sockets('aaa', 'bbb')));
  await app.press('\r');
  const { y } = app.find('DETAILS');
  expect(app.lines[y]).toMatch(/^DETAILS {2}1–/);
  await app.press(`\x1b[<65;5;${y + 3}M`);
  expect(app.lines[y]).toMatch(/^DETAILS {2}[2-4]–/);
  await app.click(5, y + 2);
  await app.press('\x1b[H');
  expect(app.lines[y]).toMatch(/^▸ DETAILS {2}1–/);
});

describe('the mouse', () => {
  test('a click selects a row; a click below the rows does nothing', async () => {
    await app.take(baseline(crowd(5)));
    await app.click(20, TOP_ROW + 3);
    expect(app.selectedLine).toBe(TOP_ROW + 3);
    await app.click(20, TOP_ROW + 20);
    expect(app.selectedLine).toBe(TOP_ROW + 3);
  });

  describe('means the picture at the time of the click', () => {
    const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

    test.each([
      ['at once', () => Promise.resolve()],
      ['while the event loop turns', turn],
    ])('a click %s after a batch that moves the rows', async (_, pause) => {
      await app.take(baseline(crowd(3, 10)));
      app.send(batch({ monotonicMs: 1000, spawned: crowd(2) }));
      await pause();
      await app.click(20, TOP_ROW + 1);
      expect(app.lines[app.selectedLine]).toContain('p011');
      expect(app.selectedLine).toBe(TOP_ROW + 3);
    });

    test('a click that arrives while the next picture is painted', async () => {
      await app.take(baseline(crowd(3, 10)));
      app.send(batch({ monotonicMs: 1000, spawned: crowd(2) }));
      app.app.paint();
      await app.click(20, TOP_ROW + 1);
      expect(app.lines[app.selectedLine]).toContain('p011');
    });

    test('a click after the key that sorts', async () => {
      const all = [listener({ local: '*:9', process: 'a' }), listener({ local: '*:80', process: 'b' })];
      await app.take(baseline(all));
      const y = app.find(' a ').y;
      app.key('S');
      await app.click(20, y);
      expect(app.lines[app.selectedLine]).toMatch(/ a /);
      expect(app.selectedLine).not.toBe(y);
    });

    test('each of several keys that arrive at once acts on the result of those before', async () => {
      const all = [listener({ local: '*:9', process: 'a' }), listener({ local: '*:80', process: 'b' })];
      await app.take(baseline(all));
      for (const key of ['o', 'z', 'j']) app.key(key);
      await app.shown();
      expect(app.text).toMatch(/▸ a \(1\)/);
      expect(app.lines[app.selectedLine]).toMatch(/▾ b \(1\)/);
    });

    test('a click on a title after a batch that adds columns', async () => {
      await app.take(baseline(crowd(3)));
      const { x, y } = app.find('STATE');
      app.send(
        batch({
          monotonicMs: 1000,
          spawned: [socket({ id: 'x', netns: { inode: 1 } }), socket({ id: 'y', netns: { inode: 2 } })],
        }),
      );
      await app.click(x, y);
      expect(app.text).toContain('STATE▴');
    });

    test('a click on an event after the wheel', async () => {
      const arrived = crowd(40, 100).map((it, i) => batch({ monotonicMs: 1000 + i, spawned: [it] }));
      await app.take(...withEvents(baseline(crowd(50)), ...arrived));
      await app.press('e');
      const { y } = app.find('EVENTS');
      const wanted = /p\d+/.exec(app.lines[y + 2] ?? '')?.[0] ?? '-';
      app.key(`\x1b[<64;20;${y + 2}M`);
      await app.click(20, y + 2);
      expect(app.lines.filter((_, line) => app.cellAt(30, line).inverse).join()).toContain(wanted);
    });
  });

  test('a click on a title sorts by it, a second one reverses the order', async () => {
    await app.take(
      baseline([listener({ local: '*:9', process: 'a' }), listener({ local: '*:80', process: 'b' })]),
    );
    const { x, y } = app.find('PORT');
    await app.click(x, y);
    expect(app.lines[TOP_ROW - 1]).toContain('PORT▴');
    expect(app.lines[TOP_ROW]).toMatch(/^ {2}a /);
    await app.click(x, y);
    expect(app.lines[TOP_ROW - 1]).toContain('PORT▾');
    expect(app.lines[TOP_ROW]).toMatch(/^ {2}b /);
  });

  test('the wheel moves by three rows', async () => {
    await app.take(baseline(crowd(20)));
    await app.press('\x1b[<65;5;8M', '\x1b[<65;5;8M', '\x1b[<64;5;8M');
    expect(app.selectedLine).toBe(TOP_ROW + 3);
  });
});

describe('lists', () => {
  /** Returns the text of the line of a list that has its cursor. */
  const chosen = () => app.lines.find((_, y) => app.cellAt(30, y).inverse)?.trim() ?? '';
  const wheel = async (y: number, by: 'up' | 'down') =>
    app.press(`\x1b[<${by === 'up' ? 64 : 65};10;${y + 1}M`);

  test('of views: a click selects a line, a double-click opens the view, other lines do nothing', async () => {
    await app.take(baseline(sockets('aaa')));
    await app.press('v');
    await app.click(20, app.find('VIEWS').y + 3);
    expect(app.app.state.list).toMatchObject({ kind: 'views', at: 2 });
    expect(app.app.state.query.text).toBe('');
    await app.click(20, app.find('VIEWS').y);
    expect(app.app.state.list).toMatchObject({ at: 2 });
    app.nowMs += 1000;
    await clickTwice(20, app.find('VIEWS').y + 2, 200);
    expect(app.app.state).toMatchObject({ list: null, query: { text: 'listen' } });
  });

  test('of hide rules: a click selects a rule, which d deletes', async () => {
    await app.take(baseline(sockets('aaa', 'bbb', 'ccc')));
    await app.press('h', 'y', 'h', 'y', 'H');
    await app.click(20, app.find('HIDDEN BY YOU').y + 2);
    expect(chosen()).toMatch(/^bbb/);
    await app.press('d');
    expect(app.app.state.hideRules.map(({ process }) => process)).toEqual(['aaa']);
  });

  test('of columns: clicks and the wheel keep the lines, a double-click shows or hides a column', async () => {
    await app.take(baseline(sockets('aaa')));
    await app.press('C');
    const { y } = app.find('COLUMNS');
    for (let i = 0; i < 6; i++) await wheel(y + 2, 'down');
    expect(app.lines[y]).not.toContain('COLUMNS  1–');
    const linesNow = () => app.lines.slice(y + 1, y + 8).map((text) => text.trimEnd());
    const before = linesNow();
    await app.click(20, y + 3);
    expect(linesNow()).toEqual(before);
    app.nowMs += 100;
    await app.click(20, y + 3);
    expect(before[2]).toMatch(/^\[x\] REMOTE PORT /);
    expect(app.lineOf('REMOTE PORT ')).toMatch(/^\[ \] /);
    expect(chosen()).toContain('REMOTE PORT');
  });

  test('the wheel over a list moves its cursor, not the selection in the table', async () => {
    await app.take(baseline(crowd(50)));
    await app.press('v');
    const { selectedId } = app.app.state;
    await wheel(app.find('VIEWS').y + 1, 'down');
    expect(app.app.state.list).toMatchObject({ at: 3 });
    await wheel(app.find('VIEWS').y + 1, 'up');
    expect(app.app.state.list).toMatchObject({ at: 0 });
    expect(app.app.state.selectedId).toBe(selectedId);
  });

  test('of commands: a click chooses one, a double-click runs it, the wheel scrolls', async () => {
    await app.take(baseline(sockets('aaa', 'bbb')));
    await app.press(':');
    const { y } = app.find('COMMANDS');
    for (let i = 0; i < 15; i++) await wheel(y + 3, 'down');
    expect(app.lines[y]).not.toContain('COMMANDS  1–');
    const lines = app.lines.slice(y + 1, -1);
    await app.click(20, y + 4);
    expect(app.lines.slice(y + 1, -1)).toEqual(lines);
    expect(chosen()).toBe(lines[3]?.trim());
    await app.type('only tcp');
    await clickTwice(10, y + 1, 200);
    expect(app.app.state).toMatchObject({ prompt: null, query: { text: 'proto:tcp' } });
  });

  test('a second click on another command than the first one does not run it', async () => {
    await app.take(baseline(sockets('aaa')));
    await app.press(':');
    const { y } = app.find('COMMANDS');
    await app.click(10, y + 4);
    await app.type('only udp');
    app.nowMs += 100;
    await app.click(10, y + 4);
    expect(app.app.state.prompt?.kind).toBe('command');
    expect(app.app.state.query.text).toBe('');
  });
});

test('the wheel scrolls the help and the traffic pane; a click on the traffic pane gives it the focus', async () => {
  const wheelDown = async (y: number) => app.press(`\x1b[<65;10;${y + 1}M`);
  const programs = Array.from({ length: 60 }, (_, i) =>
    socket({ id: `s${i}`, process: `p${i}`, pid: i + 1, traffic: { rxBytes: 1000 - i, txBytes: 0 } }),
  );
  await app.take(baseline(programs));
  await app.press('?');
  await wheelDown(10);
  expect(app.lineOf('HELP')).toMatch(/^HELP {2}4–/);
  await app.press('q', 'i');
  const { y } = app.find('TRAFFIC');
  expect(app.lines[y]).toMatch(/^TRAFFIC {2}programs 1–14 of 60 · /);
  await wheelDown(y + 3);
  expect(app.lines[y]).toMatch(/^TRAFFIC {2}programs 4–17 of 60 · /);
  expect(app.lines[y + 2]).toMatch(/^p3 /);
  await app.click(20, y + 3);
  await app.press('\x1b[F');
  expect(app.lines[y]).toMatch(/^▸ TRAFFIC {2}programs 47–60 of 60 · /);
  await app.press('\x1b[A');
  expect(app.lines[y]).toMatch(/^▸ TRAFFIC {2}programs 46–59 of 60 · /);
});
