// Ending programs and closing sockets: with keys, and by `netpane kill`.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../helpers/terminal.ts';
import { cleanUp, isLinux, isRoot, runNetpane, startNetpane, uniqueName } from './netpane.ts';
import { typeQuery, useNetpane } from './scene.ts';

/** Listens, or connects to a port, and prints the local port, then the code of each error of the connection. */
const PROGRAM = `
const [title, port] = process.argv.slice(1);
process.title = title;
const { connect, createServer } = require('node:net');
if (port) {
  const socket = connect(Number(port), '127.0.0.1', () => console.log(socket.localPort));
  socket.on('error', ({ code }) => console.log(code));
  setInterval(() => {}, 1e6);
} else {
  const server = createServer((socket) => socket.on('error', () => {}));
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}`;

interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: string;
  /** Resolves to its next line of output. */
  readonly line: () => Promise<string>;
  /** Resolves to the signal that ended it. */
  readonly ended: () => Promise<string | null>;
}

async function startProgram(title: string, port?: string): Promise<Program> {
  const child = spawn(process.execPath, ['-e', PROGRAM, title, ...(port === undefined ? [] : [port])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUp(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => String((await lines.next()).value);
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  return {
    child,
    pid: child.pid ?? 0,
    port: await line(),
    line,
    ended: async () => (await exit)[1],
  };
}

describe.skipIf(!isLinux)('acting on programs (skipped elsewhere: signals need pidfd)', () => {
  const netpane = useNetpane(() => ({ cols: 80, rows: 24 }));
  /** Filters on the screen that the tests share. */
  async function show(query: string): Promise<Terminal> {
    const t = netpane();
    await t.until('the screen', () => t.text().includes('? help'));
    typeQuery(t, `${query}\r`);
    return t;
  }

  test('K ends the program of the selected row; the event log says so', async () => {
    const name = uniqueName();
    const server = await startProgram(name);
    const t = await show(`:${server.port} listen`);
    // The owner of a new socket may be found a poll later.
    await t.until('the listener and its program', () => t.text().includes(name));
    t.write('K');
    await t.until('the list of signals', () => t.text().includes(`SIGNAL TO ${name} (${server.pid})`));
    t.press('enter');
    expect(await server.ended()).toBe('SIGTERM');
    await t.until('its end', () => t.text().includes(`${name} (${server.pid}) ended`));
    t.write('e');
    await t.until('the event', () => /> \S+: \S+ \(\d+\) ended/.test(t.text()));
    t.write('e');
    await t.until('the table alone', () => !t.text().includes('EVENTS'));
  });

  test('K does nothing with --read-only, and says so', async () => {
    const server = await startProgram(uniqueName());
    const t = startNetpane({ args: ['--read-only', '-q', `:${server.port} listen`], cols: 80, rows: 24 });
    await t.until('the listener', () => t.text().includes(server.port) && t.text().includes('1 of'));
    t.write('K');
    await t.until('the reason', () => t.text().includes('netpane runs with --read-only'));
    expect(server.child.signalCode).toBeNull();
  });

  test.skipIf(!isRoot)(
    'X closes a connection: its program gets an error (skipped without root)',
    async () => {
      const name = uniqueName();
      const server = await startProgram(`${name}-s`);
      const client = await startProgram(`${name}-c`, server.port);
      const t = await show(`lport:${client.port}`);
      await t.until('the connection and its program', () => t.text().includes(`${name}-c`));
      t.write('X');
      await t.until('the question', () => t.text().includes(`close ${name}-c → 127.0.0.1:${server.port}?`));
      t.write('y');
      expect(await client.line()).toBe('ECONNABORTED');
      await t.until('the result', () => t.text().includes(`closed ${name}-c → 127.0.0.1:${server.port}`));
      expect(server.child.exitCode).toBeNull();
    },
  );

  test('netpane kill ends what listens on a port, and leaves its clients alone', async () => {
    const name = uniqueName();
    const server = await startProgram(`${name}-s`);
    const client = await startProgram(`${name}-c`, server.port);
    const outcome = await runNetpane(['kill', `:${server.port}`, '--yes', '--wait', '20s']);
    expect(outcome).toMatchObject({ stdout: '', code: 0 });
    expect(outcome.stderr).toContain('1 other program only connects to it: left alone');
    expect(outcome.stderr).toMatch(
      new RegExp(`${name}-s \\(${server.pid}\\).*listens on 127.0.0.1:${server.port}`),
    );
    expect(outcome.stderr).toContain(`${name}-s (${server.pid}) ended`);
    expect(await server.ended()).toBe('SIGTERM');
    expect(client.child.exitCode ?? client.child.signalCode).toBeNull();
  });

  test('netpane kill --wait says which program still runs', async () => {
    const name = uniqueName();
    const server = await startProgram(name);
    // A stopped process gets SIGTERM only when it continues.
    server.child.kill('SIGSTOP');
    const args = ['kill', `:${server.port}`, '--yes', '--wait', '300ms'];
    const outcome = await runNetpane(args);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(new RegExp(`${name} \\(${server.pid}\\) still runs 0\\.\\ds after TERM`));
    expect(await runNetpane([...args, '--signal', 'KILL'])).toMatchObject({ code: 0 });
    expect(await server.ended()).toBe('SIGKILL');
  });

  test.each([
    [['kill'], 2, "'netpane kill' needs a query"],
    [['kill', ':1', '--signal', 'NO', '--yes'], 2, '--signal'],
    [['kill', ':3000'], 2, 'use --yes'],
    [['kill', 'process=no-such-program-here', '--yes'], 1, 'no socket matches'],
  ])('%j fails with exit code %i', async (args, code, message) => {
    const outcome = await runNetpane(args);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(message);
  });
});
