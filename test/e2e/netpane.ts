import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, inject } from 'vitest';
import { Herd, type HerdSocket, root } from '../helpers/herd.ts';
import { Terminal } from '../helpers/terminal.ts';

/** The built program. */
export const program = join(root, 'dist', 'netpane.js');
/** For `node --import`: see there. */
export const faults = join(root, 'test', 'helpers', 'fault.mjs');

export const isLinux = process.platform === 'linux';
export const isRoot = process.geteuid?.() === 0;

/** See probe.ts. */
export const unshare = inject('unshare');
export const hasNetlink = inject('hasNetlink');

const cleanUps: (() => unknown)[] = [];
/** Does something when the test is over, the last first. */
export const cleanUp = (act: () => unknown) => void cleanUps.push(act);
afterEach(async () => {
  for (const act of cleanUps.splice(0).reverse()) await act();
});

/** A herd that ends with the test. */
export function newHerd(): Herd {
  const herd = new Herd();
  cleanUp(() => herd.close());
  return herd;
}

/** A program's name that nothing else on the machine has, of eight characters; for `--process`. */
export const uniqueName = () => `np${randomBytes(3).toString('hex')}`;

/** A home directory that ends with the test: for several starts that are to share configuration and saved state. */
export function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'netpane-home-'));
  cleanUp(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

export interface Start {
  args?: string[];
  cols?: number;
  rows?: number;
  env?: Record<string, string | undefined>;
  /** See {@link newHome}; without it every start has one of its own. */
  home?: string;
  /** Options of node. */
  nodeArgs?: string[];
  /** A command that runs the rest, such as `unshare -n`. */
  through?: string[];
  /** Another copy of the program. */
  file?: string;
}

/** Starts netpane in a terminal, which ends with the test. It may not have painted anything yet. */
export function startNetpane(start: Start = {}): Terminal {
  const terminal = openNetpane(start);
  cleanUp(() => terminal.close());
  return terminal;
}

/** Starts netpane in a terminal, which the caller closes. */
export function openNetpane({
  args = [],
  cols = 120,
  rows = 30,
  env,
  home,
  nodeArgs = [],
  through = [],
  file = program,
}: Start = {}): Terminal {
  const [command = '', ...rest] = [...through, process.execPath, ...nodeArgs, file, ...args];
  return Terminal.start({
    command,
    args: rest,
    cols,
    rows,
    cwd: root,
    ...(env && { env }),
    ...(home && { home }),
  });
}

/** Readings of netpane, after the first one, that happen only when the test says so. */
export interface Ticks {
  start: Pick<Start, 'env' | 'nodeArgs'>;
  /** Lets so many more readings happen. */
  allow(count: number): void;
  /** True when all that were allowed have been made and taken up by the screen. */
  over(): boolean;
}

/** Puts the ticks of a netpane, started with `start`, into the hands of the test. */
export function ticksByHand(): Ticks {
  const folder = mkdtempSync(join(tmpdir(), 'netpane-ticks-'));
  cleanUp(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ticks');
  for (const path of [file, `${file}.wanted`]) writeFileSync(path, '');
  return {
    start: { nodeArgs: ['--import', faults], env: { NETPANE_FAULT: 'ticks', NETPANE_TICKS: file } },
    allow: (count) => appendFileSync(file, '.'.repeat(count)),
    over: () => statSync(`${file}.wanted`).size > statSync(file).size,
  };
}

/** Columns of the table: by title what a row of it is called here, and what is in it. */
const CELLS: Readonly<Record<string, readonly [string, string]>> = {
  PROCESS: ['process', String.raw`\S.*?`],
  PID: ['pid', String.raw`\d+|·`],
  USER: ['user', String.raw`\S+`],
  PROT: ['protocol', '(?:tcp|udp|udplite|udpl|raw|icmp|packet|pkt|unix)6?'],
  NS: ['netns', String.raw`\S+`],
  LOCAL: ['local', String.raw`\S+`],
  REMOTE: ['remote', String.raw`\S+`],
  STATE: ['state', String.raw`\S+`],
  'RX/S': ['rxRate', String.raw`\S+`],
  'TX/S': ['txRate', String.raw`\S+`],
  RTT: ['rtt', String.raw`\S+`],
  RX: ['rxBytes', String.raw`\S+`],
  TX: ['txBytes', String.raw`\S+`],
  RETR: ['retransmits', String.raw`\S+`],
  Q: ['queues', String.raw`\S+`],
  IF: ['interface', String.raw`\S+`],
  AGE: ['age', String.raw`\S+`],
};
const PORT = String.raw`[\w-]+|\*|·`;

/** A row of the table as it stands on the screen. A column that has no room there is not in it. */
export interface ShownRow extends Partial<
  Record<
    | 'user'
    | 'netns'
    | 'rxRate'
    | 'txRate'
    | 'rtt'
    | 'rxBytes'
    | 'txBytes'
    | 'retransmits'
    | 'queues'
    | 'interface',
    string
  >
> {
  y: number;
  mark: string;
  process: string;
  pid: string;
  protocol: string;
  local: string;
  localPort: string;
  remote: string;
  remotePort: string;
  state: string;
  age: string;
}

/** The arrow of the sorted column takes the place of the last letter where there is no other. */
const cutShort = (title: string): string =>
  Object.keys(CELLS).findLast((it) => it.startsWith(title)) ?? title;

const rowPatterns = new Map<string, RegExp>();

/** What a row looks like below these titles; the port before REMOTE is the local one. */
function rowPattern(titles: string): RegExp {
  const known = rowPatterns.get(titles);
  if (known) return known;
  let isRemote = false;
  const words = titles.split(/[ ▴▾^]+/).filter((title) => title !== '');
  const cells = words.map((title) => {
    isRemote ||= title === 'REMOTE';
    const [name, cell] =
      title === 'PORT'
        ? [isRemote ? 'remotePort' : 'localPort', PORT]
        : (CELLS[title] ?? CELLS[cutShort(title)] ?? []);
    if (name === undefined) throw new Error(`the table has a column ${title} that the tests do not know`);
    return `(?<${name}>${cell})`;
  });
  const pattern = new RegExp(`^(?<mark>[ +~-]) ${cells.join(' +')}$`);
  rowPatterns.set(titles, pattern);
  return pattern;
}

/** Every row of the table that shows; all columns named here have room from 120 columns on, but for the user's. */
export const tableRows = (terminal: Terminal): ShownRow[] => {
  const lines = terminal.rows();
  const titles = lines.findIndex((line) => /^[▸ ] PROCESS.* STATE/.test(line));
  if (titles < 0) return [];
  const pattern = rowPattern((lines[titles] ?? '').slice(2).trim());
  return lines.flatMap((line, y) => {
    const { groups } = (y > titles && pattern.exec(line)) || {};
    return groups ? [{ ...(groups as unknown as Omit<ShownRow, 'y'>), y }] : [];
  });
};

/**
 * The row of a socket, by its ports and, where it has one, its program: root sees all namespaces, and any of them may
 * use the same ports.
 */
export const rowOf = (
  terminal: Terminal,
  { local, remote, pid }: Pick<HerdSocket, 'local' | 'remote'> & Partial<Pick<HerdSocket, 'pid'>>,
) =>
  tableRows(terminal).find(
    (row) =>
      row.localPort === String(local.port) &&
      row.remotePort === (remote ? String(remote.port) : '*') &&
      (pid === undefined || row.pid === String(pid) || row.pid === '·'),
  );

/** The lines of the event log about a socket, from the mark on, without runs of blanks. */
export const eventsOf = (terminal: Terminal, { local, remote }: Pick<HerdSocket, 'local' | 'remote'>) =>
  terminal.rows().flatMap((line) => {
    const [, event = ''] = /^\d\d:\d\d:\d\d(?:\.\d{3})?[ ›](.*)$/.exec(line) ?? [];
    const ends = remote ? `:${local.port} → ${remote.address}:${remote.port} ` : `:${local.port} `;
    return event.includes(ends) && (remote || !event.includes('→')) ? [event.replace(/ +/g, ' ')] : [];
  });

/** The line that is selected: inverse over the width of the table. */
export function selectedLine(terminal: Terminal): string {
  const y = selectedY(terminal);
  return terminal.rows()[y] ?? '';
}

export const selectedY = (terminal: Terminal): number =>
  terminal.rows().findIndex((_, y) => terminal.cell(0, y).inverse && terminal.cell(1, y).inverse);

/** What a command said and how it ended. */
export interface Outcome {
  stdout: string;
  stderr: string;
  code: number | null;
}

/** Runs netpane without a terminal, to its end. */
export async function runNetpane(
  args: string[],
  {
    nodeArgs = [],
    through = [],
    file = program,
    ...options
  }: SpawnOptions & Pick<Start, 'nodeArgs' | 'through'> & { file?: string } = {},
): Promise<Outcome> {
  const [command = '', ...rest] = [...through, process.execPath, ...nodeArgs, file, ...args];
  const child: ChildProcess = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: root,
    ...options,
  });
  cleanUp(() => child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  return { ...said, code };
}
