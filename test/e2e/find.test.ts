// Queries, views, groups, hide rules, columns and the saved state, on screens of four sizes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import type { Listed } from '../helpers/ss.ts';
import { cleanUp, isLinux, newHerd, newHome, selectedLine, selectedY, startNetpane } from './netpane.ts';
import {
  filterLine,
  refresh,
  SCENE_SIZE,
  socketCounts,
  showScene,
  titleLine,
  typeQuery,
  useScene,
  useScreen,
} from './scene.ts';

const SIZES = [
  [80, 24],
  [120, 40],
  [200, 50],
  [40, 10],
] as const;

const toShow = (t: Terminal, count: number, which = '') =>
  t.until(`${count} sockets ${which}`, () => socketCounts(t).shown === count);

/** Presses escape and waits: escape and a key right after it would be one alt key. */
async function escape(t: Terminal, until: () => unknown): Promise<void> {
  t.press('escape');
  await t.until('what escape leaves', until);
}

/** Returns the texts that were written to the clipboard of the terminal, by OSC 52. */
const copied = (t: Terminal): string[] =>
  [
    ...t
      .received()
      .toString('latin1')
      .matchAll(/\x1b\]52;c;([\w+/=]*)\x07/g),
  ].map(([, base64 = '']) => Buffer.from(base64, 'base64').toString());

/** Returns the lines below the titles that are not empty. */
const tableLines = (t: Terminal): string[] =>
  t
    .rows()
    .slice(4, -1)
    .filter((row) => row.trim() !== '');

