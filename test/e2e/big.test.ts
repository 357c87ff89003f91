// Shows, counts, searches and removes twelve thousand sockets.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isLinux, newHerd, startNetpane } from './netpane.ts';
import { socketCounts } from './scene.ts';

/** More connections than one pair of processes of the crowd opens. */
const count = 6_000;

/** Maximum number of open files: each end of a connection is one, and the limit may be low in a container. */
const openFiles = isLinux
  ? Number(/^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 1e6)
  : 0;
const why = isLinux ? `only ${openFiles} files may be open` : 'the herd needs Linux';
const isPossible = openFiles >= 1_000;

/** Returns the numbers that the pattern captures, such as those of `12 of 10,345`. */
const numbers = (text: string, pattern: RegExp) =>
  pattern
    .exec(text)
    ?.slice(1)
    .map((digits) => Number(digits.replaceAll(',', '')));

test.skipIf(!isPossible)(
  `shows, searches and removes 12,000 sockets${isPossible ? '' : ` (skipped: ${why})`}`,
  async () => {
    const herd = newHerd();
    const patience = { timeoutMs: 60_000 };
    const [wide, narrow] = [
      startNetpane({ args: ['--interval', '500ms', '--linger', '500ms'] }),
      startNetpane({ args: ['--interval', '500ms', '--linger', '500ms'], cols: 40, rows: 10 }),
    ];
    const screens = [wide, narrow];
    for (const t of screens)
      await t.until('the first poll', () => socketCounts(t).total > 0 || t.text().includes('no sockets'));

    const { near, far } = await herd.crowd(count);
    expect([near.length, far.length]).toEqual([count, count]);
    expect(new Set(near.map(({ inode }) => inode)).size).toBe(count);
    for (const t of screens) await t.until('all sockets', () => socketCounts(t).total >= 2 * count, patience);
    const totals = await wide.until('the totals of the header', () => {
      const parts = numbers(
        wide.rows()[0] ?? '',
        /([\d,]+) sockets +([\d,]+) estab(?:lished)? +([\d,]+) listen(?:ing)? +([\d,]+) other$/,
      );
      return parts && parts[1] !== undefined && parts[1] >= 2 * count && parts;
    });
    const [total = 0, ...parts] = totals;
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total);
    await narrow.until('its totals', () => /1\d,\d{3} .*1\d,\d{3} estab/.test(narrow.rows()[0] ?? ''));

    // Typed at once: netpane filters all sockets for each letter.
    const one = near[count - 1];
    const port = one?.local.port ?? 0;
    for (const t of screens) {
      t.write(`/127.72. :${port} estab`);
      await t.until(
        'both sockets of one connection',
        () => {
          const { shown: rows } = socketCounts(t);
          const lines = t.rows().filter((row) => /^[ +] /.test(row) && row.includes(String(port)));
          // Both client addresses of the crowd may use the same port.
          return rows >= 2 && rows <= 8 && lines.length >= 2;
        },
        patience,
      );
      t.press('escape');
      await t.until('all sockets again', () => socketCounts(t).shown >= 2 * count, patience);
      t.press('end');
      await t.until('the last row', () => t.cell(0, t === wide ? 28 : 8).inverse, patience);
      t.press('home');
      t.write('sS');
      await t.until('the reversed order', () => (t.rows()[3] ?? '').includes('▾'), patience);
    }

    await herd.close();
    for (const t of screens) {
      await t.until(
        'the closed sockets to disappear',
        () => {
          const { shown: rows, total: all } = socketCounts(t);
          return all < count && rows < count;
        },
        patience,
      );
      t.write('q');
      expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    }
  },
  120_000,
);
