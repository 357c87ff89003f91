import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Connections, Herd, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { openNetpane, rowOf, selectedY, startNetpane, type Start, tableRows, uniqueName } from './netpane.ts';

/** Some sockets that stand still, for the tests of a whole file. */
export interface Scene {
  /** In the names of both programs and of no other. */
  name: string;
  server: HerdProcess;
  client: HerdProcess;
  /** On port 5432 and on port 6379 of an address of its own. */
  postgres: HerdSocket;
  redis: HerdSocket;
  /** On `::`, so that it takes IPv4 too. */
  dual: HerdSocket;
  /** Four to `postgres`. */
  connections: Connections;
  /** One of IPv4 to `dual`. */
  mapped: Connections;
  udp: HerdSocket;
  udpConnected: HerdSocket;
}

/** Count of the sockets of a {@link Scene}. */
export const SCENE_SIZE = 15;

/** Opens a scene before the tests of a file, and closes it after them. */
export function useScene(): Scene {
  const scene = {} as Scene;
  const herd = new Herd();
  beforeAll(async () => {
    const name = uniqueName();
    const [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-srv` }),
      herd.spawn({ title: `${name}-cli` }),
    ]);
    // The ports are well-known ones: on an address that nobody else is likely to use.
    const host = `127.${64 + (server.pid % 128)}.${client.pid % 256}.1`;
    const postgres = await server.listen({ host, port: 5432 });
    const redis = await server.listen({ host, port: 6379 });
    const dual = await server.listen({ host: '::' });
    const connections = await client.connect(server, postgres, { count: 4 });
    const mapped = await client.connect(server, dual, { host: '127.0.0.1' });
    const udp = await server.udp();
    const udpConnected = await client.udp({ to: udp.local });
    Object.assign(scene, {
      name,
      server,
      client,
      postgres,
      redis,
      dual,
      connections,
      mapped,
      udp,
      udpConnected,
    });
  });
  afterAll(() => herd.close());
  return scene;
}

/** The arguments of a netpane that shows the scene alone. */
const argsFor = ({ name }: Scene, { args = [] }: Start) => [
  ...['--process', name, '--interval', '200ms'],
  ...args,
];

/** Waits until netpane shows the scene alone. */
async function untilShown(t: Terminal, { rows = 30 }: Start): Promise<void> {
  await t.until('the scene', () => t.text().includes(`${SCENE_SIZE} of `));
  // A picture comes in pieces, its last line last; the lowest screens have no hints there.
  if (rows >= 10) await t.until('its last line', () => t.text().includes('? help'));
}

/** Starts netpane and waits until it shows the scene alone. It ends with the test. */
export async function showScene(scene: Scene, start: Start = {}): Promise<Terminal> {
  const t = startNetpane({ ...start, args: argsFor(scene, start) });
  await untilShown(t, start);
  return t;
}

/**
 * Starts netpane once for the tests of a describe, and again after a test that failed. Each test leaves no list, prompt
 * or pane open, and the order and the columns as they were.
 * @returns gives its terminal, which shows the scene alone
 */
export function useScreen(scene: Scene, start: Start = {}): () => Promise<Terminal> {
  let t: Terminal | undefined;
  const close = async () => {
    await t?.close();
    t = undefined;
  };
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await close();
  });
  afterAll(close);
  return async () => {
    if (t === undefined) t = openNetpane({ ...start, args: argsFor(scene, start) });
    else typeQuery(t, `process:${scene.name}\r`);
    await untilShown(t, start);
    return t;
  };
}

/** The line that tells what is filtered, on top of a screen of eight lines or more. */
export const filterLine = (t: Terminal) => t.rows()[2] ?? '';

export const titleLine = (t: Terminal) => t.rows()[3] ?? '';

/** `12 of 34`: how many sockets are shown, and how many there are; -1 while that is not told. */
export function shares(t: Terminal): { shown: number; total: number } {
  const [, shown = '-1', total = '-1'] = /([\d,]+) of ([\d,]+)$/.exec(filterLine(t)) ?? [];
  return { shown: Number(shown.replaceAll(',', '')), total: Number(total.replaceAll(',', '')) };
}

/** Types a query in the place of the one there is, and leaves the prompt open. */
export function typeQuery(t: Terminal, query: string): void {
  t.write('/');
  t.press('ctrl-u');
  t.write(query);
}

/** Presses down until a socket's row is the selected one. */
export async function select(t: Terminal, socket: Pick<HerdSocket, 'local' | 'remote'>): Promise<void> {
  const row = rowOf(t, socket);
  const [first] = tableRows(t);
  if (!row || !first) throw new Error('the socket does not show');
  t.press('home');
  for (let { y } = first; y < row.y; y++) t.press('down');
  await t.until('the row to be selected', () => rowOf(t, socket)?.y === selectedY(t));
}

/** Waits until so many rows show in a terminal that has room for them all, and gives them. */
export const rowsToBe = (t: Terminal, count: number) =>
  t.until(`${count} rows`, () => {
    const rows = tableRows(t);
    return rows.length === count && filterLine(t).includes(` ${count} of `) && rows;
  });

/** The name of the port of `postgres`, as far as its column has room for it. */
export const POSTGRES = /\bpo\S*sql\b/;

/** What stands in the table for as long as nothing happens to its sockets: rates and times come and go. */
export const lasting = (t: Terminal): string =>
  tableRows(t)
    .map((row) =>
      [row.y, row.mark, row.process, row.pid, row.local, row.localPort, row.remote, row.state].join(' '),
    )
    .join('\n');
