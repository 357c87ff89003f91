// The evidence in the details: what they say of real programs, each line with its source.
import { type SpawnOptions, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LABEL_WIDTH } from '../../src/view/panes/evidence.ts';
import type { Terminal } from '../helpers/terminal.ts';
import {
  ACTIVATED,
  after,
  FROM_MEMORY,
  LAUNCHER,
  LISTEN,
  LISTEN_NODE,
  LISTEN_PYTHON,
  PARENT,
  PERL,
  Programs,
  PYTHON,
} from './evidence-programs.ts';
import { cleanUp, isLinux, isRoot, openNetpane, rowOf, startNetpane, uniqueName } from './netpane.ts';
import { typeQuery } from './scene.ts';

const hasPerl = isLinux && existsSync(PERL);
const hasPython = existsSync(PYTHON);
const canUnshare =
  isRoot && spawnSync('unshare', ['--mount', '--pid', '--net', '--fork', 'true']).status === 0;

const output = (command: string, ...args: readonly string[]): string =>
  spawnSync(command, args, { encoding: 'utf8' }).stdout;

/** The package of perl with its version, as dpkg names it; undefined without dpkg. */
const perlPackage = (() => {
  const [, name] = /^([^:\n]+)\S*: /.exec(output('dpkg-query', '-S', PERL)) ?? [];
  return name && `${name} ${output('dpkg-query', '-W', '-f', '${Version}', name)}`;
})();

const digestOf = (path: string, algorithm = 'sha256') =>
  createHash(algorithm).update(readFileSync(path)).digest('hex');

/** Returns the pid in the details. */
const pidIn = (details: Map<string, string>) => /pid (\d+)/.exec(details.get('program') ?? '')?.[1];

/** The details are below the table, where the line of a digest has room, and have room for all their lines. */
const SIZE = { cols: 130, rows: 90 };

/** Returns the lines of the details by label, each with its source. */
function detailsOf(t: Terminal): Map<string, string> {
  const found = new Map<string, string>();
  const rows = t.rows();
  let label = '';
  for (const row of rows.slice(rows.findIndex((it) => it.includes('DETAILS')) + 1)) {
    label = row.slice(0, LABEL_WIDTH).trim() || label;
    const before = found.get(label);
    found.set(label, `${before === undefined ? '' : `${before} `}${row.slice(LABEL_WIDTH).trim()}`);
  }
  return found;
}

/** Waits until the details have all evidence about the program of the listener on a port. Returns them by label. */
const evidenceOf = (t: Terminal, port: number): Promise<Map<string, string>> =>
  t.until(
    'the evidence',
    () => {
      const details = detailsOf(t);
      const isIt = details.get('local')?.endsWith(`:${port}`);
      const verdict = details.get('verdict');
      return isIt && verdict !== undefined && !verdict.includes('reading …') && details;
    },
    { timeoutMs: 30_000 },
  );

/** Starts netpane, and opens the details of the listener on a port. */
async function showDetails(t: Terminal, port: number): Promise<void> {
  await t.until('the listener', () => rowOf(t, { local: { address: '127.0.0.1', port } }), {
    timeoutMs: 30_000,
  });
  t.press('enter');
}

