// `netpane ls` on this machine: the same sockets as ss(8), in each output format.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { invocationOf, parseCommandLine } from '../../src/cli/command-line.ts';
import { Herd, type HerdProcess, type HerdSocket } from '../helpers/herd.ts';
import type { Listed } from '../helpers/listed.ts';
import { hasSs } from '../helpers/ss.ts';
import {
  cleanUp,
  programForAll,
  hasNetlink,
  isLinux,
  isRoot,
  newHerd,
  program,
  runNetpane,
  startNetpane,
  uniqueName,
} from './netpane.ts';
import { filterLine, socketCounts, typeQuery } from './scene.ts';

async function ls(...args: string[]): Promise<Listed[]> {
  const { stdout, code } = await runNetpane(['ls', '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Listed[];
}

/** Returns a number with its digits grouped, as in notices. */
const grouped = (count: number) => count.toLocaleString('en-US');

/** Returns false for the netpane of another test: it holds copies of sockets while it searches for namespaces. */
function isHolder(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('netpane.js');
  } catch {
    // It has ended.
    return false;
  }
}

const lineOf = (protocol: string, local: string, remote: string, state: string, pids: number[]) => {
  const holders = [...new Set(pids)].filter(isHolder).sort((a, b) => a - b);
  return `${protocol} ${local} ${remote} ${state} ${holders.join()}`;
};

const end = (endpoint: { address: string; port: number } | null, family: string) =>
  endpoint ? `${endpoint.address} ${endpoint.port || '*'}` : `${family === 'ipv6' ? '::' : '0.0.0.0'} *`;

/** Returns a socket of netpane in the format of {@link ssLines}. */
const lineOfListed = ({ protocol, family, local, remote, state = 'UNCONN', owners }: Listed) => {
  // ss names only processes that hold the socket.
  const pids = owners.flatMap(({ pid, knowledge }) =>
    knowledge === 'exact' && pid !== undefined ? [pid] : [],
  );
  return lineOf(protocol, end(local, family), end(remote, family), state, pids);
};

/** Returns the lines of ss(8), `Netid State Recv-Q Send-Q Local Peer Process`, in the format of {@link lineOf}. */
function ssLines(): Set<string> {
  const { stdout } = spawnSync('ss', ['-H', '-tunap'], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const endOf = (text: string, isIpv6: boolean) => {
    const [, address = '', port = ''] = /^(.*):(\d+|\*)$/.exec(text) ?? [];
    // `*` is a dual-stack `::`. The device of a bound socket is not part of the address.
    const bare = address.replace(/^\[|\]$/g, '').replace(/%.*/, '');
    return `${bare === '*' ? (isIpv6 ? '::' : '0.0.0.0') : bare} ${port}`;
  };
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [protocol = '', state = '', , , local = '', remote = '', ...rest] = line.split(/\s+/);
      const isIpv6 = local.startsWith('[') || local.startsWith('*');
      const pids = [...rest.join(' ').matchAll(/pid=(\d+)/g)].map(([, pid]) => Number(pid));
      const kernelState = state
        .replace('ESTAB', 'ESTABLISHED')
        .replace(/-(\d)$/, '$1')
        .replaceAll('-', '_');
      return lineOf(protocol, endOf(local, isIpv6), endOf(remote, isIpv6), kernelState, pids);
    });
  return new Set(lines);
}

/** Connections of {@link openSockets} over IPv4, over IPv6, over IPv4 to a listener on `::`, and half closed. */
type Counts = readonly [plain: number, six: number, mapped: number, halves: number];

/**
 * Opens sockets of every kind.
 * @returns the processes, a listener of the plain and half closed connections, and the number of sockets
 */
