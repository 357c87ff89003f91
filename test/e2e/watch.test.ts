// `netpane watch` on the live machine: what a test does on loopback is printed, and however it ends nothing is lost.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type HerdSocket, root } from '../helpers/herd.ts';
import type { Listed } from '../helpers/ss.ts';
import { cleanUp, faults, hasNetlink, isLinux, newHerd, program, runNetpane, uniqueName } from './netpane.ts';

/** A line of `watch --json` about a socket. */
interface WatchEvent {
  atMs: number;
  type: 'spawn' | 'change' | 'close';
  socket: Listed;
  was?: { state: string };
  lifetimeMs?: number;
  isAtLeast?: boolean;
  learntBy: 'poll' | 'destroy' | 'trace';
}

/** However dear a look is: the machine may be full of other things. */
const INTERVAL = ['--interval', '200ms', '--max-load', '100'];

/** No wait of these tests takes longer, milliseconds. */
const PATIENCE_MS = 20_000;

/** A netpane that watches. */
interface Watcher {
  readonly child: ChildProcess;
  readonly said: { stdout: string; stderr: string };
  /** The answer, once there is one; asked again whenever something is printed. */
  until: <T>(what: string, ask: () => T | undefined | false) => Promise<T>;
  /** Its exit code, when all of its output is there. */
  ended: Promise<number | null>;
}

/** Starts watching. From when on it does is not known: see {@link awake}. */
function start(args: string[], nodeArgs: string[] = [], env: Record<string, string> = {}): Watcher {
  const child = spawn(process.execPath, [...nodeArgs, program, 'watch', ...INTERVAL, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: root,
    env: { ...process.env, TZ: 'UTC', ...env },
  });
  cleanUp(() => child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  const looks = new Set<() => void>();
  const until: Watcher['until'] = (what, ask) =>
    new Promise((resolve, reject) => {
      const impatience = setTimeout(() => {
        reject(new Error(`${what}: not within ${PATIENCE_MS} ms of\n${said.stdout}\n${said.stderr}`));
      }, PATIENCE_MS);
      const look = () => {
        const answer = ask();
        if (answer === undefined || answer === false) return;
        clearTimeout(impatience);
        looks.delete(look);
        resolve(answer);
      };
      looks.add(look);
      look();
    });
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      for (const look of looks) look();
    });
  }
  const ended = once(child, 'close').then(([code]) => {
    // Of Node's own: on the screen it would stand across the picture.
    expect(said.stderr).not.toContain('Warning:');
    return code as number | null;
  });
  return { child, said, until, ended };
}

/** Does something again and again, ten times a second, until `isEnough`. */
async function repeat(act: () => Promise<unknown>, isEnough: () => boolean): Promise<void> {
  for (let i = 0; i < PATIENCE_MS / 100 && !isEnough(); i++) await Promise.all([act(), delay(100)]);
}

/** A netpane that has had its first look: what happens from now on are events. `act` makes some that it prints. */
async function awake(
  act: () => Promise<unknown>,
  ...[args, nodeArgs, env]: Parameters<typeof start>
): Promise<Watcher> {
  const watcher = start(args, nodeArgs, env);
  await repeat(act, () => / \+ |"type":"spawn"/.test(watcher.said.stdout));
  return watcher;
}

/** The machine is not alone: there may be gaps between them. */
const eventsIn = (text: string): WatchEvent[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as WatchEvent | { type: 'gap' })
    .filter((it) => it.type !== 'gap');

/** What is told of one end of a connection. */
const eventsOf = ({ said }: Watcher, { local, remote }: HerdSocket): WatchEvent[] =>
  eventsIn(said.stdout).filter(
    ({ socket }) => socket.local.port === local.port && socket.remote?.port === remote?.port,
  );

