// Rows: both ends of a local connection, TIME_WAIT, history of rates.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isLinux, newHerd, newHome, rowOf, selectedY, startNetpane, uniqueName } from './netpane.ts';
import { filterLine, SCENE_SIZE, select, typeQuery, useScene } from './scene.ts';

describe.skipIf(!isLinux)('rows that explain themselves (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();

  test.each([
    [80, 24],
    [120, 40],
    [200, 50],
  ])(
    '9: both ends of a local connection name each other, and a key jumps between them, at %i×%i',
    async (cols, rows) => {
      const t = startNetpane({ args: ['--process', scene.name], cols, rows });
      await t.until('the scene', () => t.text().includes(`${SCENE_SIZE} of `));
      const { local, remote } = scene.connections.near[0] ?? {};
      if (!local || !remote) throw new Error('no connection');
      const here = { local, remote };
      const there = { local: remote, remote: local };
      expect(rowOf(t, here)?.remote).toMatch(`→ ${scene.name}-s`);
      expect(rowOf(t, there)?.remote).toMatch(`← ${scene.name}-c`);
      await select(t, here);
      t.write('%');
      await t.until('the peer', () => selectedY(t) === rowOf(t, there)?.y);
      t.write('%');
      await t.until('the first end', () => selectedY(t) === rowOf(t, here)?.y);
    },
  );

  test.each([
    [80, 24],
    [40, 10],
  ])('9: both ends are one row, or two, at %i×%i', async (cols, rows) => {
    const t = startNetpane({ args: ['--process', scene.name], cols, rows });
    await t.until('the scene', () => t.text().includes(`${SCENE_SIZE} of `));
    t.write('B');
    // Six connections: five of TCP, and one of UDP whose peer is not connected.
    await t.until('one row for each pair', () => t.text().includes(`${SCENE_SIZE - 5} of `));
    if (cols >= 80) expect(filterLine(t)).toContain('5 pairs in one row');
    t.write('B');
    await t.until('two rows', () => t.text().includes(`${SCENE_SIZE} of `));
  });

  test.each([
    [80, 24],
    [120, 40],
    [40, 10],
  ])('4: many sockets in TIME_WAIT are one line, which enter unfolds, at %i×%i', async (cols, rows) => {
    const herd = newHerd();
    const [server, client] = await Promise.all([herd.spawn(), herd.spawn()]);
    const listener = await server.listen();
    const COUNT = 8;
    await client.leaveInTimeWait(server, await client.connect(server, listener, { count: COUNT }));
    const { port } = listener.local;
    const t = startNetpane({ args: ['--port', String(port)], cols, rows });
    await t.until('the line', () => t.text().includes(`▸ ${COUNT} TIME_WAIT · enter shows them`));
    expect(t.text()).toMatch(/ 1 of \d/);
    t.press('end');
    t.press('enter');
    await t.until('the rows', () => t.text().includes(` ${COUNT + 1} of `));
    await t.until('the line below them', () => t.text().includes(`▾ ${COUNT} TIME_WAIT · enter folds them`));
    t.press('enter');
    await t.until('only the line', () => t.text().includes(' 1 of '));
    typeQuery(t, `:${port} state:time_wait\r`);
    await t.until('the rows that the query asks for', () => t.text().includes(` ${COUNT} of `));
    expect(t.text()).not.toContain(' them');
  });

  test('10: bars show the rate of a row and of a group in the last ticks, at 200×50', async () => {
    const herd = newHerd();
    const name = uniqueName();
    const [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-srv` }),
      herd.spawn({ title: `${name}-cli` }),
    ]);
    const listener = await server.listen();
    const { near } = await client.connect(server, listener);
    const t = startNetpane({ args: ['--process', name, '--interval', '100ms'], cols: 200, rows: 50 });
    await t.until('the scene', () => t.text().includes(' 3 of '));
    const bars = /[▁-▇]*▇[▁-▇]*/;
    await client.send(near, 50_000);
    await t.until('the bars of both ends', () => t.rows().filter((row) => bars.test(row)).length === 2);
    t.write('o');
    const header = () => t.rows().find((row) => row.includes(`${name}-cli (1)`)) ?? '';
    await t.until('the bars of the group', () => bars.test(header()));
    await t.until('no bars after the last ticks', () => header() !== '' && !/[▁-▇]/.test(t.text()));
  });

  test('10: bars are ASCII where the terminal has nothing else, at 80×24', async () => {
    const herd = newHerd();
    const name = uniqueName();
    const process = await herd.spawn({ title: name });
    const listener = await process.listen();
    const { near } = await process.connect(process, listener);
    const home = newHome();
    const file = join(home, 'columns.toml');
    writeFileSync(file, 'columns = ["process", "localPort", "state", "rateHistory"]\n');
    const t = startNetpane({
      args: ['--process', name, '--interval', '100ms', '--config', file],
      cols: 80,
      rows: 24,
      env: { LC_ALL: 'C' },
    });
    await t.until('the scene', () => t.text().includes(' 3 of '));
    await process.send(near, 50_000);
    await t.until('the bars', () =>
      t.rows().some((row) => / ESTABLISHED +[_.:=+*-]*\*[_.:=+*-]*$/.test(row)),
    );
  });
});
