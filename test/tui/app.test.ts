import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GREY } from '../../src/tui/theme.ts';
import { FakeApp } from '../helpers/app.ts';
import {
  after,
  baseline,
  batch,
  emptyState,
  LINGER_MS,
  listener,
  NOON_MS,
  socket,
  withEvents,
} from '../helpers/fakes.ts';
import { BATCHES, LATER, SCENE } from '../helpers/scene.ts';
import { BRIEF_BATCHES } from './event-scene.ts';
import { TRAFFIC_BATCHES } from './traffic-scene.ts';

// Events are shown in local time.
process.env['TZ'] = 'UTC';

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

const TOP_ROW = 4;
const ESC = '\x1b';
const [DOWN, UP, PAGE_DOWN, HOME, END] = ['\x1b[B', '\x1b[A', '\x1b[6~', '\x1b[H', '\x1b[F'];

/** Returns the line of the selected row, which is inverse. */
const selectedLine = (): number => app.lines.findIndex((_, y) => app.cellAt(3, y).inverse);

const lineOf = (text: string): string => app.lines[app.find(text).y] ?? '';

/** Returns sockets with numbered process names, in order. */
const crowd = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => {
    const name = `p${String(from + i).padStart(3, '0')}`;
    return socket({ id: name, process: name, local: `192.0.2.10:${10_000 + from + i}` });
  });

describe('terminal output', () => {
  test('a tick without changes writes nothing', async () => {
    await app.take(baseline(Object.values(SCENE)));
    const before = app.bytesWritten;
    expect(before).toBeGreaterThan(1000);
    // After ten seconds the ages change: `>10s`.
    await app.take(batch({ monotonicMs: 1000 }), batch({ monotonicMs: 2000 }), batch({ monotonicMs: 9_000 }));
    expect(app.bytesWritten - before).toBe(0);
  });

  test('a change of an invisible row writes only the counts', async () => {
    await app.take(baseline(crowd(200)));
    const before = app.lines.slice(TOP_ROW);
    const bytes = app.bytesWritten;
    await app.take(batch({ monotonicMs: 1000, closed: ['p150'] }));
    expect(app.lines.slice(TOP_ROW)).toEqual(before);
    expect(app.bytesWritten - bytes).toBeLessThan(200);
  });

  test('columns keep their positions when long texts come and go', async () => {
    await app.take(baseline([SCENE.node, SCENE.long]));
    const titles = app.lines[TOP_ROW - 1];
    await app.take(batch({ monotonicMs: 1000, closed: [SCENE.long.id] }), batch({ monotonicMs: 9000 }));
    expect(app.text).not.toContain('2001:db8');
    expect(app.lines[TOP_ROW - 1]).toBe(titles);
  });
});

describe('a batch in parts', () => {
  const parts = (sockets: readonly ReturnType<typeof socket>[]) =>
    sockets.map((it, i) => batch({ monotonicMs: 1000, spawned: [it], partial: i < sockets.length - 1 }));

  test('is painted after its last part', async () => {
    await app.take(baseline(crowd(3, 10)));
    const before = { text: app.text, bytes: app.bytesWritten };
    const [first = batch(), last = batch()] = parts(crowd(2));
    await app.take(first);
    expect(app.bytesWritten).toBe(before.bytes);
    expect(app.text).toBe(before.text);
    await app.take(last);
    expect(app.text).toContain('5 of 5');
    expect(app.lines[TOP_ROW]).toContain('p000');
  });

  test('a click between parts selects the row on the screen', async () => {
    await app.take(baseline(crowd(3, 10)));
    const [first = batch(), last = batch()] = parts(crowd(2));
    await app.take(first);
    await app.click(20, TOP_ROW + 1);
    expect(app.lines[selectedLine()]).toContain('p011');
    await app.take(last);
    expect(app.lines[selectedLine()]).toContain('p011');
  });

  test('the header shows no counts before the baseline is complete', async () => {
    await app.take(baseline(crowd(3), { partial: true }));
    await app.press('j');
    expect(app.lines[0]).not.toContain('sockets');
    await app.take(baseline(crowd(3, 10)));
    expect(app.lines[0]).toContain('6 sockets');
  });
});

