// `--names`: names of peers as programs asked for them, from a real name server and TLS in a network namespace.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { addNamespace, ip, linksOf, noNamed, socketsIn } from './named-namespace.ts';
import { cleanUp, programForAll, startNetpane, tableRows } from './netpane.ts';

const DNSMASQ = ['/usr/sbin/dnsmasq', '/sbin/dnsmasq'].find((path) => existsSync(path));
const CHILD = new URL('../helpers/names-child.mjs', import.meta.url).pathname;
const ADDRESS = '192.0.2.9';

const impossible = noNamed ?? (DNSMASQ === undefined ? 'there is no dnsmasq' : undefined);
const why = impossible === undefined ? '' : ` (skipped: ${impossible})`;

/** Makes a network namespace with an address. Returns a function that starts a program in it. */
function newNamespace() {
  const { name } = addNamespace();
  ip(`-n ${name} address add ${ADDRESS}/32 dev lo`);
  const start = (...command: readonly string[]) => {
    const child = spawn('ip', ['netns', 'exec', name, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    cleanUp(() => child.kill('SIGKILL'));
    return child;
  };
  return { name, start };
}

/** Starts servers of names, TCP and TLS in a namespace. `api.test` and all names below it have its address. */
async function startServers({ start }: ReturnType<typeof newNamespace>): Promise<void> {
  const options = ['--no-daemon', '--no-resolv', '--no-hosts', '--bind-interfaces', '--conf-file=/dev/null'];
  const dns = start(
    DNSMASQ ?? '',
    ...options,
    `--listen-address=${ADDRESS}`,
    `--address=/api.test/${ADDRESS}`,
  );
  // It says on stderr that it has started.
  await once(dns.stderr, 'data');
  await once(start(process.execPath, CHILD, 'serve', ADDRESS).stdout, 'data');
}

/** Returns the connections to these servers on the screen, by remote port. */
const hosts = (t: Terminal) => {
  const lines = t.text().split('\n');
  return [8080, 8443].map((port) => lines.find((it) => it.includes(`→`) && it.includes(` ${port} `)) ?? '');
};

/** Returns the capabilities and the mode of seccomp of each thread of a process. */
const threadsOf = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).map((tid) => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
    const [, capabilities] = /^CapEff:\s+(\w+)/m.exec(status) ?? [];
    const [, seccomp] = /^Seccomp:\s+(\d)/m.exec(status) ?? [];
    return `${BigInt(`0x${capabilities ?? ''}`)} ${seccomp ?? ''}`;
  });

describe.skipIf(impossible !== undefined)(`names that programs ask for${why}`, () => {
  test('a program asks for a name and connects: its rows have the names', async () => {
    const namespace = newNamespace();
    await startServers(namespace);
    const t = startNetpane({ cols: 160, args: ['--names', `ns:${namespace.name} port:8080,8443`] });
    await t.until('the servers', () => tableRows(t).length === 2);
    const client = namespace.start(
      process.execPath,
      CHILD,
      'connect',
      ADDRESS,
      'db.api.test',
      'web.api.test',
    );
    const [output] = (await once(client.stdout, 'data')) as [Buffer];
    expect(output.toString().trim()).toBe(ADDRESS);
    await t.until('the names', () => {
      const [plain = '', tls = ''] = hosts(t);
      return plain.includes('≈ db.api.test') && tls.includes('= web.api.test');
    });
    t.write('/\x15host:web.api\r');
    await t.until('the row with the name', () => hosts(t)[0] === '' && hosts(t)[1] !== '');
    t.write('\r');
    await t.until('the details', () =>
      /= web\.api\.test +by TLS, \d+s ago\s+.*≈ db\.api\.test +by DNS, \d+s ago/s.test(t.text()),
    );
    // The thread that parses packets has no capability and is filtered; no other thread is without any.
    expect(threadsOf(t.pid).filter((it) => it === '0 2')).toHaveLength(1);
    t.write('q');
    await t.until('the table alone', () => !t.text().includes('by TLS'));
    t.write('q');
    expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
  });

  test('the capture sockets of a namespace are closed with it', async () => {
    const t = startNetpane({ args: ['--names', '--interval', '100ms'] });
    await t.until('the first poll', () => tableRows(t).length > 0 || t.text().includes('sockets'));
    const namespace = addNamespace();
    const { name } = namespace;
    const captures = await t.until('sockets in the namespace', () => {
      const sockets = socketsIn(t, namespace);
      return sockets.length > 0 && sockets;
    });
    const link = ip(`link add ${name} type veth peer name inner netns ${name}`);
    expect(link.status).toBe(0);
    expect(ip(`netns del ${name}`).status).toBe(0);
    // Without a holder the kernel frees the namespace and its end of the link, and so the whole link.
    await t.until('the end of the namespace', () => ip(`link show ${name}`).status !== 0);
    await t.until('closed descriptors', () => !linksOf(t).some((link) => captures.includes(link)));
  });

  test('an ordinary user reads what is missing', async () => {
    const t = startNetpane({
      args: ['--names', '--source', 'sock_diag'],
      cols: 200,
      home: '/nonexistent',
      file: programForAll,
      through: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
    });
    await t.until('the notice', () =>
      t.text().includes('names that programs ask for are not seen: run with sudo'),
    );
  });
});
