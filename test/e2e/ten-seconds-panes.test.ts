// Where am I, details, the mouse, and the chosen cell.
import { describe, expect, test } from 'vitest';
import { isLinux, rowOf, selectedLine, selectedY } from './netpane.ts';
import { filterLine, refresh, SCENE_SIZE, select, showScene, titleLine, useScene } from './scene.ts';

describe.skipIf(!isLinux)('panes (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();

  test.each([
    [60, 15],
    [40, 10],
  ])('6: the filter line says which rows are visible, at %i×%i', async (cols, rows) => {
    const t = await showScene(scene, { cols, rows });
    await t.until('the first rows', () => filterLine(t).includes(` 1–${rows - 5} · ${SCENE_SIZE} of `));
    t.press('end');
    const [first, last] = [SCENE_SIZE - (rows - 5) + 1, SCENE_SIZE];
    await t.until('the last rows', () => filterLine(t).includes(` ${first}–${last} · ${SCENE_SIZE} of `));
  });

  test.each([
    [80, 24],
    [40, 10],
  ])('6: the details scroll to everything that is known, at %i×%i', async (cols, rows) => {
    const t = await showScene(scene, { cols, rows });
    const title = () => t.rows().find((line) => line.includes('DETAILS')) ?? '';
    t.press('enter');
    await t.until('the first lines', () => /DETAILS {2}1–\d+ of \d+/.test(title()));
    if (rows === 24) {
      // Below the table, which keeps its room.
      await t.until('the hint of tab', () => t.rows().at(-1)?.startsWith('tab details'));
      expect(selectedLine(t)).not.toBe('');
      t.press('tab');
    }
    await t.until('the focus', () => title().startsWith('▸ DETAILS'));
    t.press('end');
    await t.until('the last lines', () => /DETAILS {2}\d+–(\d+) of \1$/.test(title()));
    expect(t.text()).toMatch(/^id +\S/m);
    t.press('up');
    await t.until('a line higher', () => !/DETAILS {2}\d+–(\d+) of \1$/.test(title()));
    t.press('home');
    await t.until('the first lines again', () => /DETAILS {2}1–/.test(title()));
  });

  test('6: the details lie beside the table where there is room, at 200×50', async () => {
    const t = await showScene(scene, { cols: 200, rows: 50 });
    t.press('enter');
    await t.until('the details', () => /STATE .* DETAILS/.test(titleLine(t)));
    // Everything fits: there is no position.
    expect(titleLine(t)).toMatch(/DETAILS$/);
  });

  test('12: views, titles and hints are clickable, a double-click opens the details, at 80×24', async () => {
    const t = await showScene(scene, { cols: 80, rows: 24 });
    const { y = -1 } = rowOf(t, scene.udp) ?? {};
    await refresh(t);
    t.click(10, y);
    t.click(10, y);
    await t.until('its details', () => t.text().includes('DETAILS'));
    expect(t.text()).toMatch(new RegExp(`^local +\\S+:${scene.udp.local.port}`, 'm'));
    // The pane, the chosen cell and the query.
    for (let i = 0; i < 3; i++) t.press('escape');
    await t.until('the views', () => filterLine(t).includes('2 listening'));
    const x = filterLine(t).indexOf('2 listening');
    await refresh(t);
    t.click(x, 2);
    await t.until('the view', () => t.cell(x, 2).bold);
    const column = titleLine(t).indexOf('PROCESS');
    await refresh(t);
    t.click(column, 3);
    await t.until('the order', () => titleLine(t).includes('PROCESS▾'));
    const hints = t.rows().at(-1) ?? '';
    await refresh(t);
    t.click(hints.indexOf('help'), 23);
    await t.until('the help', () => /^HELP/m.test(t.text()));
  });

  test.each(['standard', 'high-contrast', 'colour-blind', 'mono'])(
    '12: the chosen cell is in brackets, and no hole in its row, with the palette %s, at 80×24',
    async (palette) => {
      const t = await showScene(scene, { cols: 80, rows: 24, args: ['--palette', palette] });
      await select(t, scene.udp);
      t.press('right');
      t.press('right');
      t.press('left');
      await t.until('the cell', () => /\[\S+ *\]/.test(selectedLine(t)));
      const y = selectedY(t);
      expect(t.cells()[y]?.every(({ inverse }) => inverse)).toBe(true);
      const x = t.rows()[y]?.indexOf('[') ?? -1;
      expect(t.cell(x, y).bold).toBe(true);
      expect(t.cell(x + 1, y).bold).toBe(true);
    },
  );
});
