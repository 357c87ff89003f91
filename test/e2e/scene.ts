import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Connections, Herd, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';
import type { Cell } from '../helpers/svg.ts';
import type { Terminal } from '../helpers/terminal.ts';
import { openNetpane, rowOf, selectedY, startNetpane, type Start, tableRows, uniqueName } from './netpane.ts';

/** Sockets that do not change, for the tests of a file. */
export interface Scene {
  /** Part of the names of both processes, and of no other process. */
  name: string;
  server: HerdProcess;
  client: HerdProcess;
  /** A listener on port 5432 of an address that no other process uses. */
  postgres: HerdSocket;
  /** A listener on port 6379 of the same address. */
  redis: HerdSocket;
  /** A listener on `::` that also accepts IPv4. */
  dual: HerdSocket;
  /** Four connections to `postgres`. */
  connections: Connections;
  /** One IPv4 connection to `dual`. */
  mapped: Connections;
  udp: HerdSocket;
  udpConnected: HerdSocket;
}

/** Sizes of terminals, in columns and lines, from a corner of tmux to a large screen. */
export const SIZES = [
  [80, 24],
  [60, 15],
  [40, 10],
  [120, 40],
  [200, 50],
] as const;

/** The last line of the screen: it ends with the last hint of the table, a list, a prompt or a question. */
const LAST_LINE = / (?:help|close|cancel|no)$/;

/**
 * Resizes the terminal to each of the sizes, and to the first again.
 * @param check is called when the screen has the size
 */
export async function atEachSize(
  t: Terminal,
  check: (cols: number, rows: number) => unknown,
  sizes: readonly (readonly [cols: number, rows: number])[] = SIZES,
): Promise<void> {
  for (const [cols, rows] of sizes) {
    await resize(t, cols, rows);
    await check(cols, rows);
  }
  const [first] = sizes;
  if (first) await resize(t, ...first);
}

/** Resizes the terminal and waits until netpane shows its picture of this size. */
export async function resize(t: Terminal, cols: number, rows: number): Promise<void> {
  t.resize(cols, rows);
  // The last line is written last.
  await t.until(`${cols}×${rows}`, () => LAST_LINE.test(t.rows()[rows - 1] ?? ''));
}

/** Number of sockets of a {@link Scene}. */
export const SCENE_SIZE = 15;

