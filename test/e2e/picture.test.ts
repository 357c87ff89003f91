// Frozen order, paused picture, the selection, and the panes.
import { describe, expect, test } from 'vitest';
import type { Connections, HerdSocket } from '../helpers/herd.ts';
import {
  eventsOf,
  isLinux,
  newHerd,
  rowOf,
  selectedLine,
  selectedY,
  tableRows,
  uniqueName,
} from './netpane.ts';
import {
  filterLine,
  openAll,
  rowsToBe,
  SCENE_SIZE,
  select,
  stableText,
  typeQuery,
  useScene,
  useScreen,
} from './scene.ts';

const endsOf = ({ near, far }: Connections, index: number): [HerdSocket, HerdSocket] => {
  const [one, other] = [near[index], far[index]];
  if (!one || !other) throw new Error(`there is no connection ${index}`);
  return [one, other];
};

describe.skipIf(!isLinux)('the picture (skipped elsewhere: the herd needs Linux)', () => {
  const scene = useScene();
  const show = useScreen(scene, { args: ['--interval', '100ms', '--linger', '1s'] });

  /** Starts a server, a client and three connections, and shows only them. */
  async function showOthers() {
    const herd = newHerd();
    const name = uniqueName();
    const [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-b` }),
      herd.spawn({ title: `${name}-c` }),
    ]);
    const listener = await server.listen();
    const connections = await client.connect(server, listener, { count: 3 });
    const t = await show();
    typeQuery(t, `process:${name}\r`);
    await rowsToBe(t, 7);
    return { herd, name, server, client, listener, connections, t };
  }

  test('`f` freezes the order but not the values, and appends new rows; `f` again sorts', async () => {
    const { herd, name, client, connections, t } = await showOthers();
    const order = () => tableRows(t).map(({ localPort, remotePort }) => `${localPort} ${remotePort}`);
    t.write('ssssssss');
    await t.until('the sort by state', () => t.rows()[3]?.includes('STATE▴'));
    const before = order();
    t.write('f');
    await t.until('the notice', () => filterLine(t).includes('order frozen'));
    // The last connection in this order changes its state: unfrozen, it would move.
    const [one, other] = endsOf(connections, 2);
    await client.halfClose([one]);
    await t.until(
      'the states',
      () => rowOf(t, one)?.state === 'FIN_WAIT2' && rowOf(t, other)?.state === 'CLOSE_WAIT',
    );
    expect(order()).toEqual(before);
    // Its state sorts before those of the last two rows.
    const late = await (
      await herd.spawn({ title: `${name}-a` })
    ).udp({ to: { address: '127.0.0.1', port: 9 } });
    await rowsToBe(t, 8);
    // A poll may have seen it before it was connected.
    await t.until('its peer', () => order().at(-1) === `${late.local.port} 9`);
    expect(order().slice(0, -1)).toEqual(before);
    t.write('f');
    await t.until('the order', () => tableRows(t)[5]?.process === `${name}-a`);
    const states = tableRows(t).map(({ state }) => state);
    expect(states).toEqual(states.toSorted());
    expect(filterLine(t)).not.toContain('frozen');
    await openAll(t);
  });

  test('space pauses the picture and counts changes; space again shows them', async () => {
    const { server, client, listener, connections, t } = await showOthers();
    t.press('space');
    await t.until('the notice', () => filterLine(t).includes('paused'));
    const before = tableRows(t);
    const counts = () => {
      const [, ...numbers] = /paused {2}\+(\d+) ~(\d+) −(\d+) since/.exec(filterLine(t)) ?? [];
      return numbers.map(Number);
    };
    const { near } = await client.connect(server, listener, { count: 2 });
    await client.halfClose([endsOf(connections, 0)[0]]);
    // Other programs may add to the counts.
    await t.until('the count', () => (counts()[0] ?? 0) >= 4 && (counts()[1] ?? 0) >= 2);
    expect(tableRows(t)).toEqual(before);
    // A paused picture can be filtered and sorted.
    t.write('l');
    expect(await rowsToBe(t, 1)).toMatchObject([{ localPort: String(listener.local.port) }]);
    t.write('l');
    await rowsToBe(t, 7);
    t.press('space');
    await t.until('the new connections', () => near.every((socket) => rowOf(t, socket)));
    expect(tableRows(t)).toHaveLength(11);
    expect(filterLine(t)).not.toContain('paused');
    await t.until('its state', () => rowOf(t, endsOf(connections, 0)[0])?.state === 'FIN_WAIT2');
  });

  test('the selection stays on its socket while rows are sorted, filtered, opened and closed', async () => {
    const { name, server, client, listener, connections, t } = await showOthers();
    const [chosen, peer] = endsOf(connections, 1);
    await select(t, chosen);
    const isSelected = () => rowOf(t, chosen)?.y === selectedY(t);
    const y = selectedY(t);
    t.write('S');
    await t.until('the other order', () => rowOf(t, chosen)?.y !== y && isSelected());
    t.write('sss');
    await t.until('another column', () => / (PROT?|NS)▴/.test(t.rows()[3] ?? '') && isSelected());
    t.write(`/${chosen.local.port}`);
    await rowsToBe(t, 2);
    expect(isSelected()).toBe(true);
    t.write('no-such-thing');
    await t.until('no row', () => tableRows(t).length === 0);
    t.press('escape');
    await rowsToBe(t, 7);
    expect(isSelected()).toBe(true);
    const { near, far } = await client.connect(server, listener, { count: 2 });
    await rowsToBe(t, 11);
    expect(isSelected()).toBe(true);
    // Fewer than are folded into one line in TIME_WAIT.
    await client.close(near);
    await server.close(far);
    // A change of its state does not change its identity.
    await client.halfClose([chosen]);
    await t.until('its change', () => rowOf(t, chosen)?.state === 'FIN_WAIT2' && isSelected());
    await client.leaveInTimeWait(server, { near: [chosen], far: [peer] });
    await t.until('its last state', () => rowOf(t, chosen)?.process === `(${name}-c)` && isSelected());
    await openAll(t);
  });

  test('when the selected row disappears, the row that takes its line is selected', async () => {
    const { server, listener, connections, t } = await showOthers();
    await select(t, listener);
    const y = selectedY(t);
    await server.close([listener]);
    await t.until('its close', () => rowOf(t, listener)?.mark === '-' && selectedY(t) === y);
    await t.until('its row to disappear', () => !rowOf(t, listener));
    expect(selectedY(t)).toBe(y);
    expect(connections.far.some((socket) => rowOf(t, socket)?.y === y)).toBe(true);
  });

  test('enter shows the details of the selected socket and its owner, and follows the selection', async () => {
    const { name, server, client, postgres } = scene;
    const t = await show([120, 80]);
    t.press('enter');
    await t.until('the program', () => new RegExp(`program +${name}-cli  pid ${client.pid}`).test(t.text()));
    await t.until('its usage', () => /usage +CPU \d+\.\d % {2}memory [\d.]+ MiB/.test(t.text()));
    for (const field of [
      'socket',
      'local',
      'remote',
      'runs as',
      'started',
      'command',
      'file',
      'user',
      'inode',
    ]) {
      expect(t.text()).toMatch(new RegExp(`^${field} +\\S`, 'm'));
    }
    await select(t, postgres);
    await t.until('the details of the listener', () =>
      new RegExp(`program +${name}-srv  pid ${server.pid}`).test(t.text()),
    );
    expect(t.text()).toMatch(/^local +127\.\S+:5432 {2}postgresql$/m);
    expect(t.text()).not.toMatch(/^remote /m);
    t.press('enter');
    await t.until('the pane to close', () => !t.text().includes('DETAILS'));
  });

  test('`e` lists events, the newest last; `g` draws the graph; escape closes the panes', async () => {
    const { server, client, t } = await showOthers();
    t.write('e');
    const listener = await server.listen();
    await t.until('its spawn', () => eventsOf(t, listener).length === 1);
    await server.close([listener]);
    await t.until('its close', () => eventsOf(t, listener).length === 2);
    expect(eventsOf(t, listener)[0]).toMatch(/^\+ \S+-b \d+ tcp \S+ LISTEN$/);
    // The program is in parentheses if it closed the socket before the kernel freed it.
    expect(eventsOf(t, listener)[1]).toMatch(/^- \(?\S+-b\)? \d+ tcp \S+ lived [\d.]+ m?s\b/);
    await client.udp();
    t.write('M');
    await t.until('the graph', () => /sockets \d/.test(t.text()) && /opened \d+/.test(t.text()));
    t.press('escape');
    await t.until('no events', () => !t.text().includes('EVENTS'));
    t.press('escape');
    await t.until('no graph', () => !/opened \d+/.test(t.text()));
    t.press('escape');
    await t.until('no filter', () => filterLine(t).startsWith('1 all'));
  });

  test('`?` shows every key and column, scrolls, and closes', async () => {
    // Lower than the help, and with room for all rows beside a diagnosis that another test causes.
    const t = await show([120, 26]);
    // Marks fade while the help is open.
    await t.until('a table at rest', () => tableRows(t).every(({ mark }) => mark === ' '));
    const before = stableText(t);
    /** First visible line of the help, by its title: notices in the text come and go by themselves. */
    const first = () => Number(/^HELP +(\d+)–/m.exec(t.text())?.[1]);
    t.write('?');
    await t.until('the first keys', () => first() === 1);
    let seen = '';
    while (!t.text().includes('MARKS')) {
      const top = first();
      seen += t.text();
      t.press('pagedown');
      await t.until('another page', () => first() > top);
    }
    expect(seen).toMatch(/^ +p +filter by port/m);
    const marks = first();
    t.press('up');
    await t.until('a line higher', () => first() === marks - 1);
    t.press('end');
    await t.until('the end', () => /^HELP +\d+–(\d+) of \1 /m.test(t.text()));
    t.press('home');
    await t.until('the start', () => first() === 1);
    t.press('escape');
    await t.until('the table', () => stableText(t) === before);
    expect(tableRows(t)).toHaveLength(SCENE_SIZE);
    expect(selectedLine(t)).not.toBe('');
  });
});
