import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GREY } from '../../src/tui/theme.ts';
import { FakeApp, TOP_ROW } from '../helpers/app.ts';
import { after, baseline, batch, crowd, emptyState, LINGER_MS, socket } from '../helpers/fakes.ts';
import { BATCHES, LATER, SCENE } from '../helpers/scene.ts';

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

const ESC = '\x1b';
const [DOWN, END] = ['\x1b[B', '\x1b[F'];

describe('terminal output', () => {
  test('a tick without changes writes nothing', async () => {
    // The ages change at ten seconds, and then at thirty: `>10s`, `>30s`.
    await app.take(baseline(Object.values(SCENE)), batch({ monotonicMs: 10_000 }));
    const before = app.bytesWritten;
    expect(before).toBeGreaterThan(1000);
    await app.take(
      batch({ monotonicMs: 11_000 }),
      batch({ monotonicMs: 12_000 }),
      batch({ monotonicMs: 29_000 }),
    );
    expect(app.bytesWritten - before).toBe(0);
  });

  test('a change of an invisible row writes only the counts', async () => {
    await app.take(baseline(crowd(200)));
    const before = app.lines.slice(TOP_ROW);
    const bytes = app.bytesWritten;
    await app.take(batch({ monotonicMs: 900, closed: ['p150'] }));
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
    expect(app.lines[app.selectedLine]).toContain('p011');
    await app.take(last);
    expect(app.lines[app.selectedLine]).toContain('p011');
  });

  test('the header shows no counts before the baseline is complete', async () => {
    await app.take(baseline(crowd(3), { partial: true }));
    await app.press('j');
    expect(app.lines[0]).not.toContain('sockets');
    await app.take(baseline(crowd(3, 10)));
    expect(app.lines[0]).toContain('6 sockets');
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
    // The colour of a blank is not visible.
    const visible = app.lines.flatMap((line, y) => Array.from(line, (_, x) => app.cellAt(x, y)));
    const coloured = visible.filter(
      ({ character, colour }) => character.trim() !== '' && colour !== undefined,
    );
    expect(coloured).toEqual([]);
  });

  test('only the selected row is inverse, over its whole width', async () => {
    await app.take(...BATCHES);
    expect(app.selectedLine).toBe(TOP_ROW);
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

describe('keys', () => {
  /** Returns the marked view in the line above the titles. */
  const activeView = () =>
    Array.from(app.lines[TOP_ROW - 2] ?? '', (it, x) => (app.cellAt(x, TOP_ROW - 2).bold ? it : '')).join('');

  test('many keys in one chunk are all handled', async () => {
    await app.take(baseline(crowd(20)));
    await app.press(`${DOWN}${DOWN}\x1b[<65;5;8M${DOWN}`);
    expect(app.selectedLine).toBe(TOP_ROW + 6);
  });

  test('many keys in one chunk are painted once', async () => {
    await app.take(baseline(crowd(200)));
    await app.press(DOWN);
    const before = app.bytesWritten;
    await app.press(END);
    const once = app.bytesWritten - before;
    await app.press('S'.repeat(99) + END);
    expect(app.bytesWritten - before).toBeLessThan(4 * once);
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
    expect(app.lineOf('/ qp')).toContain('/ qp ?日');
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
    await app.press('M');
    // The package is loaded when the strip is first shown.
    await import('blessed-contrib/lib/widget/sparkline.js');
    await app.shown();
    expect(app.lineOf('sockets 1')).toMatch(/sockets 16:? +opened 2 in 5 min:? +closed 1 in 5 min/);
    expect(app.text).toMatch(/[▁▂▃▄▅▆▇█]/);
    // The help that covered it leaves nothing between the sparklines.
    const before = app.text;
    await app.press('?', ESC);
    expect(app.text).toBe(before);
    await app.press('M');
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
