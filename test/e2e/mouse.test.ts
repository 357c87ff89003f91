// The mouse, and input in pieces of any size.
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { escape } from './finding.ts';
import { faults, isLinux, rowOf, selectedLine, selectedY, tableRows } from './netpane.ts';
import {
  filterLine,
  refresh,
  rowsToBe,
  SCENE_SIZE,
  showScene,
  titleLine,
  useScene,
  useScreen,
  REDIS,
} from './scene.ts';

const wheelDown = '\x1b[<65;5;6M';
const wheelUp = '\x1b[<64;5;6M';
/** Rows by which one notch of the wheel moves. */
const notch = 3;

/** Sorts by the first column, as at the start. */
async function sortByProcess(t: Terminal): Promise<void> {
  await refresh(t);
  t.click(5, 3);
  await t.until('the first order', () => titleLine(t).includes('PROCESS▴'));
}

describe.skipIf(!isLinux)('mouse and input (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene);

  test('a left click selects a row; a right click and a click below the rows do nothing', async () => {
    const t = await show();
    const { y = -1 } = rowOf(t, scene.dual) ?? {};
    await refresh(t);
    t.click(30, y);
    await t.until('the row', () => selectedY(t) === y);
    t.click(30, 27);
    // A right click on another row.
    t.write(`\x1b[<2;5;6M\x1b[<2;5;6m`);
    t.write('n');
    await t.until('the names', () => REDIS.test(t.text()));
    expect(selectedY(t)).toBe(y);
    expect(selectedLine(t)).toContain(String(scene.dual.local.port));
    t.write('n');
    await t.until('the numbers', () => !REDIS.test(t.text()));
  });

  test('a click on a title sorts by it, a second click reverses the order', async () => {
    const t = await show();
    const x = titleLine(t).lastIndexOf('PORT');
    await refresh(t);
    t.click(x + 1, 3);
    await t.until('the sort', () => titleLine(t).lastIndexOf('▴') > x);
    await rowsToBe(t, SCENE_SIZE);
    // A socket without a peer is last, in both directions.
    const ports = () => tableRows(t).map(({ remotePort }) => remotePort);
    const known = ports()
      .filter((port) => port !== '*')
      .toSorted((a, b) => Number(a) - Number(b));
    const unknown = ports().filter((port) => port === '*');
    expect([known.length, unknown.length]).toEqual([11, 4]);
    const are = (wanted: readonly string[]) => ports().join() === wanted.join();
    await t.until('the rows by remote port', () => are([...known, ...unknown]));
    t.click(x + 1, 3);
    await t.until('the reversed order', () => titleLine(t).lastIndexOf('▾') > x);
    await t.until('the rows in reverse order', () => are([...known.toReversed(), ...unknown]));
    await sortByProcess(t);
  });

  test('the wheel moves by three rows', async () => {
    const t = await show();
    t.press('home');
    await t.until('the first row', () => selectedY(t) === 4);
    t.wheel(10, 10, 'down');
    await t.until('three down', () => selectedY(t) === 4 + notch);
    t.wheel(10, 10, 'up');
    await t.until('three up', () => selectedY(t) === 4);
  });

  test('a click beyond column 223 works', async () => {
    const t = await show([230, 20]);
    const x = titleLine(t).lastIndexOf('AGE');
    await refresh(t);
    t.click(x, 3);
    await t.until('the sort by age', () => /AGE?▴/.test(titleLine(t)));
    await refresh(t);
    t.click(228, 9);
    await t.until('the row', () => selectedY(t) === 9);
    // The details open beside the table: column 228 no longer belongs to the table.
    t.press('enter');
    await t.until('the details', () => t.text().includes('DETAILS'));
    await refresh(t);
    t.click(228, 6);
    t.click(20, 7);
    await t.until('the row', () => selectedY(t) === 7);
    t.press('enter');
    await t.until('the pane to close', () => !t.text().includes('DETAILS'));
    await sortByProcess(t);
    // A click also chooses a cell.
    await escape(t, () => !/[[\]]/.test(selectedLine(t)));
  });

  test('escape pressed twice at once is two keys', async () => {
    const t = await show();
    t.write('e');
    await t.until('the events', () => t.text().includes('EVENTS'));
    t.write('\x1b\x1b');
    await t.until(
      'no query and no pane',
      () => filterLine(t).startsWith('1 all') && !t.text().includes('EVENTS'),
    );
  });

  test('an escape sequence in pieces is one key', async () => {
    const t = await showScene(scene, {
      nodeArgs: ['--require', faults],
      env: { NETPANE_FAULT: 'input-in-bytes' },
    });
    t.write('\x1b[B\x1b[<65;5;6M\x1bOB');
    await t.until('five down', () => selectedY(t) === 4 + 1 + notch + 1);
    expect(tableRows(t)).toHaveLength(SCENE_SIZE);
    expect(filterLine(t)).toMatch(/^\/ process:/);
    t.write('/zü漢');
    await t.until('the characters', () => filterLine(t).includes(' zü漢'));
    // Escape without a sequence is still the escape key.
    t.press('escape');
    await rowsToBe(t, SCENE_SIZE);
  });

  // Last, because it quits.
  test('all keys and clicks that arrive in one piece count', async () => {
    const t = await show();
    t.press('home');
    await t.until('the first row', () => selectedY(t) === 4);
    t.write(wheelDown.repeat(3) + wheelUp);
    await t.until('two notches', () => selectedY(t) === 4 + 2 * notch);
    // The wheel, a click on the fifth row, three keys, a prompt with its answer, and a key.
    t.write(`${wheelDown}\x1b[<0;5;9M\x1b[<0;5;9mjk\x1b[A/estab\rS`);
    await rowsToBe(t, 11);
    await t.until('the last key', () => titleLine(t).includes('▾'));
    expect(filterLine(t)).toMatch(/^\/ process:\S+ estab/);
    t.press('home');
    t.write(`${wheelDown}q`);
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });
});
