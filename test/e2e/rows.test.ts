// Rows: both ends of a local connection, TIME_WAIT, history of rates.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GREY } from '../../src/tui/theme.ts';
import { Herd, type HerdSocket } from '../helpers/herd.ts';
import { isLinux, newHome, pollsByHand, rowOf, selectedY, uniqueName } from './netpane.ts';
import {
  atEachSize,
  filterLine,
  openAll,
  select,
  showScene,
  SIZES,
  titleLine,
  typeQuery,
  useScene,
  useScreen,
} from './scene.ts';

const [cols, rows] = SIZES[0];

describe.skipIf(!isLinux)('rows that explain themselves (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene, { cols, rows, args: ['--palette', 'standard'] });

  // Connections that are over before netpane starts: it does not know their programs. The kernel keeps them for a minute:
  // the tests about them come first.
  const COUNT = 8;
  const herd = new Herd();
  let [many, few]: HerdSocket[] = [];
  beforeAll(async () => {
    const process = await herd.spawn({ title: uniqueName() });
    const withRemnants = async (count: number): Promise<HerdSocket> => {
      const listener = await process.listen();
      await process.leaveInTimeWait(process, await process.connect(process, listener, { count }));
      return listener;
    };
    // Few enough that they are not folded.
    [many, few] = [await withRemnants(COUNT), await withRemnants(3)];
  });
  afterAll(() => herd.close());

  test('sockets in TIME_WAIT are dim, and many are one line, which enter unfolds, at five sizes', async () => {
    const port = many?.local.port;
    const t = await show();
    typeQuery(t, `port:${port}\r`);
    const line = () => t.rows().findIndex((it) => it.includes(`▸ ${COUNT} TIME_WAIT · enter shows them`));
    await t.until('the line', () => line() > 0);
    t.press('end');
    await atEachSize(t, async (_, height) => {
      const folded = new RegExp(`\\b${COUNT} TIME_WAIT.* 1 of \\d`);
      await t.until('the folded line', () => folded.test(filterLine(t)));
      t.press('home');
      await t.until('the listener', () => selectedY(t) === line() - 1);
      expect(t.cell(2, line()).fg).toBe(GREY);
      t.press('end');
      t.press('enter');
      await t.until('the rows', () => filterLine(t).includes(` ${COUNT + 1} of `));
      await t.until('the line', () => t.rows().some((it) => it.includes(`▾ ${COUNT} TIME_WAIT`)));
      const y = t.rows().findIndex((it) => /^ {2}.* TIME.W/.test(it));
      expect(t.cell(2, y).fg).toBe(GREY);
      expect(y).toBeLessThan(height);
      t.press('enter');
      await t.until('only the line', () => line() > 0 && filterLine(t).includes(' 1 of '));
    });
    typeQuery(t, `:${port} state:time_wait\r`);
    await t.until('the rows that the query asks for', () => filterLine(t).includes(` ${COUNT} of `));
    expect(t.text()).not.toMatch(/TIME_WAIT · .* them/);
  });

  test('rows without a program are last in both orders, at five sizes', async () => {
    const t = await show();
    typeQuery(t, `port:${few?.local.port}\r`);
    await t.until('the rows', () => filterLine(t).includes(' 4 of '));
    // Sorted by process at first: the command would reverse that order.
    for (const [keys, order] of [
      ['', 'PROCESS▴'],
      ['S', 'PROCESS▾'],
      [':sort by pid\r', 'PID▴'],
      ['S', 'PID▾'],
    ] as const) {
      t.write(keys);
      await t.until('the order', () => titleLine(t).includes(order));
      await atEachSize(t, () => {
        const [first, ...others] = t.rows().slice(4, 8);
        expect(first).toMatch(/^ {2}np/);
        for (const it of others) expect(it).toMatch(/^ {2}(gone|unknown|…|·) /);
      });
    }
    await openAll(t);
  });

  test('both ends of a local connection name each other, a key jumps between them, and both fit in one row, at five sizes', async () => {
    const t = await show();
    const { local, remote } = scene.connections.near[0] ?? {};
    if (!local || !remote) throw new Error('no connection');
    const here = { local, remote };
    const there = { local: remote, remote: local };
    // One connection and its listener, which have room on the lowest screen.
    typeQuery(t, `process:${scene.name} (:${local.port} or listen :5432)\r`);
    await t.until('both ends', () => filterLine(t).includes(' 3 of '));
    await atEachSize(t, async () => {
      expect(rowOf(t, here)?.remote).toMatch(/^→ np.*r?v$/);
      expect(rowOf(t, there)?.remote).toMatch(/^← np.*l?i$/);
      await select(t, here);
      t.write('%');
      await t.until('the peer', () => selectedY(t) === rowOf(t, there)?.y);
      t.write('%');
      await t.until('the first end', () => selectedY(t) === rowOf(t, here)?.y);
    });
    t.write('B');
    await t.until('one row', () => filterLine(t).includes(' 2 of '));
    await atEachSize(t, (width) => {
      expect(filterLine(t)).toMatch(width < 80 ? / 2 of / : / 1 pair in one row .*2 of /);
      expect(rowOf(t, here) ?? rowOf(t, there)).toBeDefined();
    });
    t.write('B');
    await t.until('two rows', () => filterLine(t).includes(' 3 of '));
  });

  test('bars show the rate of a row and of a group in the last ticks, at five sizes', async () => {
    const { name } = scene;
    const near = scene.connections.near.slice(0, 1);
    const polls = pollsByHand();
    const t = await showScene(scene, { ...polls.start, args: ['--interval', '100ms'], cols, rows });
    const poll = async () => {
      polls.allow(1);
      await t.until('a poll', () => polls.areDone());
    };
    typeQuery(t, `process:${name} :${near[0]?.local.port}\r`);
    await t.until('both ends of a connection', () => polls.areDone() && filterLine(t).includes(' 2 of '));
    await scene.client.send(near, 50_000);
    await poll();
    // 200 columns have the column; on a narrower screen the table sorted by it has it.
    t.write(':sort by history\r');
    await t.until('the order', () => titleLine(t).includes('HISTORY▾'));
    const withBars = () => t.rows().filter((row) => /▇/.test(row)).length;
    await t.until('the bars of both ends', () => withBars() === 2);
    await atEachSize(t, () => expect(withBars()).toBe(2));
    t.write('o');
    const header = () => t.rows().find((row) => row.includes(`${name}-cli (1)`)) ?? '';
    await t.until('the bars of the group', () => /▇/.test(header()));
    await atEachSize(t, () => expect(header()).toMatch(/▇/));
    // The column shows ten bars of ten ticks.
    for (let bar = 0; bar < 10; bar++) {
      polls.allow(10);
      await t.until('ten polls', () => polls.areDone());
    }
    await t.until('no bars after the last ticks', () => header() !== '' && withBars() === 0);
  });

  test('bars are ASCII where the terminal has nothing else, at 80×24', async () => {
    const home = newHome();
    const file = join(home, 'columns.toml');
    writeFileSync(file, 'columns = ["process", "localPort", "state", "rateHistory"]\n');
    const t = await showScene(scene, {
      args: ['--interval', '100ms', '--config', file],
      cols: 80,
      rows: 24,
      env: { LC_ALL: 'C' },
    });
    await scene.client.send(scene.connections.near.slice(0, 1), 50_000);
    await t.until('the bars', () =>
      t.rows().some((row) => / ESTABLISHED +[_.:=+*-]*\*[_.:=+*-]*$/.test(row)),
    );
  });
});
