import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import type { Snapshot } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import type { RawConnection } from '../../src/source/portable/normalise.ts';
import { portableSource, type SystemInformation } from '../../src/source/portable/portable.ts';
import type { RawProcess } from '../../src/source/portable/programs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const FIXTURES = join(ROOT, 'fixtures', 'portable');

export interface Answers {
  readonly connections: readonly RawConnection[];
  readonly processes: { readonly list: readonly RawProcess[] };
}

/** Runs in a child process, because systeminformation reads `process.platform` when it is loaded. */
const SCRIPT = `
  const real = Object.getOwnPropertyDescriptor(process, 'platform');
  Object.defineProperty(process, 'platform', { ...real, value: process.env.PRETEND });
  // On Windows before 10 it would write to the stdin of PowerShell, and crash when that has exited.
  if (process.env.PRETEND === 'win32') require('node:os').release = () => '10.0.19045';
  const si = require('systeminformation');
  Object.defineProperty(process, 'platform', real);
  (async () => {
    const answers = { connections: await si.networkConnections(), processes: await si.processes() };
    process.stdout.write(require('node:v8').serialize(answers).toString('base64'));
  })();
`;

/** Runs the real systeminformation with fake commands. @param commands shell script by command name */
export function runSystemInformation(
  platform: NodeJS.Platform,
  commands: Readonly<Record<string, string>>,
): Answers {
  const folder = mkdtempSync(join(tmpdir(), 'netpane-portable-'));
  try {
    // Without a fake `cat`, systeminformation on Linux would read the /proc of this machine.
    const all = { cat: 'exit 0', 'cmd.exe': 'exit 0', 'powershell.exe': 'exit 0', ...commands };
    for (const [name, script] of Object.entries(all)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    const env = { PATH: `${folder}:/usr/bin:/bin`, PRETEND: platform, TZ: 'UTC' };
    const out = execFileSync(process.execPath, ['-e', SCRIPT], { cwd: ROOT, env, encoding: 'utf8' });
    return deserialize(Buffer.from(out, 'base64')) as Answers;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns a shell command that prints a fixture. */
export const print = (file: string): string => `exec /bin/cat '${join(FIXTURES, file)}'`;
export const fakeSi = ({ connections, processes }: Answers): SystemInformation => ({
  networkConnections: () => Promise.resolve(connections),
  processes: () => Promise.resolve(processes),
});
/** Returns true for the only file on the fake machines. */
export const exists = (path: string): boolean => path === '/Applications/Adobe Creative Cloud/ACC/node';
export const snapshotOf = (
  platform: NodeJS.Platform,
  commands: Readonly<Record<string, string>>,
  isRoot = false,
): Promise<Snapshot> =>
  portableSource({ platform, si: fakeSi(runSystemInformation(platform, commands)), exists, isRoot }).read();

export const showOwner = (socket: Socket): string =>
  socket.owners.map(({ knowledge, pid, process }) => [knowledge, pid, process].join(' ').trim()).join(', ');

/** Returns a socket as one line of text, with its owners. */
export function show(socket: Socket): string {
  const { protocol, family, local, remote, state } = socket;
  const far = remote ? `${remote.address} ${remote.port}` : '-';
  const kind = protocol + (family === 'ipv6' ? '6' : '');
  return `${kind} | ${local.address} ${local.port} | ${far} | ${state ?? '-'} | ${showOwner(socket)}`;
}
export const lines = (snapshot: Snapshot): string[] => [...snapshot.sockets.values()].map(show);
export const codes = (snapshot: Snapshot): string[] => snapshot.degradations.map((it) => it.code);
export const shorts = (snapshot: Snapshot): string[] => snapshot.degradations.map((it) => it.short);

export const rawConnection = (fields: Partial<RawConnection> = {}): RawConnection => ({
  protocol: 'tcp',
  localAddress: '10.0.0.5',
  localPort: '51512',
  peerAddress: '203.0.113.80',
  peerPort: '443',
  state: 'ESTABLISHED',
  pid: 812,
  process: '',
  ...fields,
});
export function rawProcess(fields: Partial<RawProcess> = {}): RawProcess {
  const blank = { params: '', path: null, user: '', started: null };
  return { pid: 812, name: 'app.exe', command: 'app.exe', ...blank, ...fields };
}
