// Panes: which rows are visible, the details, the mouse, and the chosen cell.
import { describe, expect, test } from 'vitest';
import { PALETTES } from '../../src/store/state.ts';
import { escape } from './finding.ts';
import { isLinux, selectedLine, selectedY, tableRows } from './netpane.ts';
import {
  atEachSize,
  filterLine,
  openAll,
  refresh,
  SCENE_SIZE,
  SIZES,
  titleLine,
  useScene,
  useScreen,
} from './scene.ts';

const [cols, rows] = SIZES[0];
/** Lines of the screen. */
const [FILTER, TITLES] = [2, 3];
/** The colour of what stands out. */
const CYAN = 6;

describe.skipIf(!isLinux)('panes (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene, { cols, rows, args: ['--palette', 'standard'] });

  test('the filter line says which rows are visible, and the title which column orders them, at five sizes', async () => {
    const t = await show();
    await atEachSize(t, async () => {
      const shows = (part: 'first' | 'last') => () => {
        // The table is a line lower while another test causes a diagnosis.
        const visible = tableRows(t).length;
        const from = part === 'first' ? 1 : SCENE_SIZE - visible + 1;
        const range = visible < SCENE_SIZE ? `${from}–${from + visible - 1} · ` : '';
        return filterLine(t).includes(` ${range}${SCENE_SIZE} of `);
      };
      await t.until('the first rows', shows('first'));
      t.press('end');
      await t.until('the last rows', shows('last'));
      t.press('home');
      await t.until('the first rows again', shows('first'));
      expect(t.cell(titleLine(t).indexOf('PROCESS▴'), TITLES)).toMatchObject({ fg: CYAN, bold: true });
    });
    t.write('5');
    await t.until('the order of the view', () => titleLine(t).includes('RATE▾'));
    await atEachSize(t, () => {
      expect(titleLine(t)).toMatch(/ RATE▾/);
      expect(t.cell(titleLine(t).indexOf('RATE▾'), TITLES).fg).toBe(CYAN);
      expect(t.cell(titleLine(t).indexOf('PROCESS'), TITLES).fg).toBeUndefined();
    });
    await openAll(t);
  });

  test('the details lie where there is room, and scroll to everything that is known, at five sizes', async () => {
    const t = await show();
    const title = () => t.rows().findIndex((line) => line.includes('DETAILS'));
    const position = () => /DETAILS(?: {2}(\d+)–(\d+) of (\d+))?$/.exec(t.rows()[title()]?.trimEnd() ?? '');
    t.press('enter');
    await t.until('the hint of tab', () => t.rows().at(-1)?.startsWith('tab details'));
    expect(selectedLine(t)).not.toBe('');
    t.press('tab');
    await t.until('the focus', () => t.rows()[title()]?.includes('▸ DETAILS'));
    // The lines of the evidence come one part after the other.
    await t.until('the verdict', () => t.text().includes('verdict ') && !t.text().includes('reading …'));
    await atEachSize(t, async (width, height) => {
      if (width >= 200) expect(titleLine(t)).toMatch(/STATE .* ▸ DETAILS(?: {2}\d|$)/);
      // Below rows of the table, fewer of them on a low screen; on the lowest one instead of it.
      else expect(title()).toBeGreaterThanOrEqual(height > 15 ? 9 : height > 10 ? TITLES + 4 : TITLES);
      t.press('end');
      await t.until('the last lines', () => position()?.[2] === position()?.[3]);
      expect(t.text()).toMatch(/(^| )id +\S/m);
      t.press('home');
      await t.until('the first lines', () => ['1', undefined].includes(position()?.[1]));
      expect(t.text()).toMatch(/(^| )socket +(tcp|udp)/m);
      for (const line of t.rows()) expect(line.length).toBeLessThanOrEqual(width);
    });
    t.press('tab');
    await escape(t, () => !t.text().includes('DETAILS'));
  });

  test('titles, hints, views, rows and lists are clickable, a double-click opens the details, at five sizes', async () => {
    const t = await show();
    await atEachSize(t, async (_, height) => {
      const [first] = tableRows(t);
      const y = first?.y ?? -1;
      await refresh(t);
      t.click(10, y);
      t.click(10, y);
      await t.until('its details', () => new RegExp(`local +\\S+:${first?.localPort}\\b`).test(t.text()));
      t.press('escape');
      await t.until('no details', () => !t.text().includes('DETAILS'));
      await refresh(t);
      t.click(2, TITLES);
      await t.until('the other order', () => titleLine(t).includes('PROCESS▾'));
      await refresh(t);
      t.click(2, TITLES);
      await t.until('the order', () => titleLine(t).includes('PROCESS▴'));
      await refresh(t);
      t.click((t.rows().at(-1) ?? '').indexOf('help'), height - 1);
      await t.until('the help', () => /^HELP/m.test(t.text()));
      t.press('escape');
      await t.until('the table', () => titleLine(t).includes('PROCESS'));
    });
    // The chosen cell and the query.
    for (let i = 0; i < 2; i++) t.press('escape');
    await t.until('the views', () => filterLine(t).includes('2 listening'));
    await atEachSize(t, async (width) => {
      const x = filterLine(t).indexOf('2 listening');
      // A narrow line has no room for views if the machine has many sockets: their list has them.
      if (x < 0) {
        expect(width).toBeLessThan(80);
        t.write('v');
        await t.until('the list', () => /^VIEWS[^]* 2 listening/m.test(t.text()));
        const before = t.bytesWritten;
        t.press('ctrl-l');
        await t.until('the picture', () => t.received(before).includes('close'));
        const y = t.rows().findIndex((row) => row.startsWith('  2 listening'));
        for (let i = 0; i < 2; i++) t.click(6, y);
        await t.until('the view, by a double-click', () => titleLine(t).includes('EXPOSURE'));
        t.write('1');
        await t.until('all', () => !titleLine(t).includes('EXPOSURE'));
        return;
      }
      await refresh(t);
      t.click(x, FILTER);
      await t.until('the view', () => titleLine(t).includes('EXPOSURE'));
      await refresh(t);
      // Rows that close may take the room of the views for a moment.
      await t.until('the views', () => filterLine(t).startsWith('1 all'));
      t.click(1, FILTER);
      await t.until('all', () => !titleLine(t).includes('EXPOSURE'));
    });
  });

  // Last, because it chooses a cell and another palette.
  test('the chosen cell is in brackets, and no hole in its row, with every palette, at five sizes', async () => {
    const t = await show();
    for (const key of ['right', 'right', 'left'] as const) t.press(key);
    await t.until('the cell', () => /\[\S+ *\]/.test(selectedLine(t)));
    for (const palette of PALETTES) {
      if (palette !== 'standard') {
        const before = t.bytesWritten;
        t.write('c');
        await t.until(palette, () => t.bytesWritten > before);
      }
      await atEachSize(t, () => {
        const y = selectedY(t);
        expect(t.cells()[y]?.every(({ inverse }) => inverse)).toBe(true);
        const x = t.rows()[y]?.search(/\[\S+ *\]/) ?? -1;
        expect(t.cell(x, y).bold).toBe(true);
        expect(t.cell(x + 1, y).bold).toBe(true);
      });
    }
  });
});