describe('traffic', () => {
  test('a tick without traffic writes nothing after the rates have dropped to 0', async () => {
    await app.take(...TRAFFIC_BATCHES);
    const quiet = (monotonicMs: number) => batch({ monotonicMs, source: 'sock_diag' });
    // The youngest row is older than the ages that are shown in seconds.
    await app.take(quiet(4500), quiet(9000), quiet(14_000));
    const bytes = app.bytesWritten;
    await app.take(quiet(15_000), quiet(16_000));
    expect(app.bytesWritten).toBe(bytes);
  });

  test('columns keep their positions whatever the numbers', async () => {
    const at = (rxBytes: number, txBytes: number) =>
      socket({ traffic: { rxBytes, txBytes, rttMicros: rxBytes % 1e6, recvQueue: rxBytes } });
    await app.take(baseline([at(0, 0)]));
    const titles = app.lines[TOP_ROW - 1];
    expect(titles).toContain('RX/S  TX/S   RTT');
    let [nowMs, bytes] = [0, 0];
    for (const more of [0, 7, 999, 1000, 99_999, 999_999, 1e9, 5e14]) {
      bytes += more;
      await app.take(batch({ monotonicMs: (nowMs += 1000), changed: [at(bytes, bytes)] }));
      expect(app.lines[TOP_ROW - 1]).toBe(titles);
    }
    expect(app.lines[TOP_ROW]).toContain('500T  500T');
  });

  test('a click on RX/S sorts by it, descending first, and shows the arrow', async () => {
    await app.take(...TRAFFIC_BATCHES);
    const { x, y } = app.find('RX/S');
    await app.click(x, y);
    expect(app.lines[TOP_ROW - 1]).toContain('RX/S▾');
    expect(app.lines[TOP_ROW]).toContain('curl');
    await app.click(x, y);
    expect(app.lines[TOP_ROW - 1]).toContain('RX/S▴');
    expect(app.lines[TOP_ROW]).not.toContain('curl');
  });

  test('the pane opens and closes and leaves nothing beside the details', async () => {
    await app.resize(200, 50);
    await app.take(...TRAFFIC_BATCHES);
    await app.press('i');
    expect(lineOf('INTERFACE')).toContain('PROGRAM');
    await app.press(ESC);
    expect(app.text).not.toContain('INTERFACE');
    await app.press('\r');
    const { x } = app.find('DETAILS');
    expect(app.lines.slice(TOP_ROW - 1, 48).every((line) => line.slice(x - 3, x).trim() === '')).toBe(true);
  });

  test('N offers the namespace of the selected row, and enter filters by it', async () => {
    await app.take(...TRAFFIC_BATCHES);
    const { x, y } = app.find('web');
    await app.click(x, y);
    await app.press('N', '\r');
    expect(app.text).toContain('/ ns:web');
    expect(app.text).toContain('2 of 11');
  });
});