describe.skipIf(!hasPerl)('the evidence in the details (skipped without perl on Linux)', () => {
  let programs: Programs;
  let t: Terminal;
  beforeAll(async () => {
    programs = new Programs();
    const port = await programs.start(PERL, ['-e', LISTEN]);
    t = openNetpane({ ...SIZE, args: ['--port', String(port), '--interval', '200ms'] });
    await showDetails(t, port);
  });
  afterAll(async () => {
    await programs.close();
    await t.close();
  });

  /** Starts a program, selects its listener, and returns the details by label. */
  async function detailsFor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    const port = await programs.start(command, args, options);
    typeQuery(t, `port:${port}\r`);
    return evidenceOf(t, port);
  }

  test('of a deleted program below /tmp', async () => {
    const path = programs.copy('deleted');
    const digest = digestOf(path);
    const port = await programs.start(path, ['-e', LISTEN]);
    rmSync(path);
    typeQuery(t, `port:${port}\r`);
    const details = await evidenceOf(t, port);
    const pid = pidIn(details);
    expect(details.get('verdict')).toMatch(
      /^listens: loopback · program was deleted · program is below \/tmp, where every user may write ·.* program is not from a package$/,
    );
    expect(details.get('exe')).toBe(`${path} (deleted)  (/proc/${pid}/exe)`);
    expect(details.get('mode')).toMatch(/^0755, owner \S+, \d+ bytes, written .*\(stat\(2\)\)$/);
    expect(details.get('package')).toBe(`no package has ${path}  (its folder, which is not for packages)`);
    // The file that still runs.
    expect(details.get('sha256')).toBe(`${digest}  (/proc/${pid}/exe)`);
  });

  test.skipIf(perlPackage === undefined)('of a program of a package (skipped without dpkg)', async () => {
    const details = await detailsFor(PERL, ['-e', LISTEN]);
    expect(details.get('package')).toBe(`${perlPackage}  (dpkg)`);
    expect(details.get('verdict')).toContain(
      ` · program is from ${perlPackage} · program is as in its package`,
    );
    expect(details.get('sha256')).toBe(`${digestOf(PERL)}  (/proc/${pidIn(details)}/exe)`);
  });

  test('of a modified copy of it elsewhere', async () => {
    const path = programs.modified('modified');
    const details = await detailsFor(path, ['-e', LISTEN]);
    expect(details.get('exe')).toBe(`${path}  (/proc/${pidIn(details)}/exe)`);
    expect(details.get('package')).toMatch(/^no package has /);
    expect(details.get('verdict')).toContain('program is not from a package');
    expect(details.get('verdict')).not.toContain('as in its package');
    expect(details.get('sha256')).toContain(digestOf(path));
  });

  test.skipIf(!canUnshare || perlPackage === undefined)(
    'of a modified program at the path of a package (skipped without dpkg and the rights to mount)',
    async () => {
      const path = programs.modified('mounted');
      const mount = after(`mount --bind '${path}' ${PERL}`, PERL, '-e', LISTEN);
      const details = await detailsFor('unshare', ['--mount', 'sh', ...mount]);
      expect(details.get('exe')).toContain(`${PERL}  (`);
      expect(details.get('package')).toBe(`${perlPackage}  (dpkg)`);
      expect(details.get('verdict')).toMatch(/^.*program DIFFERS from its package · program is from /);
      expect(details.get('sha256')).toContain(digestOf(path));
    },
  );

  test('of a script of node', async () => {
    const script = programs.write('server.mjs', LISTEN_NODE);
    const details = await detailsFor(process.execPath, ['server.mjs'], { cwd: programs.folder });
    expect(details.get('script')).toBe(`${script}  (${script})`);
    expect(details.get('exe')).toContain(process.execPath);
    expect(details.get('verdict')).toContain('script is below /tmp, where every user may write');
  });

  test.skipIf(!hasPython)('of a script of python (skipped without python3)', async () => {
    const script = programs.write('server.py', LISTEN_PYTHON);
    const details = await detailsFor(PYTHON, ['-u', script]);
    expect(details.get('script')).toBe(`${script}  (${script})`);
    expect(details.get('verdict')).toContain('script is not from a package');
  });

  test.skipIf(!hasPython)('of a program that runs from memory (skipped without python3)', async () => {
    const details = await detailsFor(PYTHON, ['-c', FROM_MEMORY, PERL, '-e', LISTEN]);
    expect(details.get('exe')).toBe(`/memfd:hidden (deleted)  (/proc/${pidIn(details)}/exe)`);
    expect(details.get('verdict')).toMatch(
      /^listens: loopback · program has no file: it runs from memory \(memfd\) · /,
    );
    expect(details.get('sha256')).toContain(digestOf(PERL));
    expect(details.has('package')).toBe(false);
  });

  test('of a service that gets its socket from its launcher', async () => {
    const unit = `${uniqueName()}.service`;
    const cgroup = programs.cgroup(unit);
    const enter = cgroup === undefined ? 'true' : `echo $$ > '${cgroup}/cgroup.procs'`;
    const details = await detailsFor('sh', after(enter, PERL, '-e', LAUNCHER, PERL, '-e', ACTIVATED));
    const pid = pidIn(details);
    expect(details.get('sockets')).toBe(
      `opened by its launcher, such as systemd (LISTEN_FDS=1)  (/proc/${pid}/environ)`,
    );
    // Where the test may make no cgroup, only the environment shows it.
    if (cgroup !== undefined) {
      expect(details.get('why')).toBe(`systemd service ${unit}  (/proc/${pid}/cgroup)`);
      expect(details.get('cgroup')).toBe(`/${unit}  (/proc/${pid}/cgroup)`);
    }
  });

  test('of a program of an ssh session', async () => {
    const env = { SSH_CONNECTION: '203.0.113.9 50000 192.0.2.1 22' };
    const sshd = programs.copy('sshd');
    const details = await detailsFor(sshd, ['-e', PARENT, PERL, '-e', LISTEN], { env });
    expect(details.get('parents')).toMatch(/ → sshd \(\d+\) → perl \(\d+\) +\(\/proc\/PID\/stat\)$/);
    const parent = /sshd \((\d+)\)/.exec(details.get('parents') ?? '')?.[1];
    expect(details.get('why')).toBe(
      `ssh session from 203.0.113.9 (sshd ${parent})  (/proc/${pidIn(details)}/environ)`,
    );
  });

  test('of a job of cron', async () => {
    const details = await detailsFor(programs.copy('cron'), ['-e', PARENT, PERL, '-e', LISTEN]);
    expect(details.get('parents')).toMatch(/ → cron \(\d+\) → perl \(\d+\) +\(\/proc\/PID\/stat\)$/);
    const parent = /cron \((\d+)\)/.exec(details.get('parents') ?? '')?.[1];
    expect(details.get('why')).toBe(`scheduled job (cron ${parent})  (/proc/${parent}/stat)`);
  });

  test.skipIf(!canUnshare)(
    'of a process in namespaces and with packages of its own (skipped without the rights to make them)',
    async () => {
      const id = randomBytes(32).toString('hex');
      const cgroup = programs.cgroup(`libpod-${id}.scope`);
      const enter = cgroup === undefined ? 'true' : `echo $$ > '${cgroup}/cgroup.procs'`;
      const database = [
        enter,
        'mount -t tmpfs none /var/lib',
        'mkdir -p /var/lib/dpkg/info',
        `echo '${PERL}' > /var/lib/dpkg/info/boxed.list`,
        `echo '${digestOf(PERL, 'md5')}  ${PERL.slice(1)}' > /var/lib/dpkg/info/boxed.md5sums`,
        `printf 'Package: boxed\\nVersion: 9.8-7\\n' > /var/lib/dpkg/status`,
      ].join(' && ');
      const details = await detailsFor(
        'unshare',
        ['--mount', '--pid', '--net', '--fork', 'sh', ...after(database, PERL, '-e', LISTEN)],
        // Its loopback interface is down.
        { env: { ADDRESS: '0.0.0.0' } },
      );
      expect(details.get('parents')).toMatch(/ → unshare \(\d+\) → perl \(\d+\) +\(\/proc\/PID\/stat\)$/);
      expect(details.get('package')).toBe('boxed 9.8-7  (dpkg)');
      expect(details.get('verdict')).toContain('program is from boxed 9.8-7 · program is as in its package');
      const { ino } = statSync(`/proc/${pidIn(details)}/ns/net`);
      expect(details.get('network')).toContain(String(ino));
      if (cgroup !== undefined) {
        const container = `podman:${id.slice(0, 12)}  (/proc/${pidIn(details)}/cgroup)`;
        expect(details.get('why')).toBe(`container ${container}`);
      }
    },
  );
});

