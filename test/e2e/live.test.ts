// Sockets that open, change and close on this machine, with their owners.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connections, Herd, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { escape } from './finding.ts';
import {
  eventsOf,
  isLinux,
  newHerd,
  rowOf,
  startNetpane,
  tableRows,
  type PollControl,
  pollsByHand,
  uniqueName,
} from './netpane.ts';
import { filterLine, typeQuery, useNetpane } from './scene.ts';

/** Marks and closed rows stay longer than the test, so that it misses none. */
const LASTING_MARKS = ['--linger', '60m', '--interval', '100ms'];

describe.skipIf(!isLinux)('the live screen (skipped elsewhere: the herd needs Linux)', () => {
  const name = uniqueName();
  const herd = new Herd();
  let polls: PollControl;
  let server: HerdProcess;
  let client: HerdProcess;
  /** Sockets that are open when netpane starts; each test shows only its own. */
  let still: HerdSocket;
  let changing: { listener: HerdSocket; connections: Connections };
  let closing: HerdSocket[];
  let shared: { listener: HerdSocket; worker: number };
  beforeAll(async () => {
    polls = pollsByHand();
    [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-srv` }),
      herd.spawn({ title: `${name}-cli` }),
    ]);
    still = await server.listen();
    await client.connect(server, still, { count: 5 });
    const listener = await server.listen();
    changing = { listener, connections: await client.connect(server, listener) };
    closing = [await server.listen(), await server.listen()];
    const dual = await server.listen({ host: '::' });
    shared = { listener: dual, worker: await server.share(dual, { title: `${name}-wrk` }) };
  });
  afterAll(() => herd.close());

  const netpane = useNetpane(() => ({ ...polls.start, rows: 40, args: LASTING_MARKS }));
  /** Waits for the first poll, and shows only sockets of the herd that match a query. */
  async function show(query: string): Promise<Terminal> {
    const t = netpane();
    await t.until('the first poll', () => polls.areDone() && / of \d/.test(filterLine(t)));
    typeQuery(t, `process:${name} ${query}\r`);
    await t.until('the query', () => filterLine(t).startsWith(`/ process:${name} ${query} `));
    return t;
  }
  const at = (socket: HerdSocket) => `:${socket.local.port}`;

  test('shows a new listener and connection with `+` and their owner within two polls', async () => {
    const t = await show('new');
    await t.until('no row', () => t.text().includes('nothing matches'));
    expect(tableRows(t)).toEqual([]);

    const listener = await server.listen();
    const { near, far } = await client.connect(server, listener);
    const [one, other] = [...near, ...far] as [HerdSocket, HerdSocket];
    const udp = await client.udp({ to: { address: '127.0.0.1', port: 9 } });
    polls.allow(2);
    await t.until('four rows', () => tableRows(t).length === 4);
    const [srv, cli] = [
      { mark: '+', process: `${name}-srv`, pid: String(server.pid), age: '0s' },
      { mark: '+', process: `${name}-cli`, pid: String(client.pid), age: '0s' },
    ];
    expect(rowOf(t, listener)).toMatchObject({
      ...srv,
      protocol: 'tcp',
      local: '127.0.0.1',
      state: 'LISTEN',
    });
    expect(rowOf(t, one)).toMatchObject({ ...cli, remote: `→ ${name}-srv`, state: 'ESTABLISHED' });
    expect(rowOf(t, other)).toMatchObject({ ...srv, remote: `← ${name}-cli`, state: 'ESTABLISHED' });
    expect(rowOf(t, udp)).toMatchObject({ ...cli, protocol: 'udp', remotePort: '9' });
    // Green, on the background of the terminal.
    const { y = -1 } = rowOf(t, other) ?? {};
    expect(t.cell(0, y)).toMatchObject({ text: '+', fg: 2, bg: undefined });
  });

  test('shows no mark and only a bound of the age for a socket opened before netpane', async () => {
    const t = await show(at(still));
    polls.allow(2);
    await t.until('every row', () => tableRows(t).length === 11 && polls.areDone());
    expect(new Set(tableRows(t).map(({ mark }) => mark))).toEqual(new Set([' ']));
    // At most the age of its program, at least the time since netpane first saw it.
    for (const { age } of tableRows(t)) expect(age).toMatch(/^[≤>]\d+[sm]$/);
  });

  test('marks a change of state `~`, never `-` and `+`, and keeps the last owner in TIME_WAIT', async () => {
    const { listener, connections } = changing;
    const { near, far } = connections;
    const [one, other] = [...near, ...far] as [HerdSocket, HerdSocket];
    const t = await show(at(listener));
    await t.until('the connection', () => rowOf(t, one) && rowOf(t, other));
    t.write('e');
    await t.until('the event log', () => /EVENTS {2}(?:no events yet|0 of \d)/.test(t.text()));

    const marks = new Set<string>();
    const events = new Set<string>();
    const watched = (until: () => unknown) => () => {
      for (const socket of [one, other]) {
        marks.add(`${socket.local.port} ${rowOf(t, socket)?.mark ?? 'none'}`);
        for (const event of eventsOf(t, socket)) events.add(event);
      }
      return until();
    };
    const marksOf = ({ local }: HerdSocket) =>
      [...marks]
        .filter((mark) => mark.startsWith(`${local.port} `))
        .map((mark) => mark.slice(-1))
        .sort();
    await client.halfClose(near);
    polls.allow(1);
    const isChanged = watched(() => events.size === 2);
    await t.until('the change', isChanged);
    const [srv, cli] = [
      { mark: '~', process: `${name}-srv`, pid: String(server.pid) },
      { mark: '~', process: `${name}-cli`, pid: String(client.pid) },
    ];
    expect(rowOf(t, one)).toMatchObject({ ...cli, state: 'FIN_WAIT2' });
    expect(rowOf(t, other)).toMatchObject({ ...srv, state: 'CLOSE_WAIT' });
    polls.allow(2);
    const isOver = watched(() => polls.areDone());
    await t.until('two more polls', isOver);
    expect([marksOf(one), marksOf(other)]).toEqual([
      [' ', '~'],
      [' ', '~'],
    ]);
    const tuple = `tcp 127.0.0.1:${one.local.port} → 127.0.0.1:${listener.local.port}`;
    const back = `tcp 127.0.0.1:${listener.local.port} ← 127.0.0.1:${one.local.port}`;
    expect([...events].sort()).toEqual([
      `~ ${name}-cli ${client.pid} ${tuple} ESTABLISHED → FIN_WAIT2`,
      `~ ${name}-srv ${server.pid} ${back} ESTABLISHED → CLOSE_WAIT`,
    ]);

    await client.leaveInTimeWait(server, { near, far });
    polls.allow(2);
    const isLeft = watched(() => rowOf(t, one)?.state === 'TIME_WAIT' && rowOf(t, other)?.mark === '-');
    await t.until('TIME_WAIT', isLeft);
    expect(rowOf(t, one)).toMatchObject({ ...cli, process: `(${name}-cli)` });
    // For root the trace has its last state; a poll has the one before.
    const last = expect.stringMatching(/^(LAST_ACK|CLOSE_WAIT)$/) as string;
    expect(rowOf(t, other)).toMatchObject({ mark: '-', process: `${name}-srv`, state: last });
    expect(marksOf(one)).toEqual([' ', '~']);
    t.press('enter');
    await t.until('the details', () => t.text().includes('last known holder of the socket'));
    await escape(t, () => /DETAILS/.test(t.text()) !== /EVENTS/.test(t.text()));
    await escape(t, () => !/DETAILS|EVENTS/.test(t.text()));
  });

  test('keeps a closed socket with `-` for the linger time while others open', async () => {
    const t = await show(`(${closing.map(at).join(' or ')})`);
    await t.until('the listeners', () => closing.every((socket) => rowOf(t, socket)));
    // Not the first row, which is selected and so has other colours.
    const { localPort, y } = tableRows(t)[1] ?? { localPort: '', y: -1 };
    const listener = closing.find(({ local }) => String(local.port) === localPort);
    if (!listener) throw new Error(`no listener has port ${localPort}`);
    await server.close([listener]);
    polls.allow(1);
    await t.until('its close', () => rowOf(t, listener)?.mark === '-');
    expect(t.cell(0, y)).toMatchObject({ text: '-', fg: 1, bg: undefined, inverse: false });
    const later = await server.listen();
    await show(`(${[...closing, later].map(at).join(' or ')})`);
    polls.allow(3);
    await t.until('the later listener', () => rowOf(t, later)?.mark === '+' && polls.areDone());
    expect(rowOf(t, listener)).toMatchObject({ mark: '-', state: 'LISTEN' });
    expect(t.rows()[2]).toMatch(/ 2 of [\d,]+ open$/);
  });

  test('removes marks and closed rows after the linger time, even without changes', async () => {
    const other = uniqueName();
    const server = await newHerd().spawn({ title: other });
    const [first, second] = [await server.listen(), await server.listen()];
    const args = ['--process', other, '--interval', '100ms', '--linger', '2s'];
    const t = startNetpane({ args });
    await t.until('both', () => rowOf(t, first) && rowOf(t, second));
    await server.close([first]);
    const third = await server.listen();
    await t.until('both marks', () => rowOf(t, first)?.mark === '-' && rowOf(t, third)?.mark === '+');
    await t.until(
      'neither the closed row nor a mark',
      () => !rowOf(t, first) && rowOf(t, third)?.mark === ' ',
    );
    expect(tableRows(t)).toHaveLength(2);
  });

  test('names the first holder of a shared socket and counts the others', async () => {
    const { listener, worker } = shared;
    const t = await show(at(listener));
    const row = await t.until('the listener', () => rowOf(t, listener));
    expect(row).toMatchObject({
      process: `${name}-srv +1`,
      pid: String(server.pid),
      protocol: 'tcp6',
      local: '*',
    });
    t.press('enter');
    await t.until('both in the details', () => t.text().includes(`${name}-wrk  pid ${worker}`));
    expect(t.text()).toContain(`${name}-srv  pid ${server.pid}`);
    await escape(t, () => !t.text().includes('DETAILS'));
  });

  test('writes no row when a poll finds no change', async () => {
    const t = await show(at(still));
    await t.until('every row', () => tableRows(t).length === 11 && polls.areDone());
    const before = t.bytesWritten;
    polls.allow(10);
    await t.until('ten polls', () => polls.areDone());
    // The header may change: it has totals of the whole machine and the cost of a poll.
    expect(t.received(before).toString()).not.toMatch(/ESTABLISHED|LISTEN|tcp/);
  });
});
