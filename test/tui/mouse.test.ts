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