describe.skipIf(!isLinux)('finding sockets (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();

  describe.each(SIZES)('%i × %i', (cols, rows) => {
    const show = useScreen(scene, { cols, rows });
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
        // All numbers come from the same picture. The sockets in TIME_WAIT may be one line, which counts them. By chance
        // as many sockets may be shown before the view is.
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
      expect(socketCounts(t).shown).toBe(3);
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
      await t.until('the rows of the first group', () => tableLines(t).length === Math.min(rows - 5, 8));
      t.write('z');
      await t.until('the first group folded', () => tableLines(t).length === 2);
      t.write('Z');
      await t.until('all groups unfolded', () => tableLines(t).length === Math.min(rows - 5, SCENE_SIZE + 2));
      t.write('o');
      await t.until('groups by remote host', () =>
        tableLines(t).some((row) => row.includes('127.0.0.1 (7)')),
      );
      t.write('oooo');
      await t.until('no groups', () => tableLines(t).length === Math.min(rows - 5, SCENE_SIZE));
      t.write('z');
      await t.until('the reason', () => filterLine(t).includes('not grouped'));
    });

    test('`h` asks and hides for good, counts what is hidden, and `H` unhides', async () => {
      const t = await show();
      typeQuery(t, `process:${scene.name}-cli rport:5432\r`);
      await toShow(t, 4, 'to the server');
      t.write('hy');
      await toShow(t, 0, 'that are not hidden');
      // The narrow screen cuts the message.
      expect(filterLine(t)).toContain(hasTabs ? `${scene.name}-cli` : scene.name);
      t.press('home');
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

    test('tab completes terms, and values of present sockets', async () => {
      const { name } = scene;
      const t = await show();
      typeQuery(t, `process:${name}`);
      await toShow(t, SCENE_SIZE, 'of both');
      t.press('tab');
      await t.until(
        'the first value',
        () => filterLine(t).includes(`${name}-cli`) && socketCounts(t).shown === 6,
      );
      t.press('tab');
      await t.until(
        'the second value',
        () => filterLine(t).includes(`${name}-srv`) && socketCounts(t).shown === 9,
      );
      t.press('shift-tab');
      await toShow(t, 6, 'of the first value again');
      t.write(' :543');
      t.press('tab');
      await t.until(
        'a port of a socket',
        () => filterLine(t).includes(':5432') && socketCounts(t).shown === 4,
      );
      t.write(' lis');
      t.press('tab');
      await t.until('a word', () => filterLine(t).includes(' listen') && socketCounts(t).shown === 0);
      t.press('enter');
      // The room for the query depends on the number of sockets of this machine.
      await t.until('the query', () => filterLine(t).startsWith(`/ process:${name}`));
    });

    test('a mistake is marked while you type, and the text stays', async () => {
      const t = await show();
      typeQuery(t, `process:${scene.name} listen`);
      await toShow(t, 4, 'that listen');
      t.write(' age:5');
      const caretAt = () => titleLine(t).indexOf('^');
      await t.until('the mistake', () => caretAt() > 0 && filterLine(t).slice(caretAt()).startsWith('age:5'));
      // The narrow screen cuts the message.
      expect(titleLine(t)).toContain(hasTabs ? 'age needs a comparison' : 'age needs');
      t.press('enter');
      await t.until('an error', () => t.cell(caretAt(), 3).bold);
      expect(filterLine(t)).toContain(`listen age:5`);
      t.press('backspace');
      t.press('backspace');
      t.write('>=0s');
      await t.until('no mistake', () => titleLine(t).includes('PROCESS') && socketCounts(t).shown === 4);
      t.press('enter');
      await t.until(
        'the query',
        () => filterLine(t).startsWith('/ process:') && /esc|help/.test(t.rows().at(-1) ?? ''),
      );
    });

    test('up goes through the history, down back to the typed text', async () => {
      const t = await show();
      typeQuery(t, `process:${scene.name} udp\r`);
      await toShow(t, 2, 'of UDP');
      typeQuery(t, `process:${scene.name} listen\r`);
      await toShow(t, 4, 'that listen');
      typeQuery(t, `process:${scene.name}-cli`);
      await toShow(t, 6, 'of the client');
      t.press('up');
      await toShow(t, 4, 'of the last query');
      t.press('up');
      await toShow(t, 2, 'of the one before');
      t.press('down');
      t.press('down');
      await t.until('what was typed', () => filterLine(t).includes('-cli') && socketCounts(t).shown === 6);
    });

    test('a click selects a row or sorts by a title, the wheel moves the selection', async () => {
      const t = await showScene(scene, { cols, rows });
      await refresh(t);
      t.click(5, 7);
      await t.until('the row', () => selectedY(t) === 7);
      const x = titleLine(t).indexOf('STAT');
      t.click(x + 1, 3);
      await t.until('the sort', () => titleLine(t).slice(x).includes('▴'));
      t.click(x + 1, 3);
      await t.until('the reversed order', () => titleLine(t).slice(x).includes('▾'));
      t.press('home');
      await t.until('the first row', () => selectedY(t) === 4);
      t.wheel(5, 6, 'down');
      await t.until('three down', () => selectedY(t) === 7);
      t.wheel(5, 6, 'up');
      await t.until('three up', () => selectedY(t) === 4);
    });

    test('`y` copies the row, `Y` the remote endpoint or the selected cell', async () => {
      const { name, postgres, client } = scene;
      const t = await show();
      typeQuery(t, `process:${name}-cli rport:5432\r`);
      await toShow(t, 4);
      t.write('y');
      await t.until('the row', () => copied(t).length === 1);
      await t.until('the notice', () => filterLine(t).includes('copied'));
      t.write('Y');
      await t.until('the remote endpoint', () => copied(t).length === 2);
      t.press('right');
      t.write('Y');
      await t.until('the cell', () => copied(t).length === 3);
      const [row = '', remote, cell] = copied(t);
      const fields = row.split('\t');
      expect(fields).toContain('ESTABLISHED');
      expect(fields).toContain(postgres.local.address);
      expect(fields).toContain('5432');
      expect(fields).toContain(String(client.pid));
      expect(fields[0]).toBe(`${name}-cli`);
      expect(remote).toBe(`${postgres.local.address}:5432`);
      expect(cell).toBe(`${name}-cli`);
    });

    test('`w` saves the shown sockets as CSV or JSON, and says why it cannot', async () => {
      const { name, client, connections } = scene;
      const folder = mkdtempSync(join(tmpdir(), 'np-'));
      cleanUp(() => rmSync(folder, { recursive: true }));
      const t = await show();
      typeQuery(t, `process:${name}-cli rport:5432\r`);
      await toShow(t, 4);
      const save = async (path: string, answer: RegExp) => {
        t.write('w');
        await t.until('the offer', () => /^save to: .*\d\.csv/.test(filterLine(t)));
        t.write(`${path}\r`);
        await t.until(`the answer to ${path}`, () => answer.test(`${filterLine(t)}\n${titleLine(t)}`));
      };
      // The prompt has the path again, with the reason below it.
      const refuse = async (path: string, reason: RegExp) => {
        await save(path, new RegExp(`^save to: [^]*\n  ${reason.source}`));
        await escape(t, () => !filterLine(t).startsWith('save to:'));
      };
      const ports = connections.near.map(({ local }) => local.port).sort();
      const [csv, json] = [join(folder, 'a.csv'), join(folder, 'a.json')];
      await save(csv, /^saved 4 sockets to/);
      const [titles = '', ...lines] = readFileSync(csv, 'utf8').trimEnd().split('\r\n');
      const at = (title: string) => titles.split(',').indexOf(title);
      expect(lines.map((it) => Number(it.split(',')[at('localPort')])).sort()).toEqual(ports);
      for (const it of lines) expect(it.split(',')[at('process')]).toBe(`${name}-cli`);
      await save(json, /^saved 4 sockets to/);
      const sockets = JSON.parse(readFileSync(json, 'utf8')) as Listed[];
      expect(sockets.map(({ local }) => local.port).sort()).toEqual(ports);
      expect(sockets.map(({ owners: [owner] }) => owner?.pid)).toEqual(Array(4).fill(client.pid));

      writeFileSync(csv, 'mine');
      await refuse(csv, /file exists:/);
      expect(readFileSync(csv, 'utf8')).toBe('mine');
      await save(`!${csv}`, /^saved 4 sockets to/);
      expect(readFileSync(csv, 'utf8')).toContain('localPort');
      await refuse(join(folder, 'no', 'a.csv'), /not saved: no such/);
      await refuse('/sys/a.csv', /not saved: no perm/);
      await refuse(join(folder, 'a.txt'), /the file name must end in/);
      typeQuery(t, `process:${name}-cli rport:5432 :${ports[0]}\r`);
      await toShow(t, 1);
      await save(`!${csv}`, /^saved 1 socket to/);
    });

    test('`c` goes through the palettes', async () => {
      const t = await show();
      const colours = () => new Set(t.cells().flatMap((cells) => cells.map(({ fg }) => fg)));
      await t.until('the standard palette', () => colours().has(6));
      t.write('c');
      await t.until('the high-contrast palette, without colours', () => colours().size === 1);
      t.write('c');
      await t.until('the palette for the colour-blind', () => colours().has(63));
      t.write('c');
      await t.until('no colours', () => colours().size === 1);
      t.write('c');
      await t.until('the standard palette again', () => colours().has(6));
    });

    test('`C` hides and moves columns, and resets them', async () => {
      const t = await show();
      const titles = () => titleLine(t).replace(/[▴▾]/g, '').trim().split(/\s+/);
      const before = titles();
      t.write('C');
      await t.until('the list', () => t.text().includes('COLUMNS') && selectedY(t) > 0);
      t.write('>');
      // On the smallest screen the list replaces the table.
      await t.until('PROCESS moved to the right', () => /\[x\] PROCESS/.test(t.rows()[selectedY(t)] ?? ''));
      t.press('home');
      await t.until('another column selected', () => !/PROCESS/.test(t.rows()[selectedY(t)] ?? ''));
      t.press('space');
      await t.until('the column hidden', () => t.text().includes(` ${before.length - 1} shown`));
      const areTitles = (wanted: readonly (string | undefined)[]) => titles().join(' ') === wanted.join(' ');
      await escape(t, () => areTitles([before[0], ...before.slice(2)]));
      t.write('Cr');
      await t.until('all columns', () => t.text().includes(` ${before.length} shown`));
      await escape(t, () => areTitles(before));
    });

    test('with --restore all the next start has the query, views, hide rules, columns, sort and groups', async () => {
      const { name } = scene;
      const home = newHome();
      const start = () =>
        startNetpane({ cols, rows, home, args: ['--interval', '200ms', '--restore', 'all'] });
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
      // The question has no counts.
      const shown = await t.until('fewer sockets', () => {
        const count = socketCounts(t).shown;
        return count > 0 && count < SCENE_SIZE && count;
      });
      t.write('C');
      await t.until('the columns', () => t.text().includes('COLUMNS'));
      t.press('down');
      t.press('space');
      await escape(t, () => !t.text().includes('COLUMNS'));
      const titles = titleLine(t);
      t.write('oZ');
      await t.until('groups', () => tableLines(t).length === 2);
      t.write('oooo');
      await t.until('groups by namespace', () => tableLines(t).length === 1 || tableLines(t).length > 2);
      t.write('q');
      expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });

      const again = start();
      await again.until('the same number of sockets', () => socketCounts(again).shown === shown);
      expect(filterLine(again)).toContain(`/ process:${hasTabs ? name : name.slice(0, 3)}`);
      expect(filterLine(again)).toContain(' hidden');
      expect(titleLine(again).replace(/ +/g, ' ')).toBe(titles.replace(/ +/g, ' '));
      await again.until('the groups', () => tableLines(again).some((row) => /\(\d+\)/.test(row)));
      again.write('7');
      await again.until('the view', () => socketCounts(again).shown > 0 && socketCounts(again).shown < 6);
      again.write('/');
      again.press('up');
      await again.until('the last query', () => filterLine(again).startsWith(`/ process:${name} `));
      again.press('up');
      await again.until('the one before', () => filterLine(again).startsWith(`/ process:${name}-cli `));
    });

    // Last, because `tab` in the tests above would also complete the name of its process.
    test('`b` shows only sockets that are new from now on', async () => {
      const t = await showScene(scene, { cols, rows });
      t.write('b');
      await toShow(t, 0, 'that are new');
      const late = await (await newHerd().spawn({ title: `${scene.name}-new` })).listen();
      await toShow(t, 1, 'opened since then');
      expect(socketCounts(t).total).toBeGreaterThanOrEqual(SCENE_SIZE + 1);
      expect(tableLines(t)[0]).toContain('LISTEN');
      if (cols > 40) expect(tableLines(t)[0]).toContain(String(late.local.port));
      t.write('b');
      await toShow(t, 0, 'that are new, with a later baseline');
    });
  });
});
