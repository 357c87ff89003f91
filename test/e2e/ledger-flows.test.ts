// The ledger's record of traffic that no poll sees: datagrams between programs that live a moment, and connections while
// netpane is stopped or another one ends. Each right or facility that it needs is taken away alone.
import { basename, join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../helpers/herd.ts';
import { noLedger, whyNoLedger } from './ledger-scene.ts';
import { LineProgram } from './line-program.ts';
import { all, countBy, endsOf, exactly, ONCE_EACH, ONE_POLL, ownerOf, typesOf } from './short-lives.ts';
import type { Server } from './server.ts';
import { Stage } from './stage.ts';
import type { Watcher } from './watcher.ts';

const FLOWS = join(root, 'test', 'helpers', 'udp-flows.mjs');

/** Runs a command in a mount namespace without cgroup v2. */
const WITHOUT_CGROUP = [
  ...['unshare', '--mount', 'sh', '-c'],
  `sed -n 's/^[^ ]* \\([^ ]*\\) cgroup2 .*/\\1/p' /proc/self/mounts | while read -r place; do umount -l "$place"; done; exec "$@"`,
  'sh',
];

/** Returns the arguments of setpriv(1) that take capabilities away. */
function withoutCapabilities(...names: string[]): string[] {
  const list = names.map((name) => `-${name}`).join(',');
  return ['--bounding-set', list, '--inh-caps', list];
}

describe.skipIf(noLedger !== undefined)(`the ledger${whyNoLedger}`, () => {
  let stage: Stage;
  let server: Server;
  beforeAll(async () => {
    stage = await Stage.create();
    server = await stage.serve();
  });

  /** Starts a program of udp-flows.mjs and returns it with its port. */
  async function flow(...words: (string | number)[]) {
    const program = new LineProgram([...stage.through, process.execPath, FLOWS, ...words.map(String)]);
    const port = Number(await program.until('its port', () => program.lines[0]));
    return { program, port };
  }

  /** Returns what the close event of a UDP socket says: program, bytes, packets, peers. */
  const closeOfPort = (watcher: Watcher, port: number) =>
    watcher.until(`the close of port ${port}`, (events) => {
      const close = events.find(({ type, socket }) => type === 'close' && socket.local.port === port);
      if (close === undefined) return undefined;
      const { rxBytes, txBytes, rxSegments, txSegments, remote, peers, owners } = close.socket;
      const peerPorts = [...(remote ? [remote] : []), ...(peers ?? [])].map((peer) => peer.port);
      const [{ pid, knowledge } = {}] = owners;
      return { received: [rxBytes, rxSegments], sent: [txBytes, txSegments], peerPorts, pid, knowledge };
    });

  describe('by one netpane', () => {
    let watcher: Watcher;
    beforeAll(async () => {
      watcher = await stage.watch(server, ONE_POLL);
    });
    beforeEach(() => watcher.reset());

    test.each([
      ['an echo', 'ask', 20, 100, 100],
      ['a flow like one of QUIC, of two unconnected sockets', 'ask', 60, 1200, 1350],
      ['a DNS query of a program that lives a moment', 'query', 1, 40, 56],
    ] as const)('has program, peer, bytes and packets of %s', async (_, what, count, bytes, answerBytes) => {
      const answerer = await flow('answer', answerBytes);
      const client = await flow(what, answerer.port, count, bytes);
      expect(await client.program.ended).toBe(0);
      answerer.program.child.stdin?.end();
      expect(await answerer.program.ended).toBe(0);
      const [asked, answered] = [
        [count * bytes, count],
        [count * answerBytes, count],
      ];
      expect(await closeOfPort(watcher, client.port)).toEqual({
        received: answered,
        sent: asked,
        peerPorts: [answerer.port],
        pid: client.program.pid,
        knowledge: 'exact',
      });
      expect(await closeOfPort(watcher, answerer.port)).toEqual({
        received: asked,
        sent: answered,
        peerPorts: [client.port],
        pid: answerer.program.pid,
        knowledge: 'exact',
      });
    });

    test('has every connection that was made while netpane was stopped', async () => {
      const count = 300;
      watcher.program.child.kill('SIGSTOP');
      const client = await stage.run('visit', { port: server.port, count, endings: 'cs' });
      watcher.program.child.kill('SIGCONT');
      await watcher.closes(2 * count, server.port);
      const { near, far } = endsOf(watcher, server, client);
      expect(countBy([...near, ...far], typesOf)).toEqual(all(2 * count, ONCE_EACH));
      expect(countBy(near, ownerOf)).toEqual(all(count, exactly(client)));
      expect(watcher.gaps).toEqual([]);
    });
  });

  test('is complete for a netpane that starts while another one ends', async () => {
    const count = 100;
    const one = await stage.watch(server, ONE_POLL);
    const starting = stage.watch(server, ONE_POLL);
    one.program.child.kill('SIGTERM');
    const [other, code] = await Promise.all([starting, one.program.ended]);
    expect(code).toBe(0);
    const client = await stage.run('visit', { port: server.port, count, endings: 'cs' });
    await other.closes(2 * count, server.port);
    const { near } = endsOf(other, server, client);
    expect(countBy(near, typesOf)).toEqual(all(count, ONCE_EACH));
    expect(countBy(near, ownerOf)).toEqual(all(count, exactly(client)));
    expect(other.gaps).toEqual([]);
  });

  test('mounts cgroup v2 itself where it is not mounted', async () => {
    const watcher = await stage.watch(server, { ...ONE_POLL, through: WITHOUT_CGROUP });
    const client = await stage.run('visit', { port: server.port, count: 20, endings: 'cs' });
    await watcher.closes(40, server.port);
    expect(countBy(endsOf(watcher, server, client).near, ownerOf)).toEqual(all(20, exactly(client)));
    expect(watcher.program.stderr).not.toContain('not counted');
  });

  test('names the programs of its own container by their pids there, and says that others are hidden', async () => {
    // With namespaces of pids, mounts and control groups, as an engine makes them.
    const watcher = await stage.watch(server, {
      ...ONE_POLL,
      through: ['unshare', '--pid', '--cgroup', '--fork', '--kill-child', '--mount-proc'],
    });
    const visit = `require('net').connect(${server.port}, '127.0.0.1', function () { this.end('c....'); })
      .resume().on('close', () => console.log(process.pid))`;
    const inside = ['nsenter', `--pid=/proc/${watcher.program.pid}/ns/pid_for_children`, process.execPath];
    const [pid] = await stage.runOther(...inside, '-e', visit);
    const client = await stage.run('visit', { port: server.port, count: 1, endings: 'c' });
    await watcher.closes(4, server.port);
    const near = [...watcher.bySocket(({ remote }) => remote?.port === server.port).values()];
    expect(near.map(typesOf)).toEqual([ONCE_EACH, ONCE_EACH]);
    expect(near.map(ownerOf)).toEqual([
      { pid: Number(pid), process: basename(process.execPath), knowledge: 'exact' },
      { pid: undefined, process: undefined, knowledge: 'hidden' },
    ]);
    expect(Number(pid)).toBeLessThan(client.pid);
    expect(watcher.program.stderr).not.toContain('not counted');
  });

  test.each([
    [
      'the right to use bpf(2)',
      ['setpriv', ...withoutCapabilities('bpf', 'sys_admin')],
      'access to bpf(2) denied',
    ],
    [
      'cgroup v2 and the rights to find or mount it',
      [...WITHOUT_CGROUP, 'setpriv', ...withoutCapabilities('sys_admin', 'sys_ptrace')],
      'there is no cgroup v2',
    ],
  ])('is replaced by the next best source without %s, and netpane says so', async (_, through, reason) => {
    const watcher = stage.start({ ...ONE_POLL, through });
    await watcher.program.until('the notice', () =>
      watcher.program.stderr.includes(`bytes of UDP and raw sockets are not counted (${reason}`),
    );
    // Every close is reported without the ledger too.
    await stage.untilItReports(watcher, server);
    const client = await stage.run('visit', { port: server.port, count: 20, endings: 'cs' });
    await watcher.closes(40, server.port);
    expect(countBy(endsOf(watcher, server, client).near, typesOf)).toEqual(all(20, ONCE_EACH));
  });
});
