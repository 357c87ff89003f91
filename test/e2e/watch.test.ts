// `netpane watch` on this machine: prints the events of sockets on loopback, and loses none when it ends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually, type HerdSocket } from '../helpers/herd.ts';
import type { Listed } from '../helpers/listed.ts';
import { cleanUp, faults, hasNetlink, isLinux, program, runNetpane, uniqueName } from './netpane.ts';
import {
  eventsIn,
  eventsOf,
  INTERVAL,
  isReporting,
  repeat,
  start,
  startReporting,
  useProcesses,
  type Watcher,
} from './watching.ts';

/** Maximum time of a poll on a busy machine, milliseconds. */
const POLL_MS = 1000;

/** For tests that wait for the one before them, in a describe whose parts run side by side. */
const IN_TURN = { concurrent: false };

const title = 'netpane watch (skipped elsewhere: the herd needs Linux)';
// The parts run side by side: some tests wait for seconds until netpane gives up.
describe.skipIf(!isLinux)(title, { concurrent: true }, () => {
  const fullScene = useProcesses();
  /** Number of connections: their events exceed what a pipe holds (with Node some 200 kB), so the rest waits in netpane. */
  const MANY = 500;
  const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const full: Watcher[] = [];
  let near: HerdSocket[];

  // Starts a netpane for each test that ends one, and gives it more to print than is read. All print the same connections.
  beforeAll(async () => {
    const { server, client, listener } = await fullScene();
    // By port: a poll without time for all owners prints what a filter by process selects only later.
    const args = ['--json', '--port', String(listener.local.port)];
    for (let i = 0; i <= SIGNALS.length; i++) full.push(start(args));
    await repeat(
      () => client.connect(server, listener),
      () => full.every(isReporting),
    );
    // Stopped, so that each reads all kernel events at once.
    for (const { child } of full) child.kill('SIGSTOP');
    ({ near } = await client.connect(server, listener, { count: MANY }));
    const isSome = ({ output }: Watcher) =>
      near.some((end) => output.stdout.includes(`"port":${end.local.port}}`));
    const some = full.map((it) =>
      it.until('some of the connections', () => isSome(it) && it.child.stdout?.pause()),
    );
    for (const { child } of full) child.kill('SIGCONT');
    await Promise.all(some);
  });

  const next = () => full.pop() ?? expect.unreachable('each test ends one netpane');

  test('ends on a signal although it is busy, sooner on a second one, and says that events are lost', async () => {
    const stuck = async () => {
      const file = join(tmpdir(), uniqueName());
      const begun = `${file}.begun`;
      cleanUp(() => [file, begun].forEach((it) => rmSync(it, { force: true })));
      const watcher = start([], ['--require', faults], {
        NETPANE_FAULT: 'command-busy',
        NETPANE_FAULT_FILE: file,
      });
      writeFileSync(file, '');
      await eventually(
        () => `not busy: ${watcher.output.stderr}`,
        () => existsSync(begun) && readFileSync(begun, 'utf8') === 'begun',
      );
      return watcher;
    };
    // One after the other: while a netpane searches for namespaces, it may hold a copy of the output of the other, which would
    // then not close.
    const one = await stuck();
    const other = await stuck();
    const ends: string[] = [];
    const ended = [
      one.ended.then(() => ends.push('after one signal')),
      other.ended.then(() => ends.push('after two')),
    ];
    one.child.kill('SIGTERM');
    other.child.kill('SIGTERM');
    other.child.kill('SIGINT');
    await Promise.all(ended);
    expect(ends).toEqual(['after two', 'after one signal']);
    for (const { output, child } of [one, other]) {
      expect(['SIGTERM', 'SIGINT']).toContain(child.signalCode);
      expect(output.stderr).toContain('the last events are lost');
    }
  });

  describe('with more to print than was read', () => {
    test.each(SIGNALS)('ends after %s when all is read', async (signal) => {
      const { child, output, ended } = next();
      child.kill(signal);
      child.stdout?.resume();
      expect(await ended).toBe(0);
      const ports = new Set(near.map((end) => end.local.port));
      const spawned = eventsIn(output.stdout).filter(
        (it) => it.type === 'spawn' && ports.has(it.socket.local.port),
      );
      expect(spawned).toHaveLength(MANY);
    });

    test('ends even if nothing reads its output, and says that the last output is lost', async () => {
      const watcher = next();
      // The pipe takes what fits, and no more.
      const exited = once(watcher.child, 'exit');
      watcher.child.kill('SIGTERM');
      expect(await exited).toEqual([1, null]);
      await watcher.until('the message', () => watcher.output.stderr.includes('the last output is lost'));
    });
  });

  describe('one by one', () => {
    const scene = useProcesses();

    test('prints one spawn and one close for a connection, as JSON', IN_TURN, async () => {
      const { server, client, listener } = await scene();
      const port = ['--port', String(listener.local.port)];
      const poke = async () => client.close((await client.connect(server, listener)).near, { reset: true });
      const watcher = await startReporting(poke, ['--json', ...port]);
      const startMs = Date.now();
      const { near, far } = await client.connect(server, listener);
      const ends = [...near, ...far];
      // The process that accepts a connection may be known later than the connection.
      const isKnown = (end: HerdSocket) =>
        eventsOf(watcher, end).some(({ socket }) => socket.owners[0]?.pid === end.pid);
      await watcher.until('both spawns', () => ends.every(isKnown));
      const { stdout } = await runNetpane(['ls', '--json', ...port, '--established']);
      const listed = JSON.parse(stdout) as Listed[];
      await client.close(near, { reset: true });
      const isClosed = (end: HerdSocket) => eventsOf(watcher, end).some(({ type }) => type === 'close');
      await watcher.until('both closes', () => ends.every(isClosed));
      watcher.child.kill('SIGTERM');
      expect(await watcher.ended).toBe(0);
      for (const end of ends) {
        const events = eventsOf(watcher, end);
        const [first, last] = [events[0], events.at(-1)];
        const [spawns, closes] = ['spawn', 'close'].map((type) => events.filter((it) => it.type === type));
        expect(spawns).toEqual([first]);
        expect(closes).toEqual([last]);
        for (const { atMs, socket, learntBy } of events) {
          expect(socket).toMatchObject({ protocol: 'tcp', local: end.local, remote: end.remote });
          expect(socket.id).toBe(first?.socket.id);
          // A poll dates what it finds by its own start, which may be a moment before the connection.
          expect(atMs).toBeGreaterThan(learntBy === 'poll' ? startMs - POLL_MS : startMs);
          expect(atMs).toBeLessThan(Date.now());
          expect(['poll', 'destroy', 'trace']).toContain(learntBy);
        }
        const known = listed.find(
          ({ local, remote }) => local.port === end.local.port && remote?.port === end.remote?.port,
        );
        expect(known).toBeDefined();
        if (hasNetlink) expect(first?.socket.id).toBe(known?.id);
        expect(last?.lifetimeMs).toBeGreaterThan(0);
        expect(last?.isAtLeast).toBeUndefined();
      }
    });

    test(
      'prints only the close of a socket of the baseline, with a lower bound of its lifetime',
      IN_TURN,
      async () => {
        const { name, server, listener, poke } = await scene();
        const watcher = await startReporting(poke, ['--json', '--process', name]);
        expect(eventsOf(watcher, listener)).toEqual([]);
        await server.close([listener]);
        const [close] = await watcher.until('the close', () => {
          const events = eventsOf(watcher, listener);
          return events.length > 0 && events;
        });
        expect(close).toMatchObject({ type: 'close', isAtLeast: true, socket: { state: 'LISTEN' } });
      },
    );

    test(
      'prints a line for each event in the characters of the locale, and notices once on stderr',
      IN_TURN,
      async () => {
        const { name, server, client, listener, poke } = await scene();
        const watcher = await startReporting(poke, ['--process', name, '--source', 'proc'], [], {
          LC_ALL: 'C',
        });
        const { near } = await client.connect(server, listener);
        // The tables of /proc do not say who opened a connection.
        const ends = `tcp 127.0.0.1:${near[0]?.local.port} - 127.0.0.1:${listener.local.port} `;
        const line = (mark: string) =>
          `^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} \\${mark} ${name}-c +${client.pid} +${ends}`;
        await watcher.until('the spawn', () =>
          new RegExp(`${line('+')} +ESTABLISHED$`, 'm').test(watcher.output.stdout),
        );
        await client.close(near, { reset: true });
        await watcher.until('the close', () =>
          new RegExp(`${line('-')} +lived `, 'm').test(watcher.output.stdout),
        );
        watcher.child.kill('SIGINT');
        expect(await watcher.ended).toBe(0);
        expect(
          watcher.output.stdout.split('\n').filter((it) => !/^\d\d:\d\d:\d\d\.\d{3} [-+~!] /.test(it)),
        ).toEqual(['']);
        expect(watcher.output.stdout + watcher.output.stderr).toMatch(/^\p{ASCII}*$/u);
        const notices = watcher.output.stderr.split('\n').slice(0, -1);
        expect(notices.filter((it) => /between two polls|short-lived changes/.test(it))).toHaveLength(1);
        expect(notices.filter((it) => !it.startsWith('netpane: '))).toEqual([]);
        expect(new Set(notices).size).toBe(notices.length);
      },
    );

    test('prints only events of sockets that the filters select', IN_TURN, async () => {
      const { name, server, client, listener } = await scene();
      const watcher = await startReporting(() => server.udp(), ['--json', '--process', `${name}-s`, '--udp']);
      const { near } = await client.connect(server, listener);
      await client.close(near, { reset: true });
      const last = await server.udp();
      await client.udp();
      await watcher.until('the last one', () => eventsOf(watcher, last).length > 0);
      const events = eventsIn(watcher.output.stdout);
      expect(events.filter(({ socket }) => socket.protocol !== 'udp')).toEqual([]);
      expect(events.filter(({ socket }) => socket.owners[0]?.pid !== server.pid)).toEqual([]);
    });

    test('ends when the reader leaves: `watch | head -1`', IN_TURN, async () => {
      const { name, poke } = await scene();
      const command = `${process.execPath} ${program} watch ${INTERVAL.join(' ')} --process ${name} | head -1; echo "$? \${PIPESTATUS[0]}"`;
      const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      cleanUp(() => child.exitCode ?? process.kill(-(child.pid ?? 0), 'SIGKILL'));
      let [stdout, stderr, isOver] = ['', '', false];
      child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
      child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
      const closed = once(child, 'close').then(() => (isOver = true));
      await repeat(poke, () => isOver);
      await closed;
      expect(stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} \+ .*\n0 0\n$/);
      expect(stderr).not.toMatch(/EPIPE|Error/);
    });

    test('fails if it cannot print', IN_TURN, async () => {
      const { name, poke } = await scene();
      const full = openSync('/dev/full', 'w');
      cleanUp(() => closeSync(full));
      const args = [program, 'watch', ...INTERVAL, '--process', name];
      const child = spawn(process.execPath, args, { stdio: ['ignore', full, 'pipe'] });
      cleanUp(() => child.kill('SIGKILL'));
      let [stderr, isOver] = ['', false];
      child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
      const closed = once(child, 'close').then(() => (isOver = true));
      await repeat(poke, () => isOver);
      await closed;
      expect(child.exitCode).toBe(1);
      expect(stderr).toMatch(/^netpane: cannot write to stdout: the disk is full: .*ENOSPC/m);
      expect(stderr.match(/ENOSPC/g)).toHaveLength(1);
    });

    test('ends with the error and its stack after an unexpected error', IN_TURN, async () => {
      const watcher = start(['--json'], ['--require', faults], { NETPANE_FAULT: 'timer-throws' });
      expect(await watcher.ended).toBe(1);
      expect(watcher.output.stderr).toMatch(/^netpane: unexpected error:\nError: a timer failed on purpose/m);
    });

    test('ends with the reason if the source does not work', IN_TURN, async () => {
      const args = ['--json', '--source', 'sock_diag'];
      const watcher = start(args, ['--require', faults], { NETPANE_FAULT: 'netlink-forbidden' });
      expect(await watcher.ended).toBe(1);
      expect(watcher.output.stderr).toMatch(
        /^netpane: source 'sock_diag' does not work on this machine: .+\n$/,
      );
    });
  });
});
