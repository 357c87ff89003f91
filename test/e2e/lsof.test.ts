// Compares the forms of -i and -s with lsof(8), on the same sockets: the same set of sockets per process.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import { Herd, type HerdProcess } from '../helpers/herd.ts';
import type { Terminal } from '../helpers/terminal.ts';
import type { Listed } from '../helpers/listed.ts';
import { isRoot, openNetpane, runNetpane, tableRows, uniqueName, unshare } from './netpane.ts';
import { filterLine, socketCounts, typeQuery } from './scene.ts';

const impossible = (() => {
  if (process.platform !== 'linux') return 'the herd needs Linux';
  if (spawnSync('lsof', ['-v']).error) return 'there is no lsof';
  return undefined;
})();
const why = impossible === undefined ? '' : ` (skipped: ${impossible})`;

/** As root the sockets are in a new network namespace, otherwise on loopback among those of other programs. */
const apart = isRoot && unshare.length > 0;
const through = apart ? [...unshare, 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'] : [];

/** Port of the service `postgresql`, for netpane by the list of IANA, for lsof by /etc/services. */
const NAMED = 5432;

/** A form with an address and port that no socket has. */
const NO_SOCKET = 'tcp@192.0.2.1:25';

/** Returns the key by which a line of lsof and a socket of netpane are compared. */
const key = (pid: number, protocol: string, local: string, remote: string, state: string): string =>
  `${pid} ${protocol} ${local} -> ${remote} ${state}`;

/** lsof prints no state for UDP. */
const stateOf = (protocol: string, state: string | undefined): string =>
  protocol.startsWith('tcp') ? (state ?? '?') : '';

const scene = { HOST: '127.0.0.1', DUAL: 0, SIX: 0, LOW: 0, HIGH: 0, UDP6: 0 };
const pids = new Set<number>();
/** Number of sockets that `lsof -i` lists. */
let total = 0;
const herd = new Herd();
let inside: string[] = [];

/** Returns the sockets of the herd that lsof lists with these options. */
async function byLsof(forms: readonly string[]): Promise<string[]> {
  const [command = '', ...args] = [...inside, 'lsof', '-nP', '-F', 'pftPnT', ...forms];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  // It warns of file systems that it may not read, and exits with 1 if it finds nothing.
  if (/lsof: (?!WARNING)/.test(stderr)) throw new Error(stderr);
  const found = new Set<string>();
  // Each line is one field, with its letter first. The fields of a file start with its descriptor.
  for (const [owner, ...files] of stdout.split(/^p(?=\d)/m).map((part) => part.split(/^f/m))) {
    const pid = Number(owner);
    for (const file of files) {
      const field = (name: string) => new RegExp(`^${name}(.*)$`, 'm').exec(file)?.[1] ?? '';
      const protocol = field('P').toLowerCase() + (field('t') === 'IPv6' ? '6' : '');
      const [local = '', remote = '*'] = field('n').split('->');
      if (pids.has(pid)) found.add(key(pid, protocol, local, remote, stateOf(protocol, field('TST='))));
    }
  }
  return [...found].sort();
}

/** Returns an endpoint as lsof prints it: `*` for any address, brackets around IPv6. */
function lsofEndpoint(endpoint: Listed['local'] | null): string {
  if (endpoint === null) return '*';
  const { address, port } = endpoint;
  if (address === '0.0.0.0' || address === '::') return `*:${port}`;
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return `${plain.includes(':') ? `[${plain}]` : plain}:${port}`;
}

/** Returns the sockets of the herd that netpane lists with these options. */
async function byNetpane(args: readonly string[]): Promise<string[]> {
  const { stdout, stderr, code } = await runNetpane(['ls', '--json', ...args], { through: inside });
  expect({ stderr, code }).toMatchObject({ code: 0 });
  return keysOf(stdout);
}

/** Returns the sockets of the herd in an output of netpane. */
const keysOf = (json: string): string[] =>
  (JSON.parse(json) as Listed[])
    .flatMap(({ protocol, family, local, remote, state, owners }) => {
      const name = `${protocol}${family === 'ipv6' ? '6' : ''}`;
      return owners
        .filter(({ pid = 0 }) => pids.has(pid))
        .map(({ pid = 0 }) =>
          key(pid, name, lsofEndpoint(local), lsofEndpoint(remote), stateOf(name, state)),
        );
    })
    .sort();

/**
 * Forms to compare. `HOST` stands for an address, `DUAL` and `SIX` for the ports of two listeners, `LOW` and `HIGH` for
 * the same two in order, `UDP6` for the port of a UDP socket.
 */
const FORMS: readonly (readonly string[])[] = [
  ['-i'],
  ['-i', '4'],
  ['-i', '6'],
  ['-i', '4', '-i', '6'],
  ['-i', 'tcp'],
  ['-i', 'TCP'],
  ['-iudp'],
  ['-i', '4tcp'],
  ['-i', '6TCP'],
  ['-i', '4UDP'],
  ['-i', '6UDP'],
  ['-i', ':DUAL'],
  ['-i', `:${NAMED}`],
  ['-i', ':postgresql'],
  ['-i', 'tcp:postgresql'],
  ['-i', 'udp:DUAL'],
  ['-i', ':5400-5500'],
  ['-i', ':5000-postgresql'],
  ['-i', ':DUAL,SIX'],
  ['-i', ':1-5,postgresql,SIX'],
  ['-i', '6:LOW-HIGH'],
  ['-i', '@HOST'],
  ['-i', '@127.0.0.1'],
  ['-i', '4@HOST'],
  ['-i', '@[::1]'],
  ['-i', '6@[::1]'],
  ['-i', '@localhost'],
  ['-i', '4@localhost'],
  ['-i', '@[::1]:SIX'],
  ['-i', '@[::1]:UDP6'],
  ['-i', `tcp@HOST:${NAMED}`],
  ['-i', 'tcp@HOST:postgresql'],
  ['-i', 'TCP@localhost:DUAL'],
  ['-i', '6UDP@[::1]:UDP6'],
  ['-i', 'udp@HOST:1-65535'],
  ['-i', ':SIX', '-i', 'udp'],
  ['-i', `tcp:${NAMED}`, '-i', '6UDP'],
  ['-i', '-s', 'TCP:LISTEN'],
  ['-i', 'tcp', '-s', 'TCP:LISTEN'],
  ['-i', 'tcp', '-s', 'tcp:listen'],
  ['-i', 'tcp', '-s', 'TCP:^LISTEN'],
  ['-i', 'tcp', '-s', 'TCP:CLOSE_WAIT,FIN_WAIT2'],
  ['-i', 'tcp', '-s', 'TCP:^LISTEN,^ESTABLISHED'],
  ['-i', `:${NAMED}`, '-sTCP:^CLOSE_WAIT'],
];

const filled = (forms: readonly string[]): string[] =>
  forms.map((form) =>
    form.replace(/HOST|DUAL|SIX|UDP6$|LOW|HIGH/g, (name) => String(scene[name as keyof typeof scene])),
  );

/** Returns options as the text of a query. */
const asQuery = (args: readonly string[]): string =>
  args.map((arg) => arg.replace(/^(-[is])(?=.)/, '$1 ')).join(' ');

const name = uniqueName();

describe.skipIf(impossible !== undefined)(`-i and -s, compared with lsof${why}`, () => {
  beforeAll(async () => {
    const server = await herd.spawn({ title: `${name}-srv`, through });
    inside = apart ? ['nsenter', '--target', String(server.pid), '--net'] : [];
    const client: HerdProcess = await herd.spawn({ title: `${name}-cli`, through: inside });
    // An address that other processes are unlikely to use, because the port is well-known.
    scene.HOST = `127.${64 + (server.pid % 128)}.${client.pid % 256}.1`;
    const postgres = await server.listen({ host: scene.HOST, port: NAMED });
    const dual = await server.listen({ host: '::' });
    const second = await server.listen({ host: '::1' });
    [scene.DUAL, scene.SIX] = [dual.local.port, second.local.port];
    [scene.LOW, scene.HIGH] = [Math.min(scene.DUAL, scene.SIX), Math.max(scene.DUAL, scene.SIX)];
    const { near } = await client.connect(server, postgres, { count: 3 });
    // One end closes: it becomes FIN_WAIT2 and its peer CLOSE_WAIT.
    await client.halfClose(near.slice(0, 1));
    await client.connect(server, dual, { host: '127.0.0.1' });
    await client.connect(server, dual);
    await client.connect(server, second, { count: 2 });
    const udp = await server.udp({ host: scene.HOST });
    await client.udp({ to: udp.local });
    await client.udp({ host: scene.HOST, port: scene.DUAL });
    scene.UDP6 = (await server.udp({ host: '::1' })).local.port;
    const dualUdp = await client.udp({ host: '::' });
    // An IPv6 socket connected over IPv4.
    await server.udp({ host: '::', to: { address: '::ffff:127.0.0.1', port: dualUdp.local.port } });
    const worker = await server.share(postgres);
    for (const pid of [server.pid, client.pid, worker]) pids.add(pid);
    total = (await byLsof(['-i'])).length;
  });
  afterAll(() => herd.close());

  /** A screen of the herd that never polls again, and a folder for what it saves. */
  let t: Terminal;
  let folder = '';
  const only = ['--process', name, '--interval', '60m'];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'np-'));
    t = openNetpane({ through: inside, args: [...only, '-i', 'tcp', '-s', 'TCP:LISTEN'] });
  });
  afterAll(async () => {
    await t.close();
    rmSync(folder, { recursive: true });
  });

  test('select the same on the screen, as its options', async () => {
    const listening = await byLsof(['-i', 'tcp', '-s', 'TCP:LISTEN']);
    // lsof lists the shared listener once per process.
    await t.until('the listeners', () => tableRows(t).length === listening.length - 1);
  });

  test.each(FORMS.map((forms, index) => [forms.join(' '), forms, index] as const))(
    'select the same on the screen, typed: %s',
    async (title, forms, index) => {
      const args = filled(forms);
      const file = join(folder, `${index}.json`);
      typeQuery(t, `process:${name} ${asQuery(args)}\r`);
      // The addresses of a host name arrive later.
      await t.until('rows', () => filterLine(t).includes(asQuery(args)) && socketCounts(t).shown > 0);
      t.write(`w${file}\r`);
      const [saved, expected] = await Promise.all([
        t.until('the saved sockets', () => existsSync(file) && readFileSync(file, 'utf8')),
        byLsof(args),
      ]);
      expect(keysOf(saved)).toEqual(expected);
      // The same options of `ls` make the same query.
      expect(invocationOf(parseCommandLine(['ls', ...args]), {}).query.text).toBe(asQuery(args));
      // Each form finds some of the sockets. Only two forms find all.
      expect(expected).not.toEqual([]);
      if (title !== '-i' && title !== '-i 4 -i 6') expect(expected.length).toBeLessThan(total);
    },
  );

  test.each([
    ['-i', '4tcp'],
    ['-i', 'tcp', '-s', 'TCP:^LISTEN,^ESTABLISHED'],
    ['-i', `tcp:${NAMED}`, '-i', '6UDP'],
    ['-i', NO_SOCKET],
  ])('select the same with `ls`: %s %s %s %s', async (...forms) => {
    const args = filled(forms);
    const expected = await byLsof(args);
    if (forms.includes(NO_SOCKET)) expect(expected).toEqual([]);
    expect(await byNetpane(args)).toEqual(expected);
    expect(invocationOf(parseCommandLine(['ls', ...args]), {}).query.text).toBe(asQuery(args));
  });
});
