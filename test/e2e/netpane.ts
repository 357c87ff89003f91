import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { Herd, type HerdSocket, root } from '../helpers/herd.ts';
import { Terminal } from '../helpers/terminal.ts';
import { cleanUp } from './clean-up.ts';

export { cleanUp };

/** The built program. */
export const program = join(root, 'dist', 'netpane.js');
/** Module for `node --require` that injects a fault; described there. */
export const faults = join(root, 'test', 'helpers', 'fault.cjs');

export const isLinux = process.platform === 'linux';
export const isRoot = process.geteuid?.() === 0;

/** See probe.ts. */
export const unshare = inject('unshare');
export const hasNetlink = inject('hasNetlink');
/** The copy of the program that every user can read. */
export const programForAll = join(inject('copy'), 'dist', 'netpane.js');

/** Returns a herd that ends as {@link cleanUp} says. */
export function newHerd(): Herd {
  const herd = new Herd();
  cleanUp(() => herd.close());
  return herd;
}

/** Returns a process name of eight characters that no other process has; for `--process`. */
export const uniqueName = () => `np${randomBytes(3).toString('hex')}`;

/** Returns a home directory that is removed as {@link cleanUp} says: for starts that share configuration and saved state. */
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
  /** See {@link newHome}. Without it every start has a new one. */
  home?: string;
  /** Options of Node. */
  nodeArgs?: string[];
  /** The command that runs node, such as `unshare -n`. */
  through?: string[];
  /** Another copy of the program. */
  file?: string;
}

/** Starts netpane in a terminal that closes after the test. Nothing may be painted yet. */
export function startNetpane(start: Start = {}): Terminal {
  const terminal = openNetpane(start);
  cleanUp(() => terminal.close());
  return terminal;
}

/** Starts netpane in a terminal that the caller closes. */
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

/** Returns a copy of the program without the package koffi. */
export function withoutKoffi(): string {
  const folder = mkdtempSync(join(tmpdir(), 'netpane-'));
  cleanUp(() => rmSync(folder, { recursive: true }));
  for (const part of ['dist', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  const packages = join(folder, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!/^(\.|koffi$|@koromix$)/.test(name))
      symlinkSync(join(root, 'node_modules', name), join(packages, name));
  }
  return join(folder, 'dist', 'netpane.js');
}

/** Control over the polls of a netpane: after the first poll, it polls only when the test allows it. */
export interface PollControl {
  start: Pick<Start, 'env' | 'nodeArgs'>;
  /** Allows more polls. */
  allow(count: number): void;
  /** Returns true if all allowed polls are done and the screen has their batches. */
  areDone(): boolean;
}

/** Returns control over the polls of a netpane that is started with `start`, and of another one after its end. */
export function pollsByHand(): PollControl {
  const folder = mkdtempSync(join(tmpdir(), 'netpane-polls-'));
  cleanUp(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'allowed');
  for (const path of [file, `${file}.wanted`]) writeFileSync(path, '');
  return {
    start: {
      nodeArgs: ['--require', faults],
      env: { NETPANE_FAULT: 'polls-by-hand', NETPANE_FAULT_FILE: file },
    },
    allow: (count) => appendFileSync(file, '.'.repeat(count)),
    areDone: () => statSync(`${file}.wanted`).size > statSync(file).size,
  };
}

const PORT = String.raw`[\w-]+|\*|·`;

/** Columns of the table by title: name of the field in {@link ShownRow}, and pattern of a cell. */
const CELLS: Readonly<Record<string, readonly [string, string]>> = {
  PROCESS: ['process', String.raw`\S.*?`],
  PID: ['pid', String.raw`\d+|·`],
  USER: ['user', String.raw`\S+`],
  PROT: ['protocol', '(?:tcp|udp|udplite|udpl|raw|icmp|packet|pkt|unix)6?'],
  NS: ['netns', String.raw`\S+`],
  LOCAL: ['local', String.raw`\S+`],
  // The program of the peer, if the connection is local.
  REMOTE: ['remote', String.raw`(?:[→←<>]|with) \S.*?|\S+`],
  HOST: ['host', String.raw`[=≈] \S+|\S+`],
  STATE: ['state', String.raw`\S+`],
  'RX/S': ['rxRate', String.raw`\S+`],
  'TX/S': ['txRate', String.raw`\S+`],
  HISTORY: ['history', String.raw`\S+`],
  RTT: ['rtt', String.raw`\S+`],
  RX: ['rxBytes', String.raw`\S+`],
  TX: ['txBytes', String.raw`\S+`],
  RETR: ['retransmits', String.raw`\S+`],
  Q: ['queues', String.raw`\S+`],
  IF: ['interface', String.raw`\S+`],
  AGE: ['age', String.raw`\S+`],
  'LOCAL:PORT': ['localEnd', String.raw`\S+`],
  // One word, or two of which the second may be an address or a name.
  EXPOSURE: [
    'exposure',
    String.raw`(?:LAN|public|multicast|interface|container|namespace) \S+|all interfaces|this machine|\S+`,
  ],
  COMMAND: ['command', String.raw`.*?`],
  RATE: ['rate', String.raw`\S+`],
  LPORT: ['localPort', PORT],
  RPORT: ['remotePort', PORT],
};

/** A row of the table as the screen shows it. A column without room on the screen is undefined. */
export interface ShownRow extends Partial<
  Record<
    | 'user'
    | 'netns'
    | 'rxRate'
    | 'txRate'
    | 'history'
    | 'rtt'
    | 'rxBytes'
    | 'txBytes'
    | 'retransmits'
    | 'queues'
    | 'interface'
    | 'localEnd'
    | 'exposure'
    | 'host'
    | 'state'
    | 'command'
    | 'rate',
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
  age: string;
}