describe('colours', () => {
  const markOf = (text: string) => app.cellAt(0, app.find(text).y);
  const name = (text: string) => app.cellAt(2, app.find(text).y);

  test('spawned is green, changed yellow, closed red, TIME_WAIT dim, anything else plain', async () => {
    await app.take(...BATCHES);
    await app.press(END);
    expect(markOf('51514')).toEqual({ character: '+', colour: 2, bold: false, inverse: false });
    expect(markOf('CLOSE_WAIT')).toEqual({ character: '~', colour: 3, bold: false, inverse: false });
    expect(markOf('dhcpcd')).toEqual({ character: '-', colour: 1, bold: false, inverse: false });
    expect(name('TIME_WAIT')).toEqual({ character: '(', colour: GREY, bold: false, inverse: false });
    expect(name('system…solved')).toEqual({ character: 's', colour: undefined, bold: false, inverse: false });
  });

  test('the palette mono has marks without colours', async () => {
    await app.take(...BATCHES);
    await app.press('c', 'c', 'c', END);
    expect(markOf('51514')).toMatchObject({ character: '+', colour: undefined });
    expect(markOf('dhcpcd')).toMatchObject({ character: '-', colour: undefined });
    const coloured = app.lines.flatMap((line, y) => Array.from(line, (_, x) => app.cellAt(x, y).colour));
    expect(coloured.filter((colour) => colour !== undefined)).toEqual([]);
  });

  test('only the selected row is inverse, over its whole width', async () => {
    await app.take(...BATCHES);
    expect(selectedLine()).toBe(TOP_ROW);
    expect([0, 60, 119].map((x) => app.cellAt(x, TOP_ROW).inverse)).toEqual([true, true, true]);
    expect(app.lines.filter((_, y) => app.cellAt(60, y).inverse)).toHaveLength(1);
  });

  test('a name with tags, escapes and bidi controls is shown as plain text', async () => {
    await app.take(baseline([SCENE.hostile]));
    expect(app.text).toContain('{red-fg');
    expect(app.text).toContain('mal?lory');
    expect(app.cellAt(3, TOP_ROW)).toMatchObject({ character: 'r', colour: undefined });
  });
});

describe('selection', () => {
  test('moves by rows and pages, within the ends', async () => {
    await app.take(baseline(crowd(100)));
    await app.press(UP);
    expect(selectedLine()).toBe(TOP_ROW);
    await app.press(DOWN, 'j', 'j', 'k');
    expect(selectedLine()).toBe(TOP_ROW + 2);
    await app.press(PAGE_DOWN);
    expect(app.lines[selectedLine()]).toContain('p036');
    await app.press(END, DOWN);
    expect(app.lines[selectedLine()]).toContain('p099');
    await app.press(UP);
    expect(app.lines[selectedLine()]).toContain('p098');
    await app.press(HOME);
    expect(app.lines[selectedLine()]).toContain('p000');
  });

  test('stays on its socket when rows come and go above', async () => {
    await app.take(baseline(crowd(10, 10)));
    await app.press(DOWN, DOWN, DOWN);
    expect(app.lines[selectedLine()]).toContain('p013');
    await app.take(batch({ monotonicMs: 1000, spawned: crowd(5), closed: ['p010'] }));
    expect(app.lines[selectedLine()]).toContain('p013');
  });

  test('moves to the row at its place when its socket is removed', async () => {
    await app.take(baseline(crowd(10)));
    await app.press(DOWN, DOWN);
    await app.take(batch({ monotonicMs: 1000, closed: ['p002'] }));
    expect(app.lines[selectedLine()]).toContain('p002');
    await app.take(batch({ monotonicMs: 1000 + LINGER_MS }));
    expect(app.lines[selectedLine()]).toContain('p003');
    expect(selectedLine()).toBe(TOP_ROW + 2);
  });

  test('while the query hides its row, the details say that they show another one', async () => {
    await app.take(baseline(crowd(10)));
    await app.press(DOWN, DOWN, '\r', '/', ...Array.from('established'), '\r');
    expect(app.text).toContain('DETAILS\n');
    const [, , closing] = crowd(10);
    if (closing) await app.take(batch({ monotonicMs: 1000, changed: [{ ...closing, state: 'TIME_WAIT' }] }));
    expect(app.text).toContain('DETAILS  selected socket not shown: this is the row in its place');
    await app.press(DOWN);
    expect(app.text).toContain('DETAILS\n');
  });

  test('a row in a scrolled table keeps its line when rows are added above', async () => {
    await app.take(baseline(crowd(200, 100)));
    await app.press(PAGE_DOWN, PAGE_DOWN, UP);
    const [line, text] = [selectedLine(), app.lines[selectedLine()]];
    await app.take(batch({ monotonicMs: 1000, spawned: crowd(20) }));
    expect([selectedLine(), app.lines[selectedLine()]]).toEqual([line, text]);
  });
});

