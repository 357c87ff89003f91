// Screen sizes and palettes.
import { describe, expect, test } from 'vitest';
import type { Cell } from '../helpers/svg.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { isLinux, newHerd, rowOf, selectedLine, startNetpane, tableRows, uniqueName } from './netpane.ts';
import {
  filterLine,
  refresh,
  rowsToBe,
  SCENE_SIZE,
  titleLine,
  useScene,
  useScreen,
  visibleCells,
} from './scene.ts';

/** A netpane whose first poll is its only one. */
const ONE_POLL = { args: ['--interval', '60m'] };

/** Returns a line as text with its attributes, so that a difference is readable. */
const lineOf = (cells: readonly Cell[]) =>
  cells
    .map((cell, x) => {
      const style = styleOf(cell);
      return (x > 0 && style === styleOf(cells[x - 1] ?? cell) ? '' : `{${style}}`) + (cell.text || ' ');
    })
    .join('');

const styleOf = ({ fg, bg, bold, dim, italic, underline, inverse }: Cell) =>
  [fg, bg, bold && 'bold', dim && 'dim', italic && 'italic', underline && 'underline', inverse && 'inverse']
    .filter((word) => word !== false)
    .join(' ')
    .trim();

const screen = (t: Terminal) => visibleCells(t).map(lineOf);

const coloured = (t: Terminal) =>
  visibleCells(t)
    .flat()
    .filter(({ fg, bg }) => fg !== undefined || bg !== undefined);

