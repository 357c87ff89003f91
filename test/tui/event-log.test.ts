import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeApp, TOP_ROW } from '../helpers/app.ts';
import { baseline, batch, crowd, LINGER_MS, NOON_MS, socket, withEvents } from '../helpers/fakes.ts';
import { BRIEF_BATCHES } from './event-scene.ts';

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

const [DOWN, UP, PAGE_DOWN, HOME, END] = ['\x1b[B', '\x1b[A', '\x1b[6~', '\x1b[H', '\x1b[F'];

describe('the event log', () => {
  const TAB = '\t';
  const wheel = (button: 64 | 65, y: number) => `\x1b[<${button};5;${y + 1}M`;
  /** Returns batches with spawn events of numbered programs. */
  const arrivals = (count: number, from = 0) => {
    const spawned = crowd(count, from);
    const monotonicMs = 1000 + from;
    return withEvents(batch({ monotonicMs, spawned }));
  };
  const title = () => app.lineOf('EVENTS').trimEnd();
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
      expect.stringMatching(/^▸ EVENTS {2}\d\d–50 of 50 since start {2}1 newer$/),
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
    expect(title()).toMatch(/30 newer$/);
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
    expect(app.selectedLine).toBeLessThan(app.find('EVENTS').y);
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
    expect(app.lineOf('process: ')).toContain('process: p048');
    await app.press('\r');
    expect(app.text).toContain('/ process:p048');
    expect(title()).toMatch(/1 of 50 {2}0 newer$/);
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
    expect(title()).toMatch(/^EVENTS .* 3 newer$/);
    await app.press(TAB, wheel(65, TOP_ROW + 1));
    expect(inverse()).toEqual(['p003']);
    await app.press(wheel(65, y + 3));
    expect(title()).toMatch(/following$/);
  });

  test('has the focus if it covers the table, and enter closes it', async () => {
    await app.resize(40, 10);
    await app.press(UP);
    expect(title()).toBe('▸ EVENTS  46–50  1 newer');
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
    expect(app.lineOf('40003')).toMatch(/^- curl .* <1ms/);
    // A remnant has an age of its own.
    expect(app.lineOf('TIME_WAIT')).toMatch(/^\+ gone .* 0s/);
    expect(app.lines[0]).toContain('3 sockets');
    const quiet = (monotonicMs: number) =>
      batch({ ...second, spawned: [], closed: [], events: [], monotonicMs });
    await app.take(quiet(3900));
    expect(app.lineOf('40003')).toMatch(/<1ms/);
    await app.take(quiet(1000 + LINGER_MS));
    expect(app.text).not.toContain('40003');
    expect(app.lineOf('TIME_WAIT')).toMatch(/ 3s/);
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