describe('the mouse', () => {
  test('a click selects a row; a click below the rows does nothing', async () => {
    await app.take(baseline(crowd(5)));
    await app.click(20, TOP_ROW + 3);
    expect(selectedLine()).toBe(TOP_ROW + 3);
    await app.click(20, TOP_ROW + 20);
    expect(selectedLine()).toBe(TOP_ROW + 3);
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
      expect(app.lines[selectedLine()]).toContain('p011');
      expect(selectedLine()).toBe(TOP_ROW + 3);
    });

    test('a click that arrives while the next picture is painted', async () => {
      await app.take(baseline(crowd(3, 10)));
      app.send(batch({ monotonicMs: 1000, spawned: crowd(2) }));
      app.app.paint();
      await app.click(20, TOP_ROW + 1);
      expect(app.lines[selectedLine()]).toContain('p011');
    });

    test('a click after the key that sorts', async () => {
      const all = [listener({ local: '*:9', process: 'a' }), listener({ local: '*:80', process: 'b' })];
      await app.take(baseline(all));
      const y = app.find(' a ').y;
      app.key('S');
      await app.click(20, y);
      expect(app.lines[selectedLine()]).toMatch(/ a /);
      expect(selectedLine()).not.toBe(y);
    });

    test('each of several keys that arrive at once acts on the result of those before', async () => {
      const all = [listener({ local: '*:9', process: 'a' }), listener({ local: '*:80', process: 'b' })];
      await app.take(baseline(all));
      for (const key of ['o', 'z', 'j']) app.key(key);
      await app.shown();
      expect(app.text).toMatch(/▸ a \(1\)/);
      expect(app.lines[selectedLine()]).toMatch(/▾ b \(1\)/);
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
    expect(selectedLine()).toBe(TOP_ROW + 3);
  });
});

