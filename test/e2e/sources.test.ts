// If the best source does not work, netpane takes the next one and says what is missing and why. A source chosen by
// --source that does not work is an error.
import { spawnSync } from 'node:child_process';
import { arch } from 'node:os';
import { beforeAll, describe, expect, test } from 'vitest';
import type { HerdProcess, HerdSocket } from '../helpers/herd.ts';
import type { Listed } from '../helpers/listed.ts';
import {
  faults,
  hasNetlink,
  isLinux,
  newHerd,
  rowOf,
  runNetpane,
  type Start,
  startNetpane,
  withoutKoffi,
} from './netpane.ts';

const MISSING =
  'traffic and round-trip times, interfaces, raw and packet sockets, and other network namespaces are not shown';

/**
 * Runs a program that may not make netlink sockets: a seccomp(2) filter returns EPERM for socket(AF_NETLINK, …). In
 * Python, because neither Node nor a common tool can set one.
 */
const SECCOMP = `
import ctypes, os, struct, sys
number = int(sys.argv[1])
load, equal, give = 0x20, 0x15, 0x06
filter = b''.join(struct.pack('=HBBI', *it) for it in [
    (load, 0, 0, 0), (equal, 0, 3, number), (load, 0, 0, 16), (equal, 0, 1, 16),
    (give, 0, 0, 0x00050001), (give, 0, 0, 0x7fff0000)])
buffer = ctypes.create_string_buffer(filter)
class Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]
program = Program(6, ctypes.cast(buffer, ctypes.c_void_p))
library = ctypes.CDLL(None, use_errno=True)
def call(*words):
    if library.prctl(*words) != 0: sys.exit(99)
call(38, 1, 0, 0, 0)
call(22, 2, ctypes.byref(program), 0, 0)
os.execvp(sys.argv[2], sys.argv[2:])
`;
const socketCall = { x64: 41, arm64: 198 }[arch() as 'x64'] as number | undefined;
const forbidding = ['python3', '-c', SECCOMP, String(socketCall)];
const noSeccomp =
  socketCall === undefined
    ? 'the number of socket(2) here is not known'
    : spawnSync('python3', [...forbidding.slice(1), 'true']).status === 0
      ? undefined
      : 'there is no python3, or it may not set a seccomp filter';

/** Reasons why netlink does not work. */
const failures: {
  name: string;
  skipped?: string | undefined;
  why: string;
  start: () => Pick<Start, 'env' | 'file' | 'nodeArgs' | 'through'>;
}[] = [
  {
    name: 'koffi is not installed',
    why: 'the package koffi is not installed',
    start: () => ({ file: withoutKoffi() }),
  },
  {
    name: 'netlink sockets are forbidden by a fault',
    why: 'netlink does not answer (a netlink socket: EPERM)',
    start: () => ({ nodeArgs: ['--require', faults], env: { NETPANE_FAULT: 'netlink-forbidden' } }),
  },
  {
    name: 'netlink sockets are forbidden by the kernel',
    skipped: noSeccomp,
    why: 'netlink does not answer (a netlink socket: EPERM)',
    start: () => ({ through: forbidding }),
  },
];

const all = <T extends { env?: Start['env'] }>(start: T) => ({
  ...start,
  env: { ...process.env, ...start.env } as Record<string, string>,
});

const linux = isLinux ? '' : ' (skipped: it needs Linux)';

describe.skipIf(!isLinux)(`the choice of a source${linux}`, () => {
  let server: HerdProcess;
  let made: HerdSocket;
  let port = '';
  beforeAll(async () => {
    server = await newHerd().spawn();
    made = await server.listen();
    port = String(made.local.port);
  });

  for (const { name, skipped, why, start } of failures) {
    const title = skipped === undefined ? name : `${name} (skipped: ${skipped})`;
    describe.skipIf(skipped !== undefined)(title, () => {
      let how: ReturnType<typeof start>;
      beforeAll(() => {
        how = start();
      });

      test('`ls` reads /proc/net, and says what is missing and why', async () => {
        const { stdout, stderr, code } = await runNetpane(['ls', '--json', '--port', port], all(how));
        expect(code).toBe(0);
        const listed = JSON.parse(stdout) as Listed[];
        expect(listed).toHaveLength(1);
        expect(listed[0]).toMatchObject({
          protocol: 'tcp',
          local: made.local,
          state: 'LISTEN',
          owners: [{ pid: server.pid, knowledge: 'exact' }],
        });
        expect(listed[0]?.recvQueue).toBeUndefined();
        expect(stderr.split('\n')).toContain(`netpane: no sock_diag: ${why}: ${MISSING}`);
      });

      test('the screen reads /proc/net, and says so', async () => {
        const t = startNetpane({ ...how, cols: 160, rows: 60, args: ['--port', port] });
        await t.until('the row', () => rowOf(t, made));
        expect(t.rows()[0]).toMatch(/^netpane .* {2}\/proc\/net {2}/);
        expect(t.text()).not.toContain('RX/S');
        // The header may show another notice; the help has all of them.
        t.write('?');
        const text = `no sock_diag: ${why}: ${MISSING}`;
        await t.until('the notice', () => t.text().replace(/\s+/g, ' ').includes(text));
        t.press('ctrl-c');
        expect(await t.exited).toEqual({ exitCode: 0, signal: 0 });
      });

      test('--source sock_diag fails with a message, and opens no screen', async () => {
        const message =
          `netpane: source 'sock_diag' does not work on this machine: ${why}; ` +
          'without --source netpane picks one that does\n';
        const forced = ['--source', 'sock_diag'];
        const t = startNetpane({ ...how, cols: 200, args: forced });
        const { stdout, stderr, code } = await runNetpane(['ls', ...forced], all(how));
        expect({ stdout, stderr, code }).toEqual({ stdout: '', stderr: message, code: 1 });
        expect(await t.exited).toEqual({ exitCode: 1, signal: 0 });
        await t.until('the message', () => t.text().includes(message.trim()));
        expect(t.modes().alternateScreen).toBe(false);
      });
    });
  }

  test.skipIf(!hasNetlink)('reports nothing if the best source works', async () => {
    const { stderr, stdout } = await runNetpane(['ls', '--json', '--port', port]);
    // Processes and namespaces may be hidden even from root, which is not a fault of the source.
    expect(stderr).not.toMatch(/traffic|--source|netlink|koffi/);
    expect((JSON.parse(stdout) as Listed[])[0]?.recvQueue).toBe(0);
  });

  test.each([
    ['proc', MISSING],
    ['systeminformation', `${MISSING}; polls take much longer, and UDP sockets without a peer are not shown`],
  ])('--source %s lists the same listener, and says what is missing', async (source, missing) => {
    const { stdout, stderr, code } = await runNetpane(['ls', '--json', '--source', source, '--port', port]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ protocol: 'tcp', local: made.local, state: 'LISTEN' }]);
    expect(stderr.split('\n')).toContain(`netpane: --source ${source}: ${missing}`);
  });

  test.skipIf(!hasNetlink)('--source sock_diag reports nothing', async () => {
    const { stderr, code } = await runNetpane(['ls', '--source', 'sock_diag', '--port', port]);
    expect(code).toBe(0);
    expect(stderr).not.toContain('--source');
  });
});
