// The table: mouse, copying, saving, palettes and columns, on screens of four sizes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Listed } from '../helpers/listed.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { escape, FINDING_SIZES, toShow } from './finding.ts';
import { cleanUp, isLinux, selectedLine, selectedY } from './netpane.ts';
import { filterLine, refresh, titleLine, typeQuery, useScene, useScreen, visibleCells } from './scene.ts';

/** Returns the texts that were written to the clipboard of the terminal after a byte of its output, by OSC 52. */
const copiedSince = (t: Terminal, from: number): string[] =>
  [
    ...t
      .received(from)
      .toString('latin1')
      .matchAll(/\x1b\]52;c;([\w+/=]*)\x07/g),
  ].map(([, base64 = '']) => Buffer.from(base64, 'base64').toString());

describe.skipIf(!isLinux)('finding sockets (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const screen = useScreen(scene);

  describe.each(FINDING_SIZES)('%i × %i', (cols, rows) => {
    const show = () => screen([cols, rows]);

    test('a click selects a row or sorts by a title, the wheel moves the selection', async () => {
      const t = await show();
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
      t.click(3, 3);
      await t.until('the first order', () => /PROCESS?▴/.test(titleLine(t)));
      // A click also chooses a cell.
      await escape(t, () => !/[[\]]/.test(selectedLine(t)));
    });

    test('`y` copies the row, `Y` the remote endpoint or the selected cell', async () => {
      const { name, postgres, client } = scene;
      const t = await show();
      const from = t.bytesWritten;
      const copied = () => copiedSince(t, from);
      typeQuery(t, `process:${name}-cli rport:5432\r`);
      await toShow(t, 4);
      t.write('y');
      await t.until('the row', () => copied().length === 1);
      await t.until('the notice', () => filterLine(t).includes('copied'));
      t.write('Y');
      await t.until('the remote endpoint', () => copied().length === 2);
      t.press('right');
      t.write('Y');
      await t.until('the cell', () => copied().length === 3);
      const [row = '', remote, cell] = copied();
      const fields = row.split('\t');
      expect(fields).toContain('ESTABLISHED');
      expect(fields).toContain(postgres.local.address);
      expect(fields).toContain('5432');
      expect(fields).toContain(String(client.pid));
      expect(fields[0]).toBe(`${name}-cli`);
      expect(remote).toBe(`${postgres.local.address}:5432`);
      expect(cell).toBe(`${name}-cli`);
    });

    test('`w` saves the matching sockets as CSV or JSON, and says why it cannot', async () => {
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
      const colours = () => new Set(visibleCells(t).flatMap((cells) => cells.map(({ fg }) => fg)));
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
      await escape(t, () => areTitles(before) && !t.text().includes('COLUMNS'));
    });
  });
});