/** Returns the column whose title was cut: the arrow of the sorted column may replace the last letter. */
const cutTitle = (title: string): string =>
  Object.keys(CELLS).findLast((it) => it.startsWith(title)) ?? title;

const rowPatterns = new Map<string, RegExp>();

/** Returns the pattern of a row below these titles. The PORT column before REMOTE is the local port, unless it is RPORT. */
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
        : (CELLS[title] ?? CELLS[cutTitle(title)] ?? []);
    if (name === undefined) throw new Error(`the tests have no pattern for the column ${title}`);
    return `(?<${name}>${cell})`;
  });
  const pattern = new RegExp(`^(?<mark>[ +~-]) ${cells.join(' +')}$`);
  rowPatterns.set(titles, pattern);
  return pattern;
}

/** Returns a line without the brackets of the chosen cell, which are bold on the selected row. */
const withoutBrackets = (terminal: Terminal, line: string, y: number): string =>
  line.replace(/[[\]]/g, (bracket, x: number) => {
    const { bold, inverse } = terminal.cell(x, y);
    return bold && inverse ? ' ' : bracket;
  });

/** Returns the ends of a listener: its table has one column for the local end, and none for the peer. */
const listenerEnds = (localEnd: string) => ({
  local: localEnd.slice(0, localEnd.lastIndexOf(':')),
  localPort: localEnd.slice(localEnd.lastIndexOf(':') + 1),
  remote: '*',
  remotePort: '*',
});

/**
 * Returns the visible rows of the table. From 120 columns on, all fields have room that are not optional; in a table of
 * listeners these do not include the state.
 */
export const tableRows = (terminal: Terminal): ShownRow[] => {
  const lines = terminal.rows();
  const titles = lines.findIndex((line) => /^[▸ ] PROCESS.* (?:STATE|EXPOSURE)/.test(line));
  if (titles < 0) return [];
  const pattern = rowPattern((lines[titles] ?? '').slice(2).trim());
  return lines.flatMap((line, y) => {
    const { groups } = (y > titles && pattern.exec(withoutBrackets(terminal, line, y))) || {};
    if (!groups) return [];
    const row = { ...(groups as unknown as Omit<ShownRow, 'y'>), y };
    return [row.localEnd === undefined ? row : { ...row, ...listenerEnds(row.localEnd) }];
  });
};

/**
 * Returns the row of a socket, found by its ports and, if given, its pid: root sees all namespaces, and several of them
 * may use the same ports.
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

/** Returns the lines of the event log about a socket, from the mark on, with single spaces. */
export const eventsOf = (terminal: Terminal, { local, remote }: Pick<HerdSocket, 'local' | 'remote'>) =>
  terminal.rows().flatMap((line) => {
    const [, event = ''] = /^\d\d:\d\d:\d\d(?:\.\d{3})?[ ›](.*)$/.exec(line) ?? [];
    const [, own, peer] = /:(\d+)(?: [→←–] (\S+))? /.exec(event) ?? [];
    const isIt =
      own === String(local.port) && peer === (remote ? `${remote.address}:${remote.port}` : undefined);
    return isIt ? [event.replace(/ +/g, ' ')] : [];
  });

/** Returns the selected line, which is inverse over the width of the table. */
export function selectedLine(terminal: Terminal): string {
  const y = selectedY(terminal);
  return terminal.rows()[y] ?? '';
}

export const selectedY = (terminal: Terminal): number =>
  terminal.rows().findIndex((_, y) => terminal.cell(0, y).inverse && terminal.cell(1, y).inverse);

/** The output and the exit code of a command. */
export interface Outcome {
  stdout: string;
  stderr: string;
  code: number | null;
}

/** Runs netpane to its end, without a terminal. */
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
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  return { ...output, code };
}