describe('the event log', () => {
  const TAB = '\t';
  const wheel = (button: 64 | 65, y: number) => `\x1b[<${button};5;${y + 1}M`;
  /** Returns batches with spawn events of numbered programs. */
  const arrivals = (count: number, from = 0) => {
    const spawned = crowd(count, from);
    const monotonicMs = 1000 + from;
    return withEvents(batch({ monotonicMs, spawned }));
  };
  const title = () => lineOf('EVENTS').trimEnd();
  /** Lines below the title of the log. */
  const logLines = () => app.lines.slice(app.find('EVENTS').y + 1, -1).filter((line) => line.trim() !== '');
  /** The inverse lines, by the programs in them. */
  const inverse = () =>
    app.lines.flatMap((line, y) => (app.cellAt(30, y).inverse ? [/p\d{3}/.exec(line)?.[0]] : []));

  beforeEach(async () => {
    await app.take(baseline(crowd(5, 900)), ...arrivals(50));
    await app.press('e');
  });

  test('tab moves the focus into it and back; the focus is marked without colour', async () => {
    expect(inverse()).toEqual(['p000']);
    expect([app.lines[TOP_ROW - 1], title()]).toEqual([
      expect.stringMatching(/^▸ PROCESS/),
      expect.stringMatching(/^EVENTS {2}\d\d–50 of 50 since start {2}following$/),
    ]);
    await app.press(TAB, UP);
    expect(inverse()).toEqual(['p048']);
    expect([app.lines[TOP_ROW - 1], title()]).toEqual([
      expect.stringMatching(/^ {2}PROCESS/),
      expect.stringMatching(/^▸ EVENTS {2}\d\d–50 of 50 since start {2}1 newer below$/),
    ]);
    await app.press(TAB, DOWN);
    expect(inverse()).toEqual(['p001']);
    await app.press('e');
    expect(app.lines[TOP_ROW - 1]).toMatch(/^ {2}PROCESS/);
    expect(inverse()).toEqual(['p001']);
  });

  test('does not move while scrolled up, and follows again at its end', async () => {
    await app.press(TAB, PAGE_DOWN, '\x1b[5~');
    const before = logLines();
    await app.take(...arrivals(20, 100));
    expect(logLines()).toEqual(before);
    expect(title()).toMatch(/30 newer below$/);
    await app.press(END);
    expect(title()).toMatch(/following$/);
    expect(logLines().at(-1)).toContain('p119');
    await app.take(...arrivals(1, 200));
    expect(logLines().at(-1)).toContain('p200');
    await app.press(HOME);
    expect(logLines()[0]).toContain('p000');
    expect(inverse()).toEqual(['p000']);
  });

  test('is filtered by the query of the table', async () => {
    await app.press('/', ...Array.from('p01'), '\r');
    expect(title()).toMatch(/10 of 50 {2}following$/);
    expect(logLines().at(-1)).toContain('p019');
  });

  test('enter goes to the row of the event', async () => {
    await app.press(TAB, UP, UP, '\r');
    expect(inverse()).toEqual(['p047']);
    expect(selectedLine()).toBeLessThan(app.find('EVENTS').y);
    expect(app.text).not.toContain('DETAILS');
    await app.press('\r');
    expect(app.text).toContain('DETAILS');
  });

  test('the title says if the socket of the event is gone', async () => {
    await app.take(batch({ monotonicMs: 2000, closed: ['p049'] }), batch({ monotonicMs: 2000 + LINGER_MS }));
    await app.press(TAB, '\r');
    expect(title()).toMatch(/its socket is gone$/);
    expect(inverse()).toEqual(['p049']);
    await app.press(UP);
    expect(title()).not.toContain('gone');
  });

  test('the title says if the row of the event is hidden, or if it is a gap', async () => {
    const [it = socket()] = crowd(1, 49);
    const [, gone = batch()] = withEvents(
      baseline([it]),
      batch({ monotonicMs: 2000, changed: [{ ...it, state: 'CLOSE_WAIT' }] }),
    );
    await app.take({ ...gone, events: [{ type: 'gap', atMs: NOON_MS, learntBy: 'trace' }] });
    await app.press('/', ...Array.from('established'), '\r', TAB, '\r');
    expect(title()).toMatch(/a gap has no row: its sockets are not known$/);
    await app.press(UP, '\r');
    expect(title()).toMatch(/its row is hidden by the query, a folded group or a hide rule$/);
  });

  test('p and P offer port and process of the event', async () => {
    await app.press(TAB, UP, 'P');
    expect(lineOf('process: ')).toContain('process: p048');
    await app.press('\r');
    expect(app.text).toContain('/ process:p048');
    expect(title()).toMatch(/1 of 50 {2}0 newer below$/);
  });

  test('a click on an event selects it and moves the focus; a click in the table moves it back', async () => {
    const { y } = app.find('EVENTS');
    await app.click(20, y + 2);
    const [selected] = inverse();
    expect(app.lines[y + 2]).toContain(selected);
    expect(title()).toMatch(/^▸/);
    await app.click(20, TOP_ROW + 2);
    expect(inverse()).toEqual(['p002']);
    expect(title()).toMatch(/^EVENTS/);
  });

  test('the wheel scrolls the pane under the mouse', async () => {
    const { y } = app.find('EVENTS');
    const before = logLines();
    await app.press(wheel(64, y + 3));
    expect(logLines().at(-1)).toContain('›+ p046');
    expect(logLines().slice(3, -1)).toEqual(before.slice(0, -4));
    expect(inverse()).toEqual(['p000']);
    expect(title()).toMatch(/^EVENTS .* 3 newer below$/);
    await app.press(TAB, wheel(65, TOP_ROW + 1));
    expect(inverse()).toEqual(['p003']);
    await app.press(wheel(65, y + 3));
    expect(title()).toMatch(/following$/);
  });

  test('has the focus if it covers the table, and enter closes it', async () => {
    await app.resize(40, 10);
    await app.press(UP);
    expect(title()).toBe('▸ EVENTS  46–50  1 newer below');
    await app.press('\r');
    expect(app.text).not.toContain('EVENTS');
    expect(app.lines.some((line, y) => line.includes('p048') && app.cellAt(5, y).inverse)).toBe(true);
    await app.press('e', TAB);
    expect(app.text).not.toContain('EVENTS');
  });

  test('a tick without events writes nothing', async () => {
    await app.take(batch({ monotonicMs: 30_000 }));
    const bytes = app.bytesWritten;
    await app.take(batch({ monotonicMs: 30_500 }));
    expect(app.bytesWritten).toBe(bytes);
  });
});