describe.skipIf(!isLinux)('netpane watch (skipped elsewhere: the herd needs Linux)', () => {
  /** Two processes of a name that nothing else has; and what one does for netpane to print. */
  async function scene() {
    const herd = newHerd();
    const name = uniqueName();
    const [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-s` }),
      herd.spawn({ title: `${name}-c` }),
    ]);
    const listener = await server.listen();
    return { name, server, client, listener, poke: () => server.listen() };
  }

  test('--json: a connection is told once when it comes and once when it goes', async () => {
    const { server, client, listener } = await scene();
    const port = ['--port', String(listener.local.port)];
    const poke = async () => client.close((await client.connect(server, listener)).near, { reset: true });
    const watcher = await awake(poke, ['--json', ...port]);
    const startMs = Date.now();
    const { near, far } = await client.connect(server, listener);
    const ends = [...near, ...far];
    // Who accepts a connection may be known a moment later than the connection.
    const isKnown = (end: HerdSocket) =>
      eventsOf(watcher, end).some(({ socket }) => socket.owners[0]?.pid === end.pid);
    await watcher.until('both come', () => ends.every(isKnown));
    const { stdout } = await runNetpane(['ls', '--json', ...port, '--established']);
    const listed = JSON.parse(stdout) as Listed[];
    await client.close(near, { reset: true });
    const isClosed = (end: HerdSocket) => eventsOf(watcher, end).some(({ type }) => type === 'close');
    await watcher.until('both go', () => ends.every(isClosed));
    watcher.child.kill('SIGTERM');
    expect(await watcher.ended).toBe(0);
    for (const end of ends) {
      const events = eventsOf(watcher, end);
      const [first, last] = [events[0], events.at(-1)];
      const [coming, going] = ['spawn', 'close'].map((type) => events.filter((it) => it.type === type));
      expect(coming).toEqual([first]);
      expect(going).toEqual([last]);
      for (const { atMs, socket, learntBy } of events) {
        expect(socket).toMatchObject({ protocol: 'tcp', local: end.local, remote: end.remote });
        expect(socket.id).toBe(first?.socket.id);
        expect(atMs).toBeGreaterThan(startMs);
        expect(atMs).toBeLessThan(Date.now());
        expect(['poll', 'destroy', 'trace']).toContain(learntBy);
      }
      const known = listed.find(({ local }) => local.port === end.local.port);
      expect(known).toBeDefined();
      if (hasNetlink) expect(first?.socket.id).toBe(known?.id);
      expect(last?.lifetimeMs).toBeGreaterThan(0);
      expect(last?.isAtLeast).toBeUndefined();
    }
  });

  test('what is there at the start is no event, until it goes: then it is older than is known', async () => {
    const { name, server, listener, poke } = await scene();
    const watcher = await awake(poke, ['--json', '--process', name]);
    expect(eventsOf(watcher, listener)).toEqual([]);
    await server.close([listener]);
    const [close] = await watcher.until('it goes', () => {
      const events = eventsOf(watcher, listener);
      return events.length > 0 && events;
    });
    expect(close).toMatchObject({ type: 'close', isAtLeast: true, socket: { state: 'LISTEN' } });
  });

  test('for a person: a line each, in the characters of the locale; on stderr, once, what cannot be seen', async () => {
    const { name, server, client, listener, poke } = await scene();
    const watcher = await awake(poke, ['--process', name, '--source', 'proc'], [], { LC_ALL: 'C' });
    const { near } = await client.connect(server, listener);
    const ends = `tcp 127.0.0.1:${near[0]?.local.port} > 127.0.0.1:${listener.local.port} `;
    const line = (mark: string) =>
      `^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} \\${mark} ${name}-c +${client.pid} +${ends}`;
    await watcher.until('it comes', () =>
      new RegExp(`${line('+')} +ESTABLISHED$`, 'm').test(watcher.said.stdout),
    );
    await client.close(near, { reset: true });
    await watcher.until('it goes', () => new RegExp(`${line('-')} +lived `, 'm').test(watcher.said.stdout));
    watcher.child.kill('SIGINT');
    expect(await watcher.ended).toBe(0);
    expect(
      watcher.said.stdout.split('\n').filter((it) => !/^\d\d:\d\d:\d\d\.\d{3} [-+~!] /.test(it)),
    ).toEqual(['']);
    expect(watcher.said.stdout + watcher.said.stderr).toMatch(/^\p{ASCII}*$/u);
    const notices = watcher.said.stderr.split('\n').slice(0, -1);
    expect(notices.filter((it) => /between two polls|short-lived changes/.test(it))).toHaveLength(1);
    expect(notices.filter((it) => !it.startsWith('netpane: '))).toEqual([]);
    expect(new Set(notices).size).toBe(notices.length);
  });

  test('filters choose by the socket', async () => {
    const { name, server, client, listener } = await scene();
    const watcher = await awake(() => server.udp(), ['--json', '--process', `${name}-s`, '--udp']);
    const { near } = await client.connect(server, listener);
    await client.close(near, { reset: true });
    const last = await server.udp();
    await client.udp();
    await watcher.until('the last one', () => eventsOf(watcher, last).length > 0);
    const told = eventsIn(watcher.said.stdout);
    expect(told.filter(({ socket }) => socket.protocol !== 'udp')).toEqual([]);
    expect(told.filter(({ socket }) => socket.owners[0]?.pid !== server.pid)).toEqual([]);
  });

  /** So many at once that no pipe holds them (one of Node's: some 200 kB): what is printed of them waits in netpane. */
  const MANY = 1000;

  /** A netpane with more to print than has been read, and all of it known to it. */
  async function brimful() {
    const { name, server, client, listener, poke } = await scene();
    const watcher = await awake(poke, ['--json', '--process', name]);
    const { stdout } = watcher.child;
    // Asleep, so that it hears of all of them at once.
    watcher.child.kill('SIGSTOP');
    const { near } = await client.connect(server, listener, { count: MANY });
    const isSome = () => near.some((end) => watcher.said.stdout.includes(`"port":${end.local.port}}`));
    const some = watcher.until('some of them', () => isSome() && stdout?.pause());
    watcher.child.kill('SIGCONT');
    await some;
    /** How many of their spawns have been printed. */
    const spawned = () => {
      const ports = new Set(near.map((end) => end.local.port));
      return eventsIn(watcher.said.stdout).filter(
        (it) => it.type === 'spawn' && ports.has(it.socket.local.port),
      ).length;
    };
    return { watcher, stdout, spawned };
  }

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s: it ends when all is read', async (signal) => {
    const { watcher, stdout, spawned } = await brimful();
    watcher.child.kill(signal);
    stdout?.resume();
    expect(await watcher.ended).toBe(0);
    expect(spawned()).toBe(MANY);
  });

  test('where nobody reads it ends nevertheless, and says that something is lost', async () => {
    const { watcher } = await brimful();
    // The other end of the pipe takes what fits, and no more.
    const exited = once(watcher.child, 'exit');
    watcher.child.kill('SIGTERM');
    expect(await exited).toEqual([1, null]);
    await watcher.until('the message', () => watcher.said.stderr.includes('the last output is lost'));
  });

  test('whoever reads may leave: `watch | head -1` ends', async () => {
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

  test('what cannot be printed is a failure', async () => {
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

  test('an error that should not be: it says so, and ends', async () => {
    const watcher = start(['--json'], ['--import', faults], { NETPANE_FAULT: 'timer-throws' });
    expect(await watcher.ended).toBe(1);
    expect(watcher.said.stderr).toMatch(/^netpane: unexpected error:\nError: a timer failed on purpose/m);
  });

  test('a source that cannot work: it says why, and ends', async () => {
    const args = ['--json', '--source', 'sock_diag'];
    const watcher = start(args, ['--import', faults], { NETPANE_FAULT: 'netlink-forbidden' });
    expect(await watcher.ended).toBe(1);
    expect(watcher.said.stderr).toMatch(/^netpane: source 'sock_diag' does not work on this machine: .+\n$/);
  });
});