async function openSockets(herd: Herd, name: string, [plain, six, mapped, halves]: Counts) {
  const [server, client] = await Promise.all([
    herd.spawn({ title: `${name}-s` }),
    herd.spawn({ title: `${name}-c` }),
  ]);
  // A port below the ephemeral ports, so that no other socket has it.
  const host = `127.${64 + (server.pid % 128)}.${client.pid % 256}.1`;
  const listener = await server.listen({ host, port: 7171 });
  const workers = [await server.share(listener, { title: `${name}-w` }), await server.share(listener)];
  const listeners = [
    ...(await Promise.all(Array.from({ length: 20 }, () => server.listen()))),
    await server.listen({ host: '::1' }),
    await server.listen({ host: '::' }),
    await server.listen({ host: '::', v6Only: true }),
    await server.listen({ host: '0.0.0.0' }),
  ];
  const [v6 = listener, dual = listener] = listeners.slice(20);
  const connections = [
    await client.connect(server, listener, { count: plain }),
    await client.connect(server, v6, { count: six }),
    await client.connect(server, dual, { count: mapped, host: '127.0.0.1', from: '127.0.9.1' }),
  ];
  const half = await client.connect(server, listener, { count: halves });
  await client.halfClose(half.near);
  const hosts = ['127.0.0.1', '::1', '::', '0.0.0.0'];
  const udp = await Promise.all(
    Array.from({ length: 40 }, (_, i) => server.udp({ host: hosts[i % 4] ?? '' })),
  );
  const udpPair = [
    await client.udp({ to: udp[0]?.local ?? listener.local }),
    await client.udp({ host: '::1', to: udp[1]?.local ?? v6.local }),
  ];
  const both = [...connections, half].flatMap(({ near, far }) => [...near, ...far]);
  const made = 1 + listeners.length + both.length + udp.length + udpPair.length;
  return { server, client, listener, workers, udpPair, made };
}

describe.skipIf(!isLinux || !hasSs)(
  `netpane ls, compared with ss${hasSs ? '' : ' (skipped: there is no ss)'}`,
  () => {
    test('agrees with ss on 2,000 sockets', async () => {
      const { server, client, made } = await openSockets(newHerd(), uniqueName(), [550, 200, 200, 20]);
      // Other programs change sockets too: netpane must list what ss lists both before and after.
      const before = ssLines();
      const listed = (await ls()).map(lineOfListed);
      const after = ssLines();
      const ours = new RegExp(` (?:${server.pid}|${client.pid})(?:,|$)`);
      const stable = [...before].filter((line) => ours.test(line) && after.has(line));
      expect(stable).toHaveLength(made);
      const set = new Set(listed);
      expect(stable.filter((line) => !set.has(line))).toEqual([]);
      // netpane must list no socket of ours that ss does not list.
      expect(listed.filter((line) => ours.test(line) && !before.has(line) && !after.has(line))).toEqual([]);
      expect(listed.filter((line) => ours.test(line))).toHaveLength(made);
    });
  },
);