describe('connections that open and close between two polls', () => {
  test('are shown with their lifetime and removed after the linger time', async () => {
    const [first = batch(), second = batch()] = BRIEF_BATCHES;
    await app.take(first, second);
    expect(lineOf('40003')).toMatch(/^- curl .* <1ms/);
    expect(lineOf('TIME_WAIT')).toMatch(/^\+ gone .* 100ms/);
    expect(app.lines[0]).toContain('3 sockets');
    const quiet = (monotonicMs: number) =>
      batch({ ...second, spawned: [], closed: [], events: [], monotonicMs });
    await app.take(quiet(3900));
    expect(lineOf('40003')).toMatch(/<1ms/);
    await app.take(quiet(1000 + LINGER_MS));
    expect(app.text).not.toContain('40003');
    expect(lineOf('TIME_WAIT')).toMatch(/100ms/);
  });

  test('the header shows missed events for a minute', async () => {
    await app.take(...BRIEF_BATCHES);
    expect(app.lines[1]).toContain('12 closes missed at 12:00:01');
    await app.take(batch({ monotonicMs: 61_500 }));
    expect(app.lines[1]).toContain('some state changes missed');
    await app.take(batch({ monotonicMs: 62_000 }));
    expect(app.lines[1]).not.toContain('missed');
  });
});

describe('keys', () => {
  /** Returns the marked view in the line above the titles. */
  const activeView = () =>
    Array.from(app.lines[TOP_ROW - 2] ?? '', (it, x) => (app.cellAt(x, TOP_ROW - 2).bold ? it : '')).join('');

  test('many keys in one chunk are all handled', async () => {
    await app.take(baseline(crowd(20)));
    await app.press(`${DOWN}${DOWN}\x1b[<65;5;8M${DOWN}`);
    expect(selectedLine()).toBe(TOP_ROW + 6);
  });

  test('esc first cancels the prompt, then closes the pane, then clears the query', async () => {
    await app.take(...BATCHES);
    await app.press('e', 'l', '/', 'c', 'u', 'r', 'l');
    expect(app.text).toContain('0 of 16');
    await app.press(ESC);
    expect(activeView()).toBe('2 listening');
    expect(app.text).toContain('5 of 16');
    expect(app.text).toContain('EVENTS');
    await app.press(ESC);
    expect(app.text).not.toContain('EVENTS');
    expect(app.text).toContain('5 of 16');
    await app.press(ESC);
    expect(activeView()).toBe('1 all');
    expect(app.text).toContain('16 of 16');
    // The query can be brought back.
    expect((await app.press('u')).text).toContain('the query is back');
    expect(app.text).toContain('5 of 16');
    expect((await app.press('u')).text).toContain('nothing to undo');
  });

  test('keys set the interval, suspend and quit', async () => {
    await app.take(baseline([]));
    await app.press('+', '-', '-', '\x1a', 'q', '\x03');
    expect(app.intervals).toEqual([2000, 1000, 500]);
    expect(app.text).toContain('500ms');
    expect([app.suspends.length, app.quits.length]).toEqual([1, 2]);
  });

  test('letters are typed while a prompt is open', async () => {
    await app.take(...BATCHES);
    await app.press('/', 'q', 'p', ' ', '?', '日');
    expect(app.quits).toEqual([]);
    expect(lineOf('/ qp')).toContain('/ qp ?日');
  });

  test('P offers the program of the selected row, and enter filters by it', async () => {
    await app.take(...BATCHES);
    const { x, y } = app.find('TIME_WAIT');
    await app.click(x, y);
    await app.press('P', '\r');
    expect(app.text).toContain('/ process:wget');
    expect(app.text).toContain('1 of 16');
  });
});

