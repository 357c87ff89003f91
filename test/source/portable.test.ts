import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize } from 'node:v8';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Snapshot } from '../../src/model/batch.ts';
import type { Socket } from '../../src/model/socket.ts';
import { diff } from '../../src/sampler/diff.ts';
import { normalise, type RawConnection, withoutHeading } from '../../src/source/portable/normalise.ts';
import { portableSource, type SystemInformation } from '../../src/source/portable/portable.ts';
import type { RawProcess } from '../../src/source/portable/programs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FIXTURES = join(ROOT, 'fixtures', 'portable');

interface Answers {
  readonly connections: readonly RawConnection[];
  readonly processes: { readonly list: readonly RawProcess[] };
}

/** Runs in a child: systeminformation asks for the platform as it loads, and child_process whenever it runs. */
const ASK = `
  const real = Object.getOwnPropertyDescriptor(process, 'platform');
  Object.defineProperty(process, 'platform', { ...real, value: process.env.PRETEND });
  // Of a Windows before 10 it would write to the input of PowerShell, and break when that has gone.
  if (process.env.PRETEND === 'win32') require('node:os').release = () => '10.0.19045';
  const si = require('systeminformation');
  Object.defineProperty(process, 'platform', real);
  (async () => {
    const answers = { connections: await si.networkConnections(), processes: await si.processes() };
    process.stdout.write(require('node:v8').serialize(answers).toString('base64'));
  })();
`;

