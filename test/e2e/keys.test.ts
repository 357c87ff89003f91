// The keys of the table and the prompts. The mouse is in mouse.test.ts, panes are in picture.test.ts.
import { describe, expect, test } from 'vitest';
import { isLinux, rowOf, selectedLine, selectedY, type ShownRow, tableRows } from './netpane.ts';
import {
  filterLine,
  openAll,
  REDIS,
  rowsToBe,
  SCENE_SIZE,
  select,
  showScene,
  socketCounts,
  stableText,
  titleLine,
  useScene,
  useScreen,
} from './scene.ts';

describe.skipIf(!isLinux)('keys (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene);

  test('`p` filters by the port of the selected row or by a typed port, and rejects a wrong one', async () => {
    const t = await show();
    const [connection = scene.postgres] = scene.connections.near;
    await select(t, connection);
    t.write('p');
    // The lower port of a connection is that of the service.
    await t.until('the offer', () => /^port: 5432/.test(filterLine(t)));
    t.press('enter');
    const rows = await rowsToBe(t, 9);
    expect(rows.every((row) => [row.localPort, row.remotePort].includes('5432'))).toBe(true);
    expect(filterLine(t)).toMatch(/^\/ process:\S+ :5432 /);

    t.write('p6379');
    t.press('enter');
    const [only] = await rowsToBe(t, 1);
    expect(only).toMatchObject({ localPort: '6379', state: 'LISTEN' });

    t.write('pgopherd');
    t.press('enter');
    await t.until('the mistake', () => titleLine(t).includes(`^^^^^^^ unknown service 'gopherd'`));
    t.press('escape');
    await t.until('the previous query', () => /^\/ process:\S+ :6379 /.test(filterLine(t)));
    expect(tableRows(t)).toHaveLength(1);

    t.write('p');
    t.press('backspace');
    t.press('enter');
    await rowsToBe(t, SCENE_SIZE);
  });

  test('`P` filters by the program of the selected row or by a typed name', async () => {
    const { name } = scene;
    const t = await show();
    t.press('end');
    await t.until('the last row', () => selectedLine(t).includes(`${name}-srv`));
    t.write('P');
    await t.until('the offer', () => filterLine(t).startsWith(`process: ${name}-srv`));
    t.press('enter');
    const rows = await rowsToBe(t, 9);
    expect(new Set(rows.map(({ process }) => process))).toEqual(new Set([`${name}-srv`]));
    t.write('P');
    t.write(`${name.toUpperCase()}-C`);
    t.press('enter');
    expect(new Set((await rowsToBe(t, 6)).map(({ process }) => process))).toEqual(new Set([`${name}-cli`]));
  });

  test('`/` filters while you type, enter applies the query, escape cancels the change', async () => {
    const t = await show();
    t.write('/est');
    await rowsToBe(t, 11);
    t.write('ab udp');
    await rowsToBe(t, 1);
    t.press('enter');
    await t.until('the applied query', () => /^\/ process:\S+ estab udp/.test(filterLine(t)));
    // The prompt adds a space to the query, for the next term.
    t.write('/');
    for (let i = 0; i < 'udp '.length; i++) t.press('backspace');
    await rowsToBe(t, 11);
    t.write('nothing-has-this');
    await t.until('no row', () => filterLine(t).includes(' 0 of ') && t.text().includes('nothing matches'));
    t.press('escape');
    await rowsToBe(t, 1);
    expect(filterLine(t)).toMatch(/^\/ process:\S+ estab udp/);
    // In the prompt, the keys of the table are letters.
    t.write('/quplt?');
    await t.until('the letters', () => filterLine(t).includes('estab udp quplt?'));
    t.press('escape');
    await rowsToBe(t, 1);
  });

  test('`l`, `t` and `U` toggle terms, escape clears the query', async () => {
    const t = await show();
    t.write('l');
    // Listeners have columns of their own: no state, but who can reach them. A row may be painted in pieces.
    const reach = ['tcp loopback', 'tcp loopback', 'tcp6 all interfaces', 'udp loopback'];
    await t.until('the listeners', () => {
      const rows = tableRows(t).map(({ protocol, exposure }) => `${protocol} ${exposure}`);
      return rows.sort().join() === reach.join();
    });
    await rowsToBe(t, 4);
    t.write('t');
    await rowsToBe(t, 3);
    expect(filterLine(t)).toMatch(/^\/ process:\S+ listen proto:tcp /);
    t.write('U');
    expect((await rowsToBe(t, 1))[0]).toMatchObject({ protocol: 'udp', remote: '*' });
    t.write('l');
    await rowsToBe(t, 2);
    t.write('U');
    await rowsToBe(t, SCENE_SIZE);
    t.press('escape');
    // Sockets in TIME_WAIT of other tests may be folded.
    await t.until('all sockets', () => {
      const { shown, folded, total } = socketCounts(t);
      return filterLine(t).startsWith('1 all') && shown + folded === total;
    });
  });

  test('`s` sorts by the next column, `S` reverses the order', async () => {
    const t = await show();
    const titles = titleLine(t).replace('▴', '').trim().split(/\s+/);
    const arrowAt = (arrow: RegExp) =>
      titleLine(t)
        .trim()
        .split(/\s+/)
        .findIndex((title) => arrow.test(title));
    // Two columns have the title PORT: the test checks the order only for the first one, the local port.
    const numeric = { PID: 'pid', PORT: 'localPort' } as const;
    for (const [index, title] of titles.entries()) {
      // Some columns sort in descending order first.
      await t.until(`the arrow at ${title}`, () => arrowAt(/[▴▾]/) === index);
      // Addresses sort by number and ages by time: for these the test checks only that all rows show.
      await t.until(`the rows by ${title}`, () => {
        const rows = tableRows(t);
        const keys: (number | string)[] =
          title in numeric && index === titles.indexOf(title)
            ? rows.map((row) => Number(row[numeric[title as 'PID']]))
            : title === 'PROCESS' || title === 'PROT'
              ? rows.map((row) => row[title === 'PROT' ? 'protocol' : 'process'])
              : [];
        const isSorted = keys.every((key, i) => i === 0 || (keys[i - 1] ?? key) <= key);
        // The arrow may show before the last row.
        return rows.length === SCENE_SIZE && isSorted;
      });
      t.write('s');
    }
    // After the last column comes the first one.
    await t.until('the arrow at the first column', () => arrowAt(/▴/) === 0);
    const state = titles.indexOf('STATE');
    t.write('s'.repeat(state));
    await t.until('the arrow at the states', () => arrowAt(/▴/) === state);
    // A socket without a state is last, in both directions.
    const states = () => tableRows(t).map((row) => row.state);
    const known = states()
      .filter((it) => it !== '·')
      .sort();
    const unknown = states().filter((it) => it === '·');
    const are = (wanted: readonly (string | undefined)[]) =>
      states().join() === [...wanted, ...unknown].join();
    await t.until('the rows by state', () => states().length === SCENE_SIZE && are(known));
    t.write('S');
    await t.until('the reversed arrow', () => arrowAt(/▾/) === state);
    await t.until('the rows in reverse order', () => are(known.toReversed()));
    await openAll(t);
  });

  test('arrows, j, k, home, end and page keys move the selection and scroll the rows', async () => {
    // Header 2, filter, titles, hints: seven rows of the table.
    const t = await show([120, 12]);
    t.press('home');
    await t.until('the first row', () => selectedY(t) === 4);
    // A row is recognised by its ports: other cells change when the second poll brings rates.
    const keyOf = (row: ShownRow | undefined) => row && `${row.protocol} ${row.localPort} ${row.remotePort}`;
    const selected = () => keyOf(tableRows(t).find(({ y }) => y === selectedY(t)));
    const shown = () => tableRows(t).map(keyOf);
    const first = selected();
    expect(first).toBeDefined();
    t.press('down');
    t.write('j');
    await t.until('the third row', () => selectedY(t) === 6);
    t.press('up');
    t.write('k');
    await t.until('the first row', () => selectedY(t) === 4);
    expect(selected()).toBe(first);
    t.press('end');
    await t.until('the last row', () => selectedY(t) === 10);
    const last = selected();
    expect(last).not.toBe(first);
    expect(shown()).not.toContain(first);
    t.press('pageup');
    await t.until('one page up', () => selectedY(t) === 4 && !shown().includes(first));
    t.press('home');
    await t.until('the first row', () => selected() === first);
    t.press('pagedown');
    await t.until('the end of the first page', () => selectedY(t) === 10 && selected() !== last);
    t.write('G');
    await t.until('the last row', () => selected() === last);
    for (let i = 0; i < 20; i++) t.press('down');
    t.write('kj');
    await t.until('still the last row', () => selected() === last);
  });

  test('`n` toggles service names and port numbers', async () => {
    const t = await show();
    t.write('n');
    await t.until('the names', () => REDIS.test(t.text()));
    expect(t.text()).not.toMatch(/\b6379\b/);
    t.write('n');
    await t.until('the numbers', () => /\b6379\b/.test(t.text()));
    expect(t.text()).not.toMatch(REDIS);
  });

  test('unknown keys and broken escape sequences do nothing', async () => {
    const t = await show();
    const before = stableText(t);
    t.write('\x1b[999~\x1b[1;5P\x1bx\x07\x0bZ"\x1b[201~\u0430漢');
    t.write('n');
    await t.until('the names', () => REDIS.test(t.text()));
    t.write('n');
    await t.until('the numbers', () => stableText(t) === before && /\b6379\b/.test(t.text()));
  });

  // Last, because it opens another listener.
  test('`+` and `-` change the interval at once', async () => {
    const t = await showScene(scene, { args: ['--interval', '60m'] });
    // Only here nothing has been selected before.
    expect(selectedY(t)).toBe(tableRows(t)[0]?.y);
    const late = await scene.server.listen();
    t.write('-');
    await t.until('a minute', () => t.rows()[0]?.includes('  1m '));
    t.write('--------');
    await t.until('a tenth of a second', () => t.rows()[0]?.includes('  100ms '));
    await t.until('the new listener', () => rowOf(t, late));
    t.write('+');
    await t.until('the longer interval', () => t.rows()[0]?.includes('  200ms '));
  });
});