describe.skipIf(!hasPerl || !canUnshare)(
  'the evidence about a docker-proxy (skipped without perl and the rights to mount)',
  () => {
    test('names the container and its port by the API on the Unix socket', async () => {
      const programs = new Programs();
      cleanUp(() => programs.close());
      const asked: (string | undefined)[] = [];
      const api = createServer(({ url }, response) => {
        asked.push(url);
        const NetworkSettings = { Networks: { bridge: { IPAddress: '172.17.0.2' } } };
        response.end(JSON.stringify([{ Names: ['/web'], NetworkSettings }]));
      });
      cleanUp(() => api.close());
      const path = join(programs.folder, 'docker.sock');
      await new Promise<void>((resolve) => void api.listen(path, resolve));
      const words = '-proto tcp -host-ip 127.0.0.1 -container-ip 172.17.0.2 -container-port 80'.split(' ');
      const port = await programs.start(programs.copy('docker-proxy'), ['-e', LISTEN, '--', ...words]);
      // Only this netpane sees the socket where that of Docker is.
      const mount = after(`mount -t tmpfs none /var/run && ln -s '${path}' /var/run/docker.sock`);
      const t = startNetpane({
        ...SIZE,
        args: ['--port', String(port), '--interval', '200ms'],
        through: ['unshare', '--mount', 'sh', ...mount],
      });
      await showDetails(t, port);
      const details = await evidenceOf(t, port);
      expect(details.get('forwards')).toBe(
        'port 80 of container web, at 172.17.0.2  (command line, /var/run/docker.sock)',
      );
      expect(new Set(asked)).toEqual(new Set(['/containers/json']));
    });
  },
);
