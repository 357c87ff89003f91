// A `netpane watch` beside processes whose sockets it prints, for the tests of watch.test.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect } from 'vitest';
import { type HerdProcess, type HerdSocket, root } from '../helpers/herd.ts';
import type { Listed } from '../helpers/listed.ts';
import { cleanUp, newHerd, program, uniqueName } from './netpane.ts';

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

/** Polls at this interval however long they take: other programs may load the machine. */
export const INTERVAL = ['--interval', '200ms', '--max-load', '100'];

/** Maximum time of any wait of these tests, milliseconds. */
const PATIENCE_MS = 20_000;

/** A running `netpane watch`. */
export interface Watcher {
  readonly child: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** Waits until `find` returns a value. Calls it now and after every output. */
  until: <T>(what: string, find: () => T | undefined | false) => Promise<T>;
  /** Exit code; settles when all output is read. */
  ended: Promise<number | null>;
}

/** Starts a `netpane watch`. It reports no events before its first poll: see {@link startReporting}. */
export function start(args: string[], nodeArgs: string[] = [], env: Record<string, string> = {}): Watcher {
  const child = spawn(process.execPath, [...nodeArgs, program, 'watch', ...INTERVAL, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: root,
    env: { ...process.env, TZ: 'UTC', ...env },
  });
  cleanUp(() => child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  const onOutput = new Set<() => void>();
  const until: Watcher['until'] = (what, find) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`${what}: not within ${PATIENCE_MS} ms of\n${output.stdout}\n${output.stderr}`));
      }, PATIENCE_MS);
      const check = () => {
        const value = find();
        if (value === undefined || value === false) return;
        clearTimeout(timer);
        onOutput.delete(check);
        resolve(value);
      };
      onOutput.add(check);
      check();
    });
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const check of onOutput) check();
    });
  }
  const ended = once(child, 'close').then(([code]) => {
    // A warning of Node would damage the screen.
    expect(output.stderr).not.toContain('Warning:');
    return code as number | null;
  });
  return { child, output, until, ended };
}

/** Calls `act` ten times a second until `isEnough` returns true. Rejects after PATIENCE_MS. */
export async function repeat(act: () => Promise<unknown>, isEnough: () => boolean): Promise<void> {
  for (const startMs = performance.now(); !isEnough();) {
    if (performance.now() > startMs + PATIENCE_MS) throw new Error(`still missing after ${PATIENCE_MS} ms`);
    await Promise.all([act(), delay(100)]);
  }
}

/** Starts a `netpane watch` and waits until it reports events. `act` opens a socket that it prints. */
export async function startReporting(
  act: () => Promise<unknown>,
  ...[args, nodeArgs, env]: Parameters<typeof start>
): Promise<Watcher> {
  const watcher = start(args, nodeArgs, env);
  await repeat(act, () => isReporting(watcher));
  return watcher;
}

export const isReporting = ({ output }: Watcher): boolean => / \+ |"type":"spawn"/.test(output.stdout);

/** Returns the events without gaps, which other programs may cause. */
export const eventsIn = (text: string): WatchEvent[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as WatchEvent | { type: 'gap' })
    .filter((it) => it.type !== 'gap');

/** Returns the events of one end of a connection. */
export const eventsOf = ({ output }: Watcher, { local, remote }: HerdSocket): WatchEvent[] =>
  eventsIn(output.stdout).filter(
    ({ socket }) => socket.local.port === local.port && socket.remote?.port === remote?.port,
  );

/** Starts two processes for the tests of a describe, with a name of their own. */
export function useProcesses() {
  const name = uniqueName();
  const processes = {} as Record<'server' | 'client', HerdProcess>;
  beforeAll(async () => {
    const herd = newHerd();
    const [server, client] = await Promise.all([
      herd.spawn({ title: `${name}-s` }),
      herd.spawn({ title: `${name}-c` }),
    ]);
    Object.assign(processes, { server, client });
  });
  /** Opens a listener. `poke` opens a socket, which netpane prints. */
  return async () => {
    const { server, client } = processes;
    return { name, server, client, listener: await server.listen(), poke: () => server.listen() };
  };
}
