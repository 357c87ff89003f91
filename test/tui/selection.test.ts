import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeApp, TOP_ROW } from '../helpers/app.ts';
import { baseline, batch, crowd, LINGER_MS, socket } from '../helpers/fakes.ts';

let app: FakeApp;
beforeEach(() => {
  app = new FakeApp(120, 40);
});
afterEach(() => app.close());

const [DOWN, UP, PAGE_DOWN, HOME, END] = ['\x1b[B', '\x1b[A', '\x1b[6~', '\x1b[H', '\x1b[F'];

describe('selection', () => {
  test('moves by rows and pages, within the ends', async () => {
    await app.take(baseline(crowd(100)));
    await app.press(UP);
    expect(app.selectedLine).toBe(TOP_ROW);
    await app.press(DOWN, 'j', 'j', 'k');
    expect(app.selectedLine).toBe(TOP_ROW + 2);
    await app.press(PAGE_DOWN);
    expect(app.lines[app.selectedLine]).toContain('p036');
    await app.press(END, DOWN);
    expect(app.lines[app.selectedLine]).toContain('p099');
    await app.press(UP);
    expect(app.lines[app.selectedLine]).toContain('p098');
    await app.press(HOME);
    expect(app.lines[app.selectedLine]).toContain('p000');
  });

  test('stays on its socket when rows come and go above', async () => {
    await app.take(baseline(crowd(10, 10)));
    await app.press(DOWN, DOWN, DOWN);
    expect(app.lines[app.selectedLine]).toContain('p013');
    await app.take(batch({ monotonicMs: 1000, spawned: crowd(5), closed: ['p010'] }));
    expect(app.lines[app.selectedLine]).toContain('p013');
  });

  test('moves to the row at its place when its socket is removed', async () => {
    await app.take(baseline(crowd(10)));
    await app.press(DOWN, DOWN);
    await app.take(batch({ monotonicMs: 1000, closed: ['p002'] }));
    expect(app.lines[app.selectedLine]).toContain('p002');
    await app.take(batch({ monotonicMs: 1000 + LINGER_MS }));
    expect(app.lines[app.selectedLine]).toContain('p003');
    expect(app.selectedLine).toBe(TOP_ROW + 2);
  });

  test('moves to the line of sockets in TIME_WAIT when its row is folded into it, and stays there', async () => {
    const remnants = Array.from({ length: 6 }, (_, n) =>
      socket({ id: `t${n}`, local: `192.0.2.10:${41_000 + n}`, state: 'TIME_WAIT', owners: [] }),
    );
    await app.take(baseline([...crowd(3), ...remnants.slice(0, 5)]));
    await app.press(END, UP, UP);
    expect(app.lines[app.selectedLine]).toContain('41002');
    await app.take(batch({ monotonicMs: 1000, spawned: remnants.slice(5) }));
    expect(app.lines[app.selectedLine]).toContain('6 TIME_WAIT');
    // The row that was selected goes, and others come.
    await app.take(
      batch({ monotonicMs: 2000, closed: ['t2'], spawned: crowd(5, 10) }),
      batch({
        monotonicMs: 2000 + LINGER_MS,
        spawned: remnants.slice(0, 1).map((it) => ({ ...it, id: 't9' })),
      }),
    );
    expect(app.lines[app.selectedLine]).toContain('6 TIME_WAIT');
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

  test('enter opens the details of the row at the cursor, also while the query hides the selected row', async () => {
    await app.take(baseline(crowd(10)));
    await app.press(DOWN, DOWN, '/', ...Array.from('p007'), '\r', '\r');
    expect(app.text).toContain('DETAILS\n');
    await app.press('\r', '/', ...Array.from('\x7f\x7f\x7f\x7f'), '\r');
    expect(app.lines[app.selectedLine]).toContain('p007');
  });

  test('a row in a scrolled table keeps its line when rows are added above', async () => {
    await app.take(baseline(crowd(200, 100)));
    await app.press(PAGE_DOWN, PAGE_DOWN, UP);
    const [line, text] = [app.selectedLine, app.lines[app.selectedLine]];
    await app.take(batch({ monotonicMs: 900, spawned: crowd(20) }));
    expect([app.selectedLine, app.lines[app.selectedLine]]).toEqual([line, text]);
  });
});
