// Views, groups, hide rules and the saved state, on screens of four sizes.
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { escape, FINDING_SIZES, tableLines, tableRoom, toShow } from './finding.ts';
import { isLinux, newHome, selectedLine, selectedY, startNetpane } from './netpane.ts';
import {
  atEachSize,
  filterLine,
  SCENE_SIZE,
  socketCounts,
  titleLine,
  typeQuery,
  useScene,
  useScreen,
} from './scene.ts';

describe.skipIf(!isLinux)('finding sockets (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  // The rows of `all` would have closed sockets of other tests for a while, which the header does not count.
  const screen = useScreen(scene, { args: ['--linger', '0s'] });

  describe.each(FINDING_SIZES)('%i × %i', (cols, rows) => {
    const show = () => screen([cols, rows]);
    const hasTabs = cols >= 80;

    test('`1` to `9` open views, `v` saves and deletes one', async () => {
      const t = await show();
      const counted = (kind: RegExp) => Number(kind.exec(t.rows()[0] ?? '')?.[1]?.replaceAll(',', ''));
      for (const [key, name, kind] of [
        ['2', 'listening', /([\d,]+) listen/],
        ['3', 'established', /([\d,]+) estab/],
        ['1', 'all', /([\d,]+)(?: sockets?)? +[\d,]+ estab/],
      ] as const) {
        t.write(key);
        // All numbers come from the same picture. The sockets in TIME_WAIT may be one line, which counts them. The numbers
        // may also agree by chance before the view is open.
        await t.until(`all that are ${name}`, () => {
          const { shown, folded } = socketCounts(t);
          const isView = !hasTabs || filterLine(t).includes(`${key} ${name}`);
          return isView && shown + folded === counted(kind);
        });
        if (!hasTabs) continue;
        const x = filterLine(t).indexOf(`${key} ${name}`);
        for (let i = x; i < x + 2 + name.length; i++) expect(t.cell(i, 2).bold || i === x + 1).toBe(true);
      }
      typeQuery(t, `process:${scene.name} listen proto:tcp\r`);
      await toShow(t, 3, 'that listen');
      t.write('v');
      await t.until('the list', () => t.text().includes('VIEWS') && t.text().includes('1 all '));
      t.write('aall\r');
      // The narrow screen cuts the message.
      await t.until('the message that the name is taken', () =>
        /built-in|other name/.test(filterLine(t) + titleLine(t)),
      );
      t.press('ctrl-u');
      t.write('mine\r');
      await t.until('the new view', () => filterLine(t).includes('saved view "mine"'));
      t.write('1');
      await t.until('all', () => {
        const { shown, folded, total } = socketCounts(t);
        return shown + folded === total;
      });
      t.write('7');
      await toShow(t, 3, 'of the view');
      t.write('v');
      t.press('end');
      await t.until('the line of the view', () =>
        / mine .*\(yours\)|7 mine/.test(t.rows()[selectedY(t)] ?? ''),
      );
      t.write('d');
      await t.until('the view to disappear', () => !t.text().includes('7 mine'));
      t.write('v7');
      await t.until('the message that there is no view', () => filterLine(t).includes('no view 7'));
      // On a narrow screen the message covers the counts, until the next key.
      t.write('DD');
      await toShow(t, 3, 'as before');
    });

    test('`o` groups, enter folds one group, `Z` folds all', async () => {
      const { name } = scene;
      const t = await show();
      t.write('o');
      const header = (end: string, count: number) => (row: string) =>
        row.includes(`${name}-${end} (${count})`);
      await t.until('the first group', () => tableLines(t).some(header('cli', 6)));
      t.write('Z');
      await t.until('two lines', () => tableLines(t).length === 2);
      expect(tableLines(t).map((row) => /\((\d+)\)/.exec(row)?.[1])).toEqual(['6', '9']);
      expect(socketCounts(t).shown).toBe(SCENE_SIZE);
      t.press('home');
      await t.until('the first header selected', () => header('cli', 6)(selectedLine(t)));
      t.press('enter');
      // All six rows of the first group, and both headers.
      await t.until('the rows of the first group', () => tableLines(t).length === Math.min(tableRoom(t), 8));
      t.write('z');
      await t.until('the first group folded', () => tableLines(t).length === 2);
      t.write('Z');
      await t.until(
        'all groups unfolded',
        () => tableLines(t).length === Math.min(tableRoom(t), SCENE_SIZE + 2),
      );
      t.write('o');
      await t.until('groups by remote host', () =>
        tableLines(t).some((row) => row.includes('127.0.0.1 (7)')),
      );
      t.write('oooo');
      await t.until('no groups', () => tableLines(t).length === Math.min(tableRoom(t), SCENE_SIZE));
      t.write('z');
      await t.until('the reason', () => filterLine(t).includes('not grouped'));
    });

    test('`h` asks and hides for good, counts what is hidden, and `H` unhides', async () => {
      const t = await show();
      typeQuery(t, `process:${scene.name}-cli rport:5432\r`);
      await toShow(t, 4, 'to the server');
      t.write('hy');
      await t.until('the message', () => filterLine(t).startsWith(`hidden (u undoes): ${scene.name}-cli`));
      t.press('home');
      await toShow(t, 0, 'that are not hidden');
      await t.until('the count', () => /\b4 hidden/.test(filterLine(t)));
      t.write('H');
      await t.until('the list', () => t.text().includes('HIDDEN BY YOU'));
      const line = new RegExp(`${scene.name}-cli +port 5432 +${scene.postgres.local.address.slice(0, 6)}`);
      expect(line.test(t.rows()[selectedY(t)] ?? '')).toBe(true);
      t.write('d');
      await toShow(t, 4, 'again');
      expect(t.text()).toContain('nothing hidden');
      expect(filterLine(t)).not.toContain('hidden');
      await escape(t, () => !t.text().includes('nothing hidden'));
    });
  });

  // The tests above press the same keys at each size: here only what the next start shows depends on it.
  test('with --restore all the next start has the query, views, hide rules, columns, sort, groups and panes, at four sizes', async () => {
    const { name } = scene;
    const home = newHome();
    const [cols, rows] = FINDING_SIZES[0];
    const start = () => startNetpane({ cols, rows, home, args: ['--interval', '200ms', '--restore', 'all'] });
    const t = start();
    await t.until('the first poll', () => socketCounts(t).total >= SCENE_SIZE);
    typeQuery(t, `process:${name}-cli\r`);
    await toShow(t, 6);
    t.write('vamine\r');
    await t.until('the view', () => filterLine(t).includes('saved view "mine"'));
    t.write('v');
    await t.until('the list to close', () => !t.text().includes('VIEWS'));
    typeQuery(t, `process:${name}\r`);
    await toShow(t, SCENE_SIZE);
    t.write('S');
    await t.until('the order', () => titleLine(t).includes('▾'));
    t.press('end');
    await t.until('a connection of the client', () => /ESTAB/.test(selectedLine(t)));
    t.write('hy');
    await t.until('the message', () => filterLine(t).startsWith('hidden'));
    t.press('end');
    const shown = await t.until('fewer sockets', () => {
      const count = socketCounts(t).shown;
      return count > 0 && count < SCENE_SIZE && count;
    });
    t.write('C');
    await t.until('the columns', () => t.text().includes('COLUMNS'));
    t.press('down');
    t.press('space');
    await escape(t, () => !t.text().includes('COLUMNS'));
    const titles: string[] = [];
    const titlesOf = (it: Terminal) => titleLine(it).replace(/ +/g, ' ');
    await atEachSize(t, () => titles.push(titlesOf(t)), FINDING_SIZES);
    t.write('oZ');
    await t.until('groups', () => tableLines(t).length === 2);
    t.write('oooo');
    await t.until('groups by namespace', () => tableLines(t).length === 1 || tableLines(t).length > 2);
    // `q` would only close the event log.
    t.write('e');
    await t.until('the event log', () => t.text().includes('EVENTS'));
    t.press('ctrl-c');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });

    const again = start();
    const toRestore = () =>
      again.until('the same number of sockets', () => socketCounts(again).shown === shown);
    await toRestore();
    const restored: string[] = [];
    await atEachSize(
      again,
      async (width) => {
        await again.until('the event log', () => again.text().includes('EVENTS'));
        again.write('e');
        await again.until('no event log', () => !again.text().includes('EVENTS'));
        await toRestore();
        expect(filterLine(again)).toContain(`/ process:${width >= 80 ? name : name.slice(0, 3)}`);
        expect(filterLine(again)).toContain(' hidden');
        restored.push(titlesOf(again));
        await again.until('the groups', () => tableLines(again).some((row) => /\(\d+\)/.test(row)));
        again.write('e');
        await again.until('the event log', () => again.text().includes('EVENTS'));
      },
      FINDING_SIZES,
    );
    expect(restored).toEqual(titles);
    again.write('e');
    await again.until('no event log', () => !again.text().includes('EVENTS'));
    await atEachSize(
      again,
      async () => {
        again.write('1');
        await again.until('another view', () => socketCounts(again).shown !== shown);
        again.write('7');
        await again.until('the view', () => socketCounts(again).shown > 0 && socketCounts(again).shown < 6);
        again.write('/');
        again.press('up');
        await again.until('the last query', () => filterLine(again).startsWith(`/ process:${name} `));
        again.press('up');
        await again.until('the one before', () => filterLine(again).startsWith(`/ process:${name}-cli `));
        await escape(again, () => !filterLine(again).startsWith(`/ process:${name}-cli `));
      },
      FINDING_SIZES,
    );
  });
});
