// Columns that stay on the screen: those of listeners, exposure, network namespaces, age.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { cleanUp, isLinux, openNetpane, uniqueName } from './netpane.ts';
import { atEachSize, filterLine, SIZES, titleLine } from './scene.ts';

const LISTEN = `const [, host] = process.argv; const server = require('net').createServer().listen(0, host, () => console.log(server.address().port))`;

interface Listener {
  readonly child: ChildProcess;
  readonly port: string;
}

/** Starts a program of this name in a new folder; it listens on an address. */
async function startListener(name: string, folder: string, host: string): Promise<Listener> {
  mkdirSync(folder);
  const file = join(folder, name);
  symlinkSync(process.execPath, file);
  const child = spawn(file, ['-e', LISTEN, '--', host], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port = ''] = await new Promise<string[]>((resolve) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().split('\n')));
  });
  return { child, port };
}

const [COLS, ROWS] = SIZES[0];
/** The colour of what is reachable from outside. */
const YELLOW = 3;

describe.skipIf(!isLinux)('listeners (skipped elsewhere: /proc)', () => {
  const name = uniqueName();
  let folder: string;
  let [local, open]: Listener[] = [];
  let t: Terminal;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'netpane-'));
    [local, open] = await Promise.all([
      startListener(name, join(folder, 'one'), '127.0.0.1'),
      startListener(name, join(folder, 'two'), '0.0.0.0'),
    ]);
    t = openNetpane({ args: ['--process', name, 'listen', '--interval', '200ms'], cols: COLS, rows: ROWS });
    await t.until('both listeners', () => filterLine(t).includes(' 2 of ') && t.text().includes('? help'));
  });
  afterAll(async () => {
    await t.close();
    for (const it of [local, open]) it?.child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const yOf = (it: Listener | undefined) => t.rows().findIndex((line) => line.includes(`:${it?.port} `));
  const lineOf = (it: Listener | undefined) => t.rows()[yOf(it)] ?? '';

  test('a listener shows its address, and the command with the folder where it distinguishes two, at five sizes', async () => {
    await atEachSize(t, (cols) => {
      expect(titleLine(t)).toMatch(/^ {2}PROCESS▴ +.*LOCAL:PORT +EXPOSURE/);
      expect(titleLine(t)).not.toMatch(/REMOTE|STATE/);
      expect(lineOf(local)).toContain(`127.0.0.1:${local?.port} `);
      expect(lineOf(open)).toContain(` *:${open?.port} `);
      expect(titleLine(t).includes('COMMAND')).toBe(cols >= 80);
      if (cols < 80) return;
      expect(lineOf(local)).toMatch(/one · /);
      expect(lineOf(open)).toMatch(/two · /);
    });
  });

  test('a word says who can reach a listener, in colour where others can; the details explain it, at five sizes', async () => {
    await atEachSize(t, (cols) => {
      const word = cols < 60 ? 'all' : 'all interfaces';
      const x = titleLine(t).indexOf('EXPOSURE');
      expect(lineOf(local).slice(x)).toMatch(/^loopback( |$)/);
      expect(lineOf(open).slice(x)).toMatch(new RegExp(`^${word}( |$)`));
      // The selected row has one colour.
      expect(t.cell(x, yOf(open)).fg).toBe(YELLOW);
      expect(t.cell(x, yOf(local)).fg).not.toBe(YELLOW);
    });
    t.press('end');
    t.press('enter');
    await t.until('the details', () => t.text().includes('DETAILS'));
    t.press('tab');
    await atEachSize(t, async () => {
      t.press('home');
      for (let lines = 0; !/\bexposure +all interfaces/.test(t.text()); lines++) {
        expect(lines).toBeLessThan(9);
        const before = t.text();
        t.press('down');
        await t.until('the next line', () => t.text() !== before);
      }
    });
    t.press('escape');
    await t.until('no details', () => !t.text().includes('DETAILS'));
  });

  test('the age of a socket is never blank: a bound for those before the start, else exact, at five sizes', async () => {
    const later = await startListener(name, join(folder, 'three'), '127.0.0.1');
    cleanUp(() => later.child.kill('SIGKILL'));
    await t.until('the later one', () => lineOf(later) !== '');
    // The column by which the table is sorted has room at every size.
    t.write(':sort by age\r');
    await t.until('the order', () => /AGE[▴▾]/.test(titleLine(t)));
    await atEachSize(t, () => {
      const x = titleLine(t).search(/AGE[▴▾]/) + 'AGE▴'.length;
      for (const it of [local, open]) expect(lineOf(it).slice(0, x)).toMatch(/ [>≤]\d+[smhd]$/);
      expect(lineOf(later).slice(0, x)).toMatch(/ \d+s$/);
    });
  });
});