describe('the picture', () => {
  test('marks fade without a tick', async () => {
    await app.take(...BATCHES.slice(0, 3));
    expect(app.text).toContain('dhcpcd');
    await app.pass(LINGER_MS);
    expect(app.text).not.toContain('dhcpcd');
    expect(app.lines.slice(TOP_ROW).some((line) => /^[+~-]/.test(line))).toBe(false);
  });

  test('does not change while paused, and catches up afterwards', async () => {
    await app.take(...BATCHES);
    await app.press(' ');
    const before = app.lines.slice(TOP_ROW);
    await app.take(LATER);
    expect(app.lines.slice(TOP_ROW)).toEqual(before);
    expect(app.text).toContain('paused  +1 ~1 −1 since');
    await app.press(' ');
    expect(app.text).not.toContain('paused');
    expect(app.text).toContain('aardvark');
    expect(app.text).toContain('FIN_WAIT1');
  });

  test('usage is read only for the selected process, and only while the details are open', async () => {
    app.usage = { pid: 0, cpuPercent: 12.5, memoryBytes: 1024 };
    await app.take(baseline([SCENE.curl, SCENE.node]));
    expect(app.usageRequests).toEqual([]);
    await app.press('\r');
    await app.press(DOWN);
    await app.take(batch({ monotonicMs: 1000 }));
    expect(app.usageRequests).toEqual([81301, 81234]);
    expect(app.text).toContain('CPU 12.5 %');
    await app.press('\r');
    const before = app.usageRequests.length;
    await app.take(batch({ monotonicMs: 2000 }));
    expect(app.usageRequests).toHaveLength(before);
  });

  test('a new size changes the whole layout', async () => {
    await app.take(...BATCHES);
    await app.resize(60, 12);
    expect(app.lines.every((line) => line.trimEnd().length <= 60)).toBe(true);
    expect(app.lines[11]).toContain('? help');
    await app.resize(200, 50);
    expect(app.text).toContain('2001:db8:1111:2222:3333:4444:5555:6666');
    for (const [columns, rows] of [
      [1, 1],
      [20, 3],
      [80, 24],
    ] as const)
      await app.resize(columns, rows);
    expect(app.text).toContain('PROCESS');
  });

  test('redraw writes the whole screen again, unchanged', async () => {
    await app.take(...BATCHES);
    const before = { text: app.text, bytes: app.bytesWritten };
    await app.press('\x0c');
    expect(app.bytesWritten - before.bytes).toBeGreaterThan(1000);
    expect(app.text).toBe(before.text);
  });

  test('the graph strip shows the history since the start', async () => {
    await app.take(...BATCHES);
    await app.press('m');
    // The package is loaded when the strip is first shown.
    await import('blessed-contrib/lib/widget/sparkline.js');
    await app.shown();
    expect(lineOf('sockets 1')).toMatch(/sockets 16:? +opened 2 in 5 min:? +closed 1 in 5 min/);
    expect(app.text).toMatch(/[▁▂▃▄▅▆▇█]/);
    // The help that covered it leaves nothing between the sparklines.
    const before = app.text;
    await app.press('?', ESC);
    expect(app.text).toBe(before);
    await app.press('m');
    expect(app.text).not.toContain('in 5 min');
  });

  test('a query of the command line filters the first picture', async () => {
    app.close();
    app = new FakeApp(120, 40, after(emptyState('listen port:22')));
    await app.take(...BATCHES);
    expect(app.text).toContain('/ listen port:22');
    expect(app.text).toContain('1 of 16');
  });
});
