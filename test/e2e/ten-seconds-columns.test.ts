// What matters stays on the screen: the columns of listeners, exposure, age, unknown values.
import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cleanUp, isLinux, newHome, startNetpane } from './netpane.ts';

const LISTEN = `const [, host] = process.argv; const server = require('net').createServer().listen(0, host, () => console.log(server.address().port))`;

/** Starts a program of this name that listens on an address; returns its port. */
async function startListener(name: string, folder: string, host: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  symlinkSync(process.execPath, file);
  const child = spawn(file, ['-e', LISTEN, '--', host], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUp(() => void child.kill('SIGKILL'));
  const [port] = await new Promise<string[]>((resolve) => {
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().split('\n')));
  });
  return port ?? '';
}

describe.skipIf(!isLinux)('what matters stays on the screen (skipped elsewhere: /proc)', () => {
  test.each([
    [80, 24],
    [60, 15],
    [40, 10],
    [120, 40],
    [200, 50],
  ])('1, 2, 5: a listener shows its address and who can reach it, at %i×%i', async (cols, rows) => {
    const home = newHome();
    const name = `np-col-${process.pid}`;
    const local = await startListener(name, join(home, 'one'), '127.0.0.1');
    const open = await startListener(name, join(home, 'two'), '0.0.0.0');
    const t = startNetpane({ args: ['--process', name, 'listen'], cols, rows });
    const lineOf = (port: string) => t.rows().find((line) => line.includes(`:${port} `));
    await t.until('both listeners', () => lineOf(local) !== undefined && lineOf(open) !== undefined);
    const titles = t.rows().find((line) => line.includes('PROCESS')) ?? '';
    expect(titles).toMatch(/LOCAL:PORT +EXPOSURE/);
    expect(titles).not.toMatch(/REMOTE|STATE/);
    expect(lineOf(local)).toMatch(/127\.0\.0\.1:\d+ +loopback/);
    expect(lineOf(open)).toMatch(/\*:\d+ +all/);
    if (cols >= 80) expect(lineOf(open)).toContain('all interfaces');
    if (cols >= 120) {
      expect(titles).toContain('COMMAND');
      expect(lineOf(open)).toMatch(/two · /);
      expect(lineOf(open)).toMatch(/[>≤]\d+[smhd]/);
    }
  });
});