describe.skipIf(!isLinux)('netpane ls (skipped elsewhere: the herd needs Linux)', () => {
  const herd = new Herd();
  const name = uniqueName();
  const [plain, six, mapped, halves] = [12, 5, 5, 5];
  let server: HerdProcess;
  let client: HerdProcess;
  let listener: HerdSocket;
  let workers: number[];
  let udpPair: HerdSocket[];
  let made = 0;
  /** All sockets of the machine. */
  let all: Listed[];

  beforeAll(async () => {
    const sockets = await openSockets(herd, name, [plain, six, mapped, halves]);
    ({ server, client, listener, workers, udpPair, made } = sockets);
    all = await ls();
  });
  afterAll(() => herd.close());

  test('lists every process of a shared socket, and at least one owner of each socket', async () => {
    const { address, port } = listener.local;
    const listed = all.filter(
      ({ local, state }) => local.port === port && local.address === address && state === 'LISTEN',
    );
    expect(listed).toHaveLength(1);
    expect(listed[0]?.owners.map(({ pid }) => pid).sort()).toEqual([server.pid, ...workers].sort());
    expect(listed[0]?.owners[0]).toMatchObject({ pid: server.pid, process: `${name}-s`, knowledge: 'exact' });
    expect(all.filter(({ owners }) => owners.length === 0)).toEqual([]);
  });

  test('lists connections in TIME_WAIT, however many there are', async () => {
    const herd = newHerd();
    const [near, far] = [await herd.spawn(), await herd.spawn()];
    const listening = await far.listen();
    const connections = await near.connect(far, listening, { count: 20 });
    await near.leaveInTimeWait(far, connections);
    const listed = await ls('--port', String(listening.local.port));
    expect(listed.filter(({ state }) => state === 'TIME_WAIT')).toHaveLength(20);
  });

  test('applies filters alone and together', async () => {
    await expect(ls('--process', `${name.toUpperCase()}-C`, '--udp')).resolves.toHaveLength(2);
    // `ls` makes a query of its options. One screen that counts their sockets takes less time than many `ls`.
    const t = startNetpane({ args: ['--process', name, '--interval', '60m'] });
    const isCount = (query: string, count: number) =>
      t.until(
        `${count} sockets with ${query}`,
        () => filterLine(t).startsWith(`/ ${query} `) && socketCounts(t).shown === count,
      );
    await isCount(`process:${name}`, made);
    const cases: readonly (readonly [count: number, ...args: string[]])[] = [
      [25 + 40, '--listen'],
      [25, '--listen', '--tcp'],
      [42, '--udp'],
      [made, '--tcp', '--udp'],
      [2, '--udp', '--established'],
      [1 + 2 * (plain + halves), '--port', String(listener.local.port)],
      [0, '--port', '1'],
    ];
    for (const [count, ...args] of cases) {
      const { query } = invocationOf(parseCommandLine(['ls', '--process', name, ...args]), {});
      typeQuery(t, `${query.text}\r`);
      await isCount(query.text, count);
    }
  });

  test('points out a misspelled field where nothing matches', async () => {
    const { stdout, stderr } = await runNetpane(['ls', 'proces:nothing-is-called-so']);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('netpane: nothing matches: unknown field proces: did you mean process:?');
  });

  test('writes tabs between the fields to a pipe, and `-` for an unknown field', async () => {
    const { stdout, code } = await runNetpane(['ls', '--process', name, '--udp']);
    expect(code).toBe(0);
    const [titles, ...lines] = stdout.split('\n').map((it) => it.split('\t'));
    expect(titles).toEqual(['PROCESS', 'PID', 'USER', 'PROTO', 'LOCAL', 'LPORT', 'REMOTE', 'RPORT', 'STATE']);
    expect(lines.pop()).toEqual(['']);
    expect(lines).toHaveLength(42);
    const port = String(udpPair[0]?.local.port);
    const [line, ...rest] = lines.filter((it) => it[5] === port && it[8] === 'ESTABLISHED');
    expect(line?.slice(0, 2)).toEqual([`${name}-c`, String(client.pid)]);
    const peer = [`127.0.0.1`, String(udpPair[0]?.remote?.port), 'ESTABLISHED'];
    expect(line?.slice(3)).toEqual(['udp', '127.0.0.1', port, ...peer]);
    expect(rest).toEqual([]);
    const unconnected = lines.filter((it) => it[8] !== 'ESTABLISHED');
    expect(unconnected).toHaveLength(40);
    for (const it of unconnected) expect(it.slice(6)).toEqual(['*', '*', '-']);
  });

  test('writes the same sockets as CSV and as JSON', async () => {
    const { stdout, code } = await runNetpane(['ls', '--csv', '--process', name, '--listen']);
    expect(code).toBe(0);
    const [titles, ...lines] = stdout.split('\r\n').map((line) => line.split(','));
    expect(lines.pop()).toEqual(['']);
    const column = (title: string) => lines.map((line) => line[titles?.indexOf(title) ?? -1]).sort();
    const listed = all.filter(
      ({ owners, remote }) => owners[0]?.process?.startsWith(name) === true && remote === null,
    );
    expect(listed).toHaveLength(25 + 40);
    expect(column('localPort')).toEqual(listed.map(({ local }) => String(local.port)).sort());
    expect(column('process')).toEqual(listed.map(({ owners }) => owners[0]?.process).sort());
  });

  test('writes aligned columns to a terminal', async () => {
    const t = startNetpane({ args: ['ls', '--process', name, '--listen'], cols: 160, rows: 80 });
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
    const rows = await t.until('all lines', () => {
      const shown = t.rows().filter((row) => row !== '' && !row.startsWith('netpane: '));
      return shown.length === 66 && shown;
    });
    const [titles = '', ...lines] = rows;
    expect(titles).toMatch(/^PROCESS +PID {2}USER +PROTO {2}LOCAL +LPORT {2}REMOTE +RPORT {2}STATE$/);
    for (const title of ['USER', 'PROTO', 'LOCAL', 'REMOTE', 'STATE']) {
      const x = titles.indexOf(title);
      expect(lines.filter((line) => !/^ {2}\S/.test(line.slice(x - 2)))).toEqual([]);
    }
    // No escape codes: neither a screen nor colours.
    expect(t.received().includes('\x1b')).toBe(false);
  });

  test('succeeds if the reader leaves early: `ls | head -1`', async () => {
    const command = `${process.execPath} ${program} ls --json | head -1; echo "$? \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
    expect(stdout).toBe('[\n0 0\n');
    expect(stderr).not.toMatch(/EPIPE|Error/);
  });

  test('lists the same listener and its process by systeminformation', async () => {
    const listed = await ls('--source', 'systeminformation', '--port', String(listener.local.port));
    expect(listed.find(({ state }) => state === 'LISTEN')).toMatchObject({
      protocol: 'tcp',
      local: listener.local,
      remote: null,
      owners: [{ pid: expect.any(Number) as number, knowledge: 'exact' }],
    });
    const established = listed.filter(({ state }) => state === 'ESTABLISHED').map(lineOfListed);
    expect(new Set(established).size).toBe(2 * plain);
  });

  /** The account 'nobody'. */
  const UNPRIVILEGED_UID = 65_534;
  const why = isRoot ? '' : ' (skipped: only root can become another user)';
  test.skipIf(!isRoot)(
    `shows an ordinary user their own sockets, and how many owners are hidden${why}`,
    async () => {
      const script = `require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })`;
      const as = { uid: UNPRIVILEGED_UID, gid: UNPRIVILEGED_UID };
      const file = programForAll;
      const own = spawn(process.execPath, ['-e', script], {
        ...as,
        stdio: ['ignore', 'pipe', 'inherit'],
        cwd: '/',
      });
      cleanUp(() => own.kill());
      const [port] = (await once(own.stdout, 'data')) as [Buffer];
      const { stdout, stderr, code } = await runNetpane(['ls', '--json'], { ...as, file, cwd: '/' });
      expect(code).toBe(0);
      const listed = JSON.parse(stdout) as Listed[];
      expect(listed.find(({ local }) => local.port === Number(port))).toMatchObject({
        uid: UNPRIVILEGED_UID,
        owners: [{ pid: own.pid, process: 'node', knowledge: 'exact' }],
      });
      const ours = listed.find(
        ({ local, state }) => local.port === listener.local.port && state === 'LISTEN',
      );
      expect(ours).toMatchObject({ uid: 0, user: 'root', owners: [{ knowledge: 'hidden' }] });
      const hidden = listed.filter(({ owners }) => owners[0]?.knowledge === 'hidden');
      const ofRoot = grouped(hidden.filter(({ user }) => user === 'root').length);
      expect(stderr).toMatch(
        new RegExp(`^netpane: owners of ${grouped(hidden.length)} sockets are hidden \\(`, 'm'),
      );
      expect(stderr).toMatch(new RegExp(`[(, ]${ofRoot} of root[,)]`));
      expect(stderr).toContain('run with sudo');
      const quiet = await runNetpane(['ls', '--quiet', 'process=no-such'], { ...as, file, cwd: '/' });
      expect(quiet).toEqual({ stdout: '', stderr: '', code: 1 });
      if (!hasNetlink) return;
      // An ordinary user may read the counters of others, but not other namespaces.
      const theirs = listed.find(({ uid, state, inode }) => uid === 0 && state === 'ESTABLISHED' && inode);
      expect(theirs).toMatchObject({
        rxBytes: expect.any(Number) as number,
        recvQueue: expect.any(Number) as number,
      });
      expect(ours).toMatchObject({ recvQueue: 0, sendQueue: expect.any(Number) as number });
      const { ino } = statSync('/proc/self/ns/net');
      expect(new Set(listed.map(({ netns }) => netns?.inode))).toEqual(new Set([ino]));
      expect(stderr).toContain('only the network namespace that netpane runs in is shown: run with sudo');
    },
  );
});