describe.skipIf(!isLinux)('the picture by size and palette (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene, { args: [...ONE_POLL.args, '--palette', 'standard'] });

  test('shows the same picture again after other sizes', async () => {
    const t = await show();
    t.press('home');
    t.press('down');
    await t.until('a selection', () => selectedLine(t) === t.rows()[5]);
    const before = screen(t);
    t.resize(40, 10);
    await t.until('the small screen', () => /^\/ filter .*help$/.test(t.rows()[9] ?? ''));
    expect(
      t
        .rows()
        .slice(4, 9)
        .every((row) => row.includes(scene.name.slice(0, 4))),
    ).toBe(true);
    const small = screen(t);
    await refresh(t);
    expect(screen(t)).toEqual(small);
    t.resize(250, 60);
    await t.until('the large screen', () => t.rows()[59]?.startsWith('/ filter'));
    t.resize(120, 30);
    await t.until('the first size', () => t.rows()[29]?.startsWith('/ filter') && /AGE$/.test(titleLine(t)));
    expect(screen(t)).toEqual(before);
    await refresh(t);
    expect(screen(t)).toEqual(before);
  });

  test('shows program, remote endpoint and state at 40×10, where every key works', async () => {
    const t = await show([40, 10]);
    expect(t.rows()[0]).toMatch(/\d/);
    expect(filterLine(t)).toMatch(/^\/ process:\S+ +(?:rows )?1–5 · 15 of/);
    for (const title of ['PROCESS', 'REMOTE', 'PORT', 'STATE'])
      expect(titleLine(t).replace('▴', 'S')).toContain(title);
    for (const row of t.rows()) expect(row.length).toBeLessThanOrEqual(40);
    t.write('l');
    await t.until(
      'the listeners',
      () => filterLine(t).includes(' 4 of') && titleLine(t).includes('LOCAL:PORT'),
    );
    t.write('l');
    t.press('enter');
    await t.until('the details', () => t.text().includes('DETAILS') && /^remote /m.test(t.text()));
    t.press('enter');
    await t.until('the table', () => titleLine(t).includes('REMOTE'));
    t.write('e');
    await t.until('the events', () => t.text().includes('EVENTS'));
    t.write('e?');
    await t.until('the help', () => /^HELP {2}1–5 of \d+ /.test(t.rows()[3] ?? ''));
    t.press('end');
    await t.until('its end', () => /^HELP {2}\d+–(\d+) of \1 /m.test(t.text()));
    t.press('escape');
    await t.until('the table', () => titleLine(t).includes('REMOTE'));
  });

  test('shows the program in the details at 40×10', async () => {
    const t = await show([40, 10]);
    t.press('enter');
    await t.until('the details', () => /^remote /m.test(t.text()));
    expect(t.text()).toMatch(/^program +np/m);
    t.press('enter');
    await t.until('the table', () => titleLine(t).includes('REMOTE'));
  });

  test('runs in a terminal of one cell, and grows with it', async () => {
    const t = startNetpane({
      ...ONE_POLL,
      cols: 1,
      rows: 1,
      args: ['--process', scene.name, ...ONE_POLL.args],
    });
    await t.until('the only cell', () => t.cell(0, 0).inverse);
    for (const [cols, rows] of [
      [3, 3],
      [2, 1],
      [1, 40],
      [300, 2],
      [9, 7],
    ] as const) {
      t.resize(cols, rows);
      const before = t.bytesWritten;
      await t.until(`${cols}×${rows}`, () => t.bytesWritten > before);
      t.write('jk?Gq');
      t.press('enter');
      t.press('enter');
    }
    t.resize(120, 30);
    await rowsToBe(t, SCENE_SIZE);
    t.press('ctrl-c');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });

  test('keeps the background of the terminal, and `c` goes through the palettes', async () => {
    const t = await show([120, 45]);
    t.write('Me');
    t.press('enter');
    await t.until(
      'all panes',
      () => /EVENTS/.test(t.text()) && /DETAILS/.test(t.text()) && /opened \d/.test(t.text()),
    );
    const backgrounds = () =>
      t
        .cells()
        .flat()
        .filter(({ bg }) => bg !== undefined);
    expect(backgrounds()).toEqual([]);
    // The usage of the process shows later, and changes all the time.
    const withoutUsage = (lines: string[]) => lines.filter((line) => !line.includes('usage')).join('\n');
    await t.until('the usage', () => /^usage /m.test(t.text()));
    await t.until('the verdict', () => /^verdict /m.test(t.text()) && !t.text().includes('reading …'));
    const standard = screen(t);
    expect(coloured(t)).not.toEqual([]);
    t.write('c');
    await t.until('the high-contrast palette, without colours', () => coloured(t).length === 0);
    t.write('c');
    await t.until('the palette for the colour-blind', () => coloured(t).some(({ fg }) => fg === 63));
    expect(backgrounds()).toEqual([]);
    t.write('c');
    await t.until('no colour', () => coloured(t).length === 0);
    t.write('c');
    await t.until('the first palette', () => t.text().includes('colours: standard'));
    expect(coloured(t).some(({ fg }) => fg === 6)).toBe(true);
    // Another key removes the message.
    t.write('gg');
    await t.until('the same picture', () => withoutUsage(screen(t)) === withoutUsage(standard));
    for (let pane = 0; pane < 3; pane++) t.press('escape');
    await t.until('the table alone', () => !/EVENTS|DETAILS|verdict/.test(t.text()));
  });

  test.each([
    ['NO_COLOR', { env: { NO_COLOR: '1' } }],
    ['--no-color', { args: ['--no-color'] }],
  ])('has marks and no colour with %s', async (_, start) => {
    const herd = newHerd();
    const name = uniqueName();
    const server = await herd.spawn({ title: name });
    const [first, second] = [await server.listen(), await server.listen()];
    const args = [
      '--process',
      name,
      '--interval',
      '100ms',
      '--linger',
      '60m',
      ...('args' in start ? start.args : []),
    ];
    const t = startNetpane({ ...start, args });
    await t.until('both', () => tableRows(t).length === 2);
    await server.close([first]);
    const third = await server.listen();
    t.write('eM');
    await t.until('both marks', () => rowOf(t, first)?.mark === '-' && rowOf(t, third)?.mark === '+');
    t.press('enter');
    t.write('/x');
    t.press('escape');
    await t.until('the events', () => /^EVENTS {2}\d/m.test(t.text()) && /DETAILS/.test(t.text()));
    expect(coloured(t)).toEqual([]);
    // No colour was written at any time: 3x, 4x, 9x and 10x are colours.
    expect(t.received().toString('latin1')).not.toMatch(/\x1b\[(?:[\d;]*;)?(?:[349]|10)\d(?:;[\d;]*)?m/);
    await t.until('the selection', () => selectedLine(t).includes(name) && rowOf(t, second)?.mark === ' ');
  });
});
