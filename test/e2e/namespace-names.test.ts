// Network namespaces on the screen: names and columns.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cleanUp, hasNetlink, isRoot, newHerd, startNetpane, uniqueName } from './netpane.ts';
import { atEachSize, filterLine, SIZES, titleLine, typeQuery } from './scene.ts';

const ip = (...words: string[]) => spawnSync('ip', words).status === 0;

/** Returns the name of a new network namespace, which is deleted after the test; undefined if none can be made. */
function newNamespace(): string | undefined {
  const name = uniqueName();
  if (!hasNetlink || !isRoot || !ip('netns', 'add', name)) return undefined;
  cleanUp(() => ip('netns', 'del', name));
  return name;
}

/** The number that the column NS subtracts from an inode (PROC_DYNAMIC_FIRST of the kernel). */
const FIRST_INODE = 0xf0000000;

const [cols, rows] = SIZES[0];

describe.skipIf(!isRoot)('network namespaces (skipped elsewhere: needs root)', () => {
  test('only other namespaces are named, and only where rows differ, at five sizes', async ({ skip }) => {
    const named = newNamespace();
    if (named === undefined) return skip('no network namespace can be made here');
    const herd = newHerd();
    const name = uniqueName();
    const inName = ['ip', 'netns', 'exec', named];
    const [own, other, nameless] = await Promise.all([
      herd.spawn({ title: `${name}-own` }),
      herd.spawn({ title: `${name}-name`, through: inName }),
      herd.spawn({ title: `${name}-none`, through: ['unshare', '--net'] }),
    ]);
    // UDP sockets at any address need no interface.
    for (const it of [own, other, other, nameless]) await it.udp({ host: '0.0.0.0' });
    const short = `#${statSync(`/proc/${nameless.pid}/ns/net`).ino - FIRST_INODE}`;
    const t = startNetpane({ args: ['--process', name, '--interval', '200ms'], cols, rows });
    const shows = (count: number) => t.until('rows', () => filterLine(t).includes(` ${count} of `));
    await shows(4);

    // The addresses are the same in every row: their columns leave first, so that 80 columns have room for this one.
    await atEachSize(t, (width) => width >= 80 && expect(titleLine(t)).toMatch(/ NS /));
    // Sorted by it, the table has it at every size.
    t.write(':sort by ns\r');
    await t.until('the order', () => / NS▴/.test(titleLine(t)));
    await atEachSize(t, () => {
      const at = titleLine(t).indexOf('NS▴');
      // Sorted by it: numbers before letters, and one's own namespace, which has no name, last.
      const cells = t
        .rows()
        .slice(4, 8)
        .map((line) => line.slice(at).split(' ')[0]);
      expect(cells).toHaveLength(4);
      expect(cells[3]).toBe('·');
      for (const [i, whole] of [short, named, named].entries()) {
        const [start = '', end = ''] = cells[i]?.split('…') ?? [];
        expect([whole.startsWith(start), whole.endsWith(end)]).toEqual([true, true]);
      }
    });

    // One namespace for all rows needs no column.
    t.write(':sort by process\r');
    await t.until('the order', () => /PROCESS▴/.test(titleLine(t)));
    typeQuery(t, `process:${name} ns:${named}\r`);
    await shows(2);
    await atEachSize(t, () => expect(titleLine(t)).not.toMatch(/ NS/));
    t.press('enter');
    t.press('tab');
    t.press('end');
    await atEachSize(t, async () => {
      t.press('end');
      await t.until('the details', () => t.text().replaceAll('\n', ' ').includes(named));
    });
  });
});