/** What the real systeminformation makes of commands that print `commands`, shell scripts by name. */
function ask(platform: NodeJS.Platform, commands: Readonly<Record<string, string>>): Answers {
  const folder = mkdtempSync(join(tmpdir(), 'netpane-portable-'));
  try {
    // Without its own `cat`, systeminformation on Linux would read the /proc of this machine.
    const all = { cat: 'exit 0', 'cmd.exe': 'exit 0', 'powershell.exe': 'exit 0', ...commands };
    for (const [name, script] of Object.entries(all)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    const env = { PATH: `${folder}:/usr/bin:/bin`, PRETEND: platform, TZ: 'UTC' };
    const out = execFileSync(process.execPath, ['-e', ASK], { cwd: ROOT, env, encoding: 'utf8' });
    return deserialize(Buffer.from(out, 'base64')) as Answers;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const print = (file: string): string => `exec /bin/cat '${join(FIXTURES, file)}'`;
const fakeSi = ({ connections, processes }: Answers): SystemInformation => ({
  networkConnections: () => Promise.resolve(connections),
  processes: () => Promise.resolve(processes),
});
/** The only file of the pretended machines. */
const exists = (path: string): boolean => path === '/Applications/Adobe Creative Cloud/ACC/node';
const snapshotOf = (
  platform: NodeJS.Platform,
  commands: Readonly<Record<string, string>>,
): Promise<Snapshot> => portableSource({ platform, si: fakeSi(ask(platform, commands)), exists }).read();

const showOwner = (socket: Socket): string =>
  socket.owners.map(({ knowledge, pid, process }) => [knowledge, pid, process].join(' ').trim()).join(', ');

/** A socket as one line: what it is and whose. */
function show(socket: Socket): string {
  const { protocol, family, local, remote, state } = socket;
  const far = remote ? `${remote.address} ${remote.port}` : '-';
  const kind = protocol + (family === 'ipv6' ? '6' : '');
  return `${kind} | ${local.address} ${local.port} | ${far} | ${state ?? '-'} | ${showOwner(socket)}`;
}
const lines = (snapshot: Snapshot): string[] => [...snapshot.sockets.values()].map(show);
const codes = (snapshot: Snapshot): string[] => snapshot.degradations.map((it) => it.code);
const shorts = (snapshot: Snapshot): string[] => snapshot.degradations.map((it) => it.short);

// The stand-in commands are shell scripts.
const posix = test.skipIf(process.platform === 'win32');

posix('macOS 26: process:pid column, names with spaces, scopes, kernel sockets, UDP', async () => {
  const ps = `case "$*" in *pid,command) ${print('darwin/ps-26.txt')};; *) ${print('darwin/ps-26-full.txt')};; esac`;
  const snapshot = await snapshotOf('darwin', { netstat: print('darwin/netstat-26.txt'), ps });
  expect(lines(snapshot)).toEqual([
    'tcp | 192.0.2.131 22 | 198.51.100.7 33556 | ESTABLISHED | exact 4976 sshd-session',
    'tcp | 127.0.0.1 49515 | 127.0.0.1 49472 | ESTABLISHED | exact 22712 Autodesk Fusion',
    'tcp | 127.0.0.1 49510 | 127.0.0.1 49513 | ESTABLISHED | exact 22712 Autodesk Fusion',
    'tcp | 127.0.0.1 51836 | - | LISTEN | exact 53082 node',
    'tcp6 | :: 3283 | - | LISTEN | exact 1039 ARDAgent',
    'tcp6 | :: 49615 | - | LISTEN | exact 1232 io.tailscale.ipn.macsys.network-extension',
    'tcp6 | :: 88 | - | LISTEN | exact 910 kdc',
    'tcp6 | fe80::e484:d5ff:fe12:3456%utun3 64032 | fe80::64f0:d9ff:fe65:4321%utun3 49161 | ESTABLISHED | exact 704 rapportd',
    'tcp | 192.0.2.30 61042 | 192.0.2.2 445 | ESTABLISHED | kernel',
    'tcp | 127.0.0.1 64810 | 127.0.0.1 8443 | TIME_WAIT | gone',
    'udp | 0.0.0.0 5353 | - | - | exact 390 mDNSResponder',
    'udp6 | :: 5353 | - | - | exact 390 mDNSResponder',
    'udp | 192.0.2.30 63770 | 203.0.113.67 443 | ESTABLISHED | exact 21037 Google Chrome Helper',
  ]);
  expect(snapshot.degradations).toEqual([]);

  const ownerOf = (pid: number) =>
    [...snapshot.sockets.values()].flatMap((it) => it.owners).find((it) => it.pid === pid);
  const day = 86_400_000;
  expect(ownerOf(390)).toMatchObject({ user: '_mdnsresponder', exe: '/usr/sbin/mDNSResponder' });
  const ageMs = Date.now() - (ownerOf(390)?.startedAtMs ?? 0);
  expect(Math.round(ageMs / day)).toBe(12);
  expect(ownerOf(53082)).toMatchObject({
    exe: '/opt/homebrew/bin/node',
    command: '/opt/homebrew/bin/node dist/main.js --port 51836',
  });
});

posix('macOS 15: a pid that no process has is not believed, nor shown as one', async () => {
  const ps = `printf '  PID COMMAND\\n 2903 /usr/sbin/one\\n 5767 /usr/sbin/two\\n75236 /usr/sbin/three\\n'`;
  const answers = ask('darwin', { netstat: print('darwin/netstat-15.1.txt'), ps });
  const processes = { list: [rawProcess({ pid: 2903, name: 'one', command: 'one', path: '/usr/sbin' })] };
  const source = portableSource({ platform: 'darwin', si: fakeSi({ ...answers, processes }), exists });
  const snapshot = await source.read();
  // 74164 has ended since; for SYN_RCVD, a word systeminformation lacks, it reads the column before the pid.
  expect(lines(snapshot)).toEqual([
    'tcp | 192.168.1.233 52137 | 203.0.113.85 443 | ESTABLISHED | exact 2903 one',
    'tcp | 192.168.1.233 52126 | 198.51.100.58 443 | ESTABLISHED | exact 5767 two',
    'tcp | 192.168.1.233 52125 | 198.51.100.58 443 | ESTABLISHED | exact 75236 three',
    'tcp | 192.168.1.233 52094 | 192.0.2.231 443 | ESTABLISHED | hidden',
    'tcp | 192.168.1.233 52140 | 203.0.113.85 443 | - | hidden',
  ]);
  expect(shorts(snapshot)).toEqual(['2 owners hidden', '1 state unknown']);
});

posix('macOS 10.13: the older columns, twin sockets, cut addresses, finished connections', async () => {
  // Only the short list of processes is there; the one with users and ages fails.
  const ps = `case "$*" in *pid,command) ${print('darwin/ps-10.13.txt')};; *) exit 1;; esac`;
  const snapshot = await snapshotOf('darwin', { netstat: print('darwin/netstat-10.13.txt'), ps });
  const all = lines(snapshot);
  expect(all).toHaveLength(22);
  expect(all).toEqual(
    expect.arrayContaining([
      'tcp | 192.168.1.98 51741 | 203.0.113.122 443 | ESTABLISHED | exact 704 Google Chrome',
      'tcp6 | 2001:db8:7c00:43… 51737 | 2001:db8:803:1:: 443 | ESTABLISHED | exact 704 Google Chrome',
      'tcp6 | fe80::ab45:b3fd:… 1025 | fe80::cdac:d366:… 1026 | ESTABLISHED | exact 360 identityservicesd',
      'tcp | 127.0.0.1 49399 | - | LISTEN | exact 848 node',
      'tcp | 192.168.1.98 50537 | 192.0.2.142 5223 | ESTABLISHED | exact 94 apsd',
      'tcp | 192.168.1.98 51745 | 192.0.2.1 443 | TIME_WAIT | gone',
      'udp | 0.0.0.0 0 | - | - | exact 401 UserEventAgent',
      'udp | 0.0.0.0 0 | - | - | exact 335 airportd',
    ]),
  );
  expect(all.filter((line) => line.startsWith('udp6 | :: 5353 |'))).toHaveLength(2);
  expect(codes(snapshot)).toContain('cut-addresses');
});

const windows = (file: string): Record<string, string> => ({
  netstat: `sed 's/$/\\r/' '${join(FIXTURES, file)}'`,
  'powershell.exe': print('win32/processes.json'),
});

posix('Windows: listeners, UDP, IPv6 scopes, finished connections, names from the process list', async () => {
  const snapshot = await snapshotOf('win32', windows('win32/netstat-nao.txt'));
  const all = lines(snapshot);
  expect(all).toHaveLength(26);
  expect(all).toEqual(
    expect.arrayContaining([
      'tcp | 0.0.0.0 21 | - | LISTEN | exact 2088 FileZilla Server.exe',
      'tcp | 0.0.0.0 80 | - | LISTEN | exact 4 System',
      'tcp | 10.129.58.16 3389 | 10.10.14.164 50484 | ESTABLISHED | exact 972 svchost.exe',
      'tcp | 127.0.0.1 8411 | 127.0.0.1 58296 | TIME_WAIT | gone',
      'tcp6 | :: 135 | - | LISTEN | exact 840 svchost.exe',
      'tcp6 | ::1 14147 | - | LISTEN | exact 2088 FileZilla Server.exe',
      'udp | 0.0.0.0 123 | - | - | exact 1052 svchost.exe',
      'udp6 | fe80::5196:1234:5678:5de9%2 1900 | - | - | exact 3668 svchost.exe',
      // In no process list: shown by its number.
      'tcp | 127.0.0.1 49671 | 127.0.0.1 49672 | ESTABLISHED | exact 2312',
    ]),
  );
  // Neither the line of column names nor anything else counts as unreadable.
  expect(shorts(snapshot)).toEqual(['1 name missing']);
  const owners = [...snapshot.sockets.values()].flatMap((it) => it.owners);
  expect(owners.find((it) => it.pid === 1052)).toMatchObject({
    exe: 'C:\\Windows\\System32\\svchost.exe',
    command: 'C:\\Windows\\System32\\svchost.exe -k LocalService -s W32Time',
    startedAtMs: new Date(2026, 2, 4, 5, 6, 7).getTime(),
  });
  expect(owners.find((it) => it.pid === 2088)).toMatchObject({
    startedAtMs: new Date(2026, 2, 4, 5, 6, 9).getTime(),
  });
  expect(owners.find((it) => it.pid === 4)).not.toHaveProperty('command');
});

posix('German Windows: states in German, in another code page', async () => {
  const snapshot = await snapshotOf('win32', windows('win32/netstat-nao-german.txt'));
  expect(lines(snapshot).map((line) => line.split(' | ').slice(1, 4).join(' | '))).toEqual([
    '127.0.0.1 49181 | - | LISTEN',
    '127.0.0.1 49181 | 127.0.0.1 49202 | ESTABLISHED',
    '127.0.0.1 49186 | - | LISTEN',
    '127.0.0.1 49186 | 127.0.0.1 49273 | CLOSE_WAIT',
    '127.0.0.1 49187 | 127.0.0.1 50124 | TIME_WAIT',
    '127.0.0.1 49190 | 127.0.0.1 50125 | FIN_WAIT2',
    ':: 135 | - | LISTEN',
    '0.0.0.0 5353 | - | -',
  ]);
});

const linux = (list: Readonly<Record<string, string>>): Record<string, string> => ({
  ...list,
  ps: print('linux/ps.txt'),
});

posix('Linux: twin listeners, whole names, cut addresses marked, and what is missing is said', async () => {
  const snapshot = await snapshotOf('linux', linux({ netstat: print('linux/netstat-tunap.txt') }));
  const node = /exact \d+ node$/;
  const all = lines(snapshot).map((line) => line.replace(node, 'node'));
  // 21 lines less the three UDP sockets without a state.
  expect(all).toHaveLength(18);
  expect(all.filter((line) => line.includes('metrics-collector-agent'))).toHaveLength(2);
  expect(all).toEqual(
    expect.arrayContaining([
      'tcp | 127.0.0.1 8080 | - | LISTEN | node',
      'tcp | 127.0.0.1 51520 | 127.0.0.1 8080 | FIN_WAIT2 | node',
      'tcp | 127.0.0.1 51522 | 127.0.0.1 8080 | TIME_WAIT | gone',
      'tcp | 192.0.2.10 51524 | 192.0.2.80 81 | SYN_SENT | node',
      'tcp6 | :: 443 | - | LISTEN | node',
      'tcp6 | 2001:db8:85a3:8d3:1… 443 | 2001:db8:85a3:8d3… 51514 | ESTABLISHED | node',
      'tcp6 | 2001:db8::1 443 | 2001:db8::1 51516 | ESTABLISHED | node',
      'tcp6 | ::ffff:127.0.0.1 443 | ::ffff:127.0.0.1 51518 | ESTABLISHED | node',
      'udp | 127.0.0.1 51526 | 127.0.0.1 5353 | ESTABLISHED | node',
    ]),
  );
  expect(shorts(snapshot)).toEqual(['UDP incomplete', '2 addresses cut']);
});

posix('Linux, ordinary user: owners of others are hidden, not blank, and the remedy is said', async () => {
  const snapshot = await snapshotOf('linux', linux({ netstat: print('linux/netstat-tunap-user.txt') }));
  const states = lines(snapshot).map((line) => line.split(' | ').slice(3).join(' '));
  expect(states).toContain('LISTEN hidden');
  expect(states).toContain('TIME_WAIT gone');
  const notice = snapshot.degradations.find((it) => it.code === 'owners-hidden');
  const hidden = states.filter((state) => state.endsWith('hidden')).length;
  expect(notice?.text).toBe(`the owners of ${hidden} sockets are hidden: run with sudo to see them`);
});

posix('Linux without netstat: ss gives whole addresses, and its own gaps are said', async () => {
  const snapshot = await snapshotOf('linux', linux({ netstat: 'exit 127', ss: print('linux/ss-tunap.txt') }));
  const all = lines(snapshot).map((line) => line.split(' | ').slice(0, 4).join(' | '));
  const long = '2001:db8:85a3:8d3:1319:8a2e:370:7348';
  expect(all).toEqual(
    expect.arrayContaining([
      'tcp6 | :: 443 | - | LISTEN',
      'tcp6 | ::1 5432 | - | LISTEN',
      `tcp6 | ${long} 443 | ${long} 51514 | ESTABLISHED`,
      'tcp6 | ::ffff:127.0.0.1 443 | ::ffff:127.0.0.1 51518 | ESTABLISHED',
      'tcp | 127.0.0.1 8080 | 127.0.0.1 51520 | CLOSE_WAIT',
      'tcp | 192.0.2.10 51524 | 192.0.2.80 81 | SYN_SENT',
      'tcp | 127.0.0.1 51522 | 127.0.0.1 8080 | TIME_WAIT',
    ]),
  );
  expect(codes(snapshot)).toEqual(['udp-missing', 'half-closed-missing']);
});

const rawConnection = (fields: Partial<RawConnection> = {}): RawConnection => ({
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
function rawProcess(fields: Partial<RawProcess> = {}): RawProcess {
  const blank = { params: '', path: null, user: '', started: null };
  return { pid: 812, name: 'app.exe', command: 'app.exe', ...blank, ...fields };
}

/** A Windows whose lists can be set between readings, and that counts how often its processes are asked for. */
function machine(rows: readonly RawConnection[], programs: readonly RawProcess[] = [rawProcess()]) {
  const state = { rows: rows as readonly RawConnection[] | null, programs, asked: 0 };
  const source = portableSource({
    platform: 'win32',
    si: {
      networkConnections: () => Promise.resolve(state.rows),
      processes: () => {
        state.asked++;
        return Promise.resolve({ list: state.programs });
      },
    },
  });
  return { state, source };
}

test('unchanged sockets stay the same objects, also when the rows come in another order', async () => {
  const rows = [rawConnection(), rawConnection({ localPort: '51513' })];
  const { state, source } = machine(rows);
  const first = await source.read();
  state.rows = [...rows].reverse();
  const second = await source.read();
  expect(diff(first.sockets, second.sockets)).toEqual({ spawned: [], changed: [], closed: [] });
});

test('a connection that ends changes its state and keeps its last owner, though the system forgets it', async () => {
  const { state, source } = machine([rawConnection()]);
  const first = await source.read();
  state.rows = [rawConnection({ state: 'TIME_WAIT', pid: 0 })];
  const second = await source.read();
  const change = diff(first.sockets, second.sockets);
  expect(change).toMatchObject({ spawned: [], closed: [] });
  expect(change.changed.map(show)).toEqual([
    'tcp | 10.0.0.5 51512 | 203.0.113.80 443 | TIME_WAIT | inherited 812 app.exe',
  ]);
  const third = await source.read();
  expect([...third.sockets.values()]).toEqual(change.changed);
  expect(diff(second.sockets, third.sockets).changed).toEqual([]);
});

test('a socket that passes to another process is changed, not closed and opened', async () => {
  const { state, source } = machine([
    rawConnection({ state: 'LISTENING', peerAddress: '0.0.0.0', peerPort: '0' }),
  ]);
  const first = await source.read();
  state.rows = [rawConnection({ state: 'LISTENING', peerAddress: '0.0.0.0', peerPort: '0', pid: 900 })];
  const change = diff(first.sockets, (await source.read()).sockets);
  expect(change).toMatchObject({ spawned: [], closed: [] });
  expect(change.changed).toHaveLength(1);
});

test('sockets that share one address are each shown, and the one that closes is the one that goes', async () => {
  const twin = { state: 'LISTENING', localAddress: '0.0.0.0', peerAddress: '0.0.0.0', peerPort: '0' };
  const rows = [1, 1, 2].map((pid) => rawConnection({ ...twin, pid }));
  const { state, source } = machine(rows);
  const first = await source.read();
  expect([...first.sockets.values()].map((it) => it.owners[0]?.pid)).toEqual([1, 1, 2]);
  state.rows = rows.slice(0, 2);
  const second = await source.read();
  const { closed, changed, spawned } = diff(first.sockets, second.sockets);
  expect(closed.map((id) => first.sockets.get(id)?.owners[0]?.pid)).toEqual([2]);
  expect([changed, spawned]).toEqual([[], []]);
});

test('the process list is read only for pids not yet known, and a missing one is not asked for for ever', async () => {
  const { state, source } = machine([rawConnection()]);
  await source.read();
  await source.read();
  expect(state.asked).toBe(1);
  state.rows = [rawConnection(), rawConnection({ localPort: '1', pid: 999 })];
  for (let i = 0; i < 10; i++) await source.read();
  expect(state.asked).toBe(4);
  // Its sockets gone, pid 812 may by now be another program.
  state.rows = [rawConnection({ localPort: '1', pid: 999 })];
  await source.read();
  state.rows = [rawConnection()];
  state.programs = [rawProcess({ name: 'other.exe', command: 'other.exe' })];
  expect(lines(await source.read())).toEqual([
    'tcp | 10.0.0.5 51512 | 203.0.113.80 443 | ESTABLISHED | exact 812 other.exe',
  ]);
});

test('a look-up for another pid finds out that a known pid was given to a new process', async () => {
  const old = rawProcess({ started: '2026-03-04 05:06:07' });
  const { state, source } = machine([rawConnection()], [old]);
  const first = await source.read();
  state.rows = [rawConnection(), rawConnection({ localPort: '1', pid: 813 })];
  state.programs = [{ ...old, started: '2026-03-04 05:06:08' }, rawProcess({ pid: 813 })];
  const second = await source.read();
  expect(diff(first.sockets, second.sockets).changed).toEqual([]);
  state.rows = [...state.rows, rawConnection({ localPort: '2', pid: 814 })];
  state.programs = [
    rawProcess({ name: 'new.exe', started: '2026-03-04 07:00:00' }),
    rawProcess({ pid: 814 }),
  ];
  const changed = diff(second.sockets, (await source.read()).sockets).changed;
  expect(changed.map((it) => it.owners[0]?.process)).toEqual(['new.exe']);
});

test('a process list that fails leaves pids without names, and says so', async () => {
  const source = portableSource({
    platform: 'win32',
    si: {
      networkConnections: () => Promise.resolve([rawConnection()]),
      processes: () => Promise.reject(new Error('no PowerShell')),
    },
  });
  const snapshot = await source.read();
  expect(lines(snapshot)).toEqual(['tcp | 10.0.0.5 51512 | 203.0.113.80 443 | ESTABLISHED | exact 812']);
  expect(codes(snapshot)).toEqual(['names-missing']);
});

test.each([
  ['null', () => Promise.resolve(null)],
  ['undefined', () => Promise.resolve(undefined)],
  ['an empty list, which Windows never has', () => Promise.resolve([])],
  ['a rejection', () => Promise.reject(new Error('spawn netstat ENOENT'))],
])('a first reading that gives %s is an error', async (_what, networkConnections) => {
  const si = { networkConnections, processes: () => Promise.resolve({ list: [] }) };
  const source = portableSource({ platform: 'win32', si });
  await expect(source.read()).rejects.toThrow(/^the connection list could not be read: /);
});

test('a later reading that fails shows the last sockets and says that they are old', async () => {
  const { state, source } = machine([rawConnection()]);
  const first = await source.read();
  state.rows = null;
  const second = await source.read();
  expect(second.sockets).toBe(first.sockets);
  expect(second.degradations.map((it) => it.text)).toEqual([
    'the connection list could not be read (netstat gave nothing): this is the last one',
  ]);
  expect(codes(await source.read())).toEqual(['stale-list']);
  state.rows = [rawConnection()];
  const third = await source.read();
  expect(third.sockets).toBe(first.sockets);
  expect(third.degradations).toEqual([]);
});

test('an empty Linux has no sockets, but that may also be a failure', async () => {
  const si = {
    networkConnections: () => Promise.resolve([]),
    processes: () => Promise.resolve({ list: [] }),
  };
  const snapshot = await portableSource({ platform: 'linux', si }).read();
  expect(snapshot.sockets.size).toBe(0);
  expect(codes(snapshot)).toContain('empty-list');
});

test('a system that systeminformation does not know is refused, for it would never answer', async () => {
  await expect(portableSource({ platform: 'sunos' }).read()).rejects.toThrow(
    'systeminformation cannot list connections on sunos',
  );
});

test('bad rows are counted, the others shown', async () => {
  const { source } = machine([
    rawConnection(),
    rawConnection({ localPort: 'x' }),
    rawConnection({ peerAddress: '' }),
  ]);
  const snapshot = await source.read();
  expect(snapshot.sockets.size).toBe(1);
  expect(snapshot.degradations).toEqual([
    {
      code: 'unreadable-lines',
      text: '2 lines of the connection list could not be read',
      short: '2 lines unreadable',
    },
  ]);
});

test('BSD: ports after a dot, which systeminformation leaves in the address', () => {
  const bare = { pid: null, state: 'LISTEN', peerAddress: '*.*', peerPort: '' };
  const rows = [
    rawConnection({ ...bare, protocol: 'tcp4', localAddress: '*.22', localPort: '' }),
    // `::1.25`, split at its last colon
    rawConnection({ ...bare, protocol: 'tcp6', localAddress: ':', localPort: '1.25' }),
    rawConnection({
      ...bare,
      protocol: 'tcp',
      localAddress: '10.0.0.5.80',
      localPort: '',
      state: 'FIN_WAIT_2',
      peerAddress: '192.0.2.7.5000',
    }),
  ];
  const { items, problems } = normalise(rows, 'bsd');
  expect(problems).toBe(0);
  expect(items.map(({ sighting }) => sighting)).toEqual([
    {
      protocol: 'tcp',
      family: 'ipv4',
      local: { address: '0.0.0.0', port: 22 },
      remote: null,
      state: 'LISTEN',
    },
    { protocol: 'tcp', family: 'ipv6', local: { address: '::1', port: 25 }, remote: null, state: 'LISTEN' },
    {
      protocol: 'tcp',
      family: 'ipv4',
      local: { address: '10.0.0.5', port: 80 },
      remote: { address: '192.0.2.7', port: 5000 },
      state: 'FIN_WAIT2',
    },
  ]);
});

test.each([
  // Cut at 22 characters with the port by netstat of Linux, at 16 without it by that of BSD.
  ['linux', 'fe80::1234:5678:9', '51514', 'fe80::1234:5678:9…'],
  ['linux', 'fe80::1234:5678', '51514', 'fe80::1234:5678'],
  ['linux', '[fe80::1234:5678:9]', '514', 'fe80::1234:5678:9'],
  ['bsd', 'fe80::1234:567', '9.5151', 'fe80::1234:567:9…'],
  ['bsd', 'fe80::1234:56', '9.5151', 'fe80::1234:56:9'],
  ['darwin', '2001:db8:1:2:3:4', '443', '2001:db8:1:2:3:4…'],
] as const)(
  'on %s an address that is, or may be, cut is marked: %s %s',
  (on, localAddress, localPort, shown) => {
    const { items } = normalise(
      [rawConnection({ protocol: 'tcp6', localAddress, localPort, peerAddress: '*', peerPort: '*' })].map(
        (row) => (on === 'bsd' ? { ...row, peerAddress: '*.*', peerPort: '' } : row),
      ),
      on,
    );
    expect(items.map((it) => [it.sighting.local.address, it.cut])).toEqual([[shown, shown.endsWith('…')]]);
  },
);

test('a connection still shaking hands has no process yet', async () => {
  const { source } = machine([rawConnection({ state: 'SYN_RECEIVED', pid: 0 })]);
  expect(lines(await source.read())).toEqual(['tcp | 10.0.0.5 51512 | 203.0.113.80 443 | SYN_RECV | kernel']);
});

/** One connection on a macOS, of a pid that `ps` calls `process`. */
const onMac = (rows: readonly RawConnection[], list: readonly RawProcess[] = []) => {
  const state = { rows, list, asked: 0 };
  const source = portableSource({
    platform: 'darwin',
    exists,
    si: {
      networkConnections: () => Promise.resolve(state.rows),
      processes: () => {
        state.asked++;
        return Promise.resolve({ list: state.list });
      },
    },
  });
  return { state, source };
};

test('macOS names the process of a finished connection: it is its last owner, not its owner now', async () => {
  const { source } = onMac([
    rawConnection({ protocol: 'tcp4', state: 'TIME_WAIT', process: '/usr/bin/curl' }),
  ]);
  expect(lines(await source.read())).toEqual([
    'tcp | 10.0.0.5 51512 | 203.0.113.80 443 | TIME_WAIT | inherited 812 curl',
  ]);
});

test('macOS without a working ps: pids are believed and shown without names', async () => {
  const { source } = onMac([rawConnection({ protocol: 'tcp4' })]);
  const snapshot = await source.read();
  expect(lines(snapshot)).toEqual(['tcp | 10.0.0.5 51512 | 203.0.113.80 443 | ESTABLISHED | exact 812']);
  expect(codes(snapshot)).toEqual(['names-missing']);
});

test('macOS: a pid that ps calls by another name is looked up again', async () => {
  const was = rawProcess({ name: 'old', command: 'old', path: '/bin', user: 'ana' });
  const row = rawConnection({ protocol: 'tcp4', process: '/bin/old' });
  const { state, source } = onMac([row], [was]);
  await source.read();
  await source.read();
  expect(state.asked).toBe(1);
  state.rows = [{ ...row, process: '/bin/new' }];
  state.list = [{ ...was, name: 'new', command: 'new', user: 'bob' }];
  const owners = [...(await source.read()).sockets.values()].flatMap((it) => it.owners);
  expect(owners).toEqual([
    { knowledge: 'exact', pid: 812, process: 'new', exe: '/bin/new', command: '/bin/new', user: 'bob' },
  ]);
});

test.each([
  ['LISTENING', 'LISTEN'],
  ['SYN_RECEIVED', 'SYN_RECV'],
  ['SYN_RCVD', 'SYN_RECV'],
  ['FIN_WAIT_1', 'FIN_WAIT1'],
  ['FIN-WAIT-2', 'FIN_WAIT2'],
  ['CLOSED', 'CLOSE'],
  ['ESTAB', 'ESTABLISHED'],
  ['LAST-ACK', 'LAST_ACK'],
  ['UNKNOWN', undefined],
  ['constructor', undefined],
])('state %s is %s', (word, state) => {
  expect(normalise([rawConnection({ state: word })], 'linux').items[0]?.sighting.state).toBe(state);
});

test('a word no one knows for a Windows socket without a peer can only mean LISTEN', () => {
  const rows = [rawConnection({ state: 'NAS�UCHIWANIE', peerAddress: '0.0.0.0', peerPort: '0' })];
  expect(normalise(rows, 'win32').items[0]).toMatchObject({
    sighting: { state: 'LISTEN', remote: null },
    stateUnread: false,
  });
});

test('only a line of column names is taken for one', () => {
  const heading = rawConnection({
    protocol: 'proto',
    localAddress: 'Local',
    localPort: '',
    peerAddress: 'Address',
    peerPort: '',
    state: 'Foreign',
    pid: 0,
  });
  expect(withoutHeading([heading, rawConnection()], 'win32')).toEqual([rawConnection()]);
  expect(withoutHeading([rawConnection()], 'win32')).toEqual([rawConnection()]);
  expect(normalise([rawConnection(), heading], 'win32')).toMatchObject({ problems: 1 });
});

const oneOf = (...texts: string[]) =>
  fc.oneof(fc.constantFrom(...texts), fc.string(), fc.string({ unit: 'binary' }));
const anyAddress = fc.oneof(oneOf('*', '::', '[::1]', 'fe80::1%lo0', '*.*', ':', ''), fc.ipV4(), fc.ipV6());
const anyPort = fc.oneof(oneOf('*', '', '0', '65536'), fc.nat({ max: 70_000 }).map(String));
const anyRow: fc.Arbitrary<RawConnection> = fc.record({
  protocol: oneOf('tcp', 'tcp4', 'tcp6', 'tcp46', 'udp', 'udp46', 'UDP'),
  localAddress: anyAddress,
  localPort: anyPort,
  peerAddress: anyAddress,
  peerPort: anyPort,
  state: oneOf('ESTABLISHED', 'LISTEN', 'UNKNOWN', ''),
  pid: fc.oneof(fc.constant(null), fc.double(), fc.integer()),
  process: fc.string(),
});

test('whatever the rows hold, each is an item or a problem, and every item is of the model', () => {
  const system = fc.constantFrom('darwin' as const, 'win32' as const, 'linux' as const, 'bsd' as const);
  fc.assert(
    fc.property(fc.array(anyRow), system, (rows, on) => {
      const { items, problems } = normalise(rows, on);
      expect(items.length + problems).toBe(rows.length);
      for (const { sighting, pid } of items) {
        for (const end of [sighting.local, sighting.remote]) {
          if (end === null) continue;
          expect(end.port >= 0 && end.port <= 65535 && Number.isInteger(end.port)).toBe(true);
          expect(end.address.includes(':')).toBe(sighting.family === 'ipv6');
          expect(end.address).toMatch(/^[0-9a-f:.]+…?(%[\w.:@-]+)?$/i);
        }
        expect(pid === undefined || (Number.isInteger(pid) && pid >= 0)).toBe(true);
      }
    }),
  );
});

test('every whole IPv6 address is read, in whatever spelling', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const row = rawConnection({ localAddress: `[${address}%12]`, peerAddress: '[::]', peerPort: '0' });
      const [item] = normalise([row], 'win32').items;
      expect(item?.cut).toBe(false);
      expect(item?.sighting.local.address.endsWith('%12')).toBe(true);
    }),
  );
});