/** Opens a scene before the tests of a describe, and closes it after them. */
export function useScene(): Scene {
  const scene = {} as Scene;
  const herd = new Herd();
  beforeAll(async () => {
    const name = uniqueName();
    const [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-srv` }),
      herd.spawn({ title: `${name}-cli` }),
    ]);
    // Well-known ports, so on an address that other processes are unlikely to use.
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

/** Returns the arguments of a netpane that shows only the scene. */
const argsFor = ({ name }: Scene, { args = [] }: Start) => [
  ...['--process', name, '--interval', '200ms'],
  ...args,
];

/** Maximum time of a start, milliseconds: beside other heavy processes it takes more than ten seconds. */
const START_MS = 40_000;

/** Waits until netpane shows only the scene. */
async function untilShown(t: Terminal, { rows = 30 }: Start): Promise<void> {
  const isShown = () => t.text().includes(`${SCENE_SIZE} of `);
  await t.until('the scene', isShown, { timeoutMs: START_MS });
  // The output comes in pieces, and the hints come last. A screen of fewer than ten lines has none.
  if (rows >= 10) await t.until('the hints', () => t.text().includes('? help'));
}

/** Starts netpane and waits until it shows only the scene. It ends with the test. */
export async function showScene(scene: Scene, start: Start = {}): Promise<Terminal> {
  const t = startNetpane({ ...start, args: argsFor(scene, start) });
  await untilShown(t, start);
  return t;
}

/**
 * Starts netpane when a test of a describe first needs it, and again after a test that failed or in which it ended.
 * @returns a function that returns its terminal, as the test before left it
 */
export function useNetpane(start: () => Start): () => Terminal {
  let t: Terminal | undefined;
  const close = async () => {
    await t?.close();
    t = undefined;
  };
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail' || t?.hasEnded === true) await close();
  });
  afterAll(close);
  return () => (t ??= openNetpane(start()));
}

/**
 * Shows the scene in one netpane for the tests of a describe, see {@link useNetpane}. A test must close every list, prompt
 * and pane that it opens, and must restore sort order and columns, such as by {@link openAll}.
 * @returns a function that returns the terminal, which shows only the scene, in a size: by default that of `start`
 */
export function useScreen(
  scene: Scene,
  start: Start = {},
): (size?: readonly [cols: number, rows: number]) => Promise<Terminal> {
  const netpane = useNetpane(() => ({ ...start, args: argsFor(scene, start) }));
  let known: Terminal | undefined;
  return async ([cols, rows] = [start.cols ?? 120, start.rows ?? 30]) => {
    const t = netpane();
    if (t !== known) await untilShown(t, start);
    known = t;
    await resize(t, cols, rows);
    typeQuery(t, `process:${scene.name}\r`);
    await untilShown(t, { rows });
    // Another test may have selected a later row.
    t.press('home');
    return t;
  };
}

/**
 * Refreshes the whole screen and waits until it is painted.
 *
 * A click right after a paint acts on the picture before it, which the user may have meant. After this function, a click
 * acts on what the screen shows.
 */
export async function refresh(t: Terminal): Promise<void> {
  const before = t.bytesWritten;
  t.press('ctrl-l');
  // The hints are the last line that is written.
  await t.until('the hints', () => t.received(before).includes('filter'));
}

/** Returns what is visible of the cells. The foreground of a blank is not, and netpane leaves it as it was. */
export const visibleCells = (t: Terminal): Cell[][] =>
  t
    .cells()
    .map((row) =>
      row.map((cell) => (cell.text.trim() === '' && !cell.inverse ? { ...cell, fg: undefined } : cell)),
    );

/** Returns the filter line of a screen of eight lines or more. */
export const filterLine = (t: Terminal) => t.rows()[2] ?? '';

export const titleLine = (t: Terminal) => t.rows()[3] ?? '';

/**
 * Returns the numbers of `12 of 34`: sockets shown and all sockets; -1 while the filter line has none. `1–19 of 34` means
 * that 34 are shown and 19 of them are visible. `folded` is the number of sockets in TIME_WAIT that are only counted.
 */
export function socketCounts(t: Terminal): { shown: number; total: number; folded: number } {
  const text = filterLine(t).replaceAll(',', '');
  const folded = Number(/(\d+) TIME_WAIT/.exec(text)?.[1] ?? 0);
  const [, visible, all = '-1'] = /(\d+–\d+)(?: of |\/)(\d+)$/.exec(text) ?? [];
  if (visible !== undefined) return { shown: Number(all), total: Number(all) + folded, folded };
  const [, shown = '-1', total = '-1'] = /(\d+) of (\d+)(?: open)?$/.exec(text) ?? [];
  return { shown: Number(shown), total: Number(total), folded };
}

/** Opens the view `all`: no query, and the order and columns of the start. For a screen that tests share. */
export async function openAll(t: Terminal): Promise<void> {
  t.write('1');
  await t.until('all sockets', () => !filterLine(t).startsWith('/') && titleLine(t).includes('PROCESS▴'));
}

/** Replaces the query in the prompt, which stays open. */
export function typeQuery(t: Terminal, query: string): void {
  t.write('/');
  t.press('ctrl-u');
  t.write(query);
}

/** Presses down until the row of a socket is selected. */
export async function select(t: Terminal, socket: Pick<HerdSocket, 'local' | 'remote'>): Promise<void> {
  const row = rowOf(t, socket);
  const [first] = tableRows(t);
  if (!row || !first) throw new Error('the table does not show the socket');
  t.press('home');
  for (let { y } = first; y < row.y; y++) t.press('down');
  await t.until('the row to be selected', () => rowOf(t, socket)?.y === selectedY(t));
}

/** Waits until `count` rows show, in a terminal with room for all of them. Returns them. */
export const rowsToBe = (t: Terminal, count: number) =>
  t.until(`${count} rows`, () => {
    const rows = tableRows(t);
    return rows.length === count && filterLine(t).includes(` ${count} of `) && rows;
  });

/** The name of the service of `scene.redis`. That of PostgreSQL has no room: its port stands there. */
export const REDIS = /\bredis\b/;

/** Returns the text of the table without rates and times, which change while the sockets do not. */
export const stableText = (t: Terminal): string =>
  tableRows(t)
    .map((row) =>
      [row.y, row.mark, row.process, row.pid, row.local, row.localPort, row.remote, row.state].join(' '),
    )
    .join('\n');
