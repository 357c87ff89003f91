// Rules of --on and [[on]]: real commands, run for real sockets.
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/herd.ts';
import { LineProgram } from './line-program.ts';
import { cleanUp, isLinux, newHome, program, startNetpane, uniqueName } from './netpane.ts';
import type { WatchEvent } from './watcher.ts';

/** Listens on a port for each byte of its input, under a name of its own, and prints the ports. */
const LISTENER = `
process.title = process.argv[1];
const { createServer } = require('node:net');
process.stdin.on('data', (bytes) => {
  for (const _ of bytes) {
    const server = createServer().listen(0, '127.0.0.1', () => console.log(server.address().port));
  }
});`;

/** Starts a program that can listen. Returns a function that opens listeners and resolves to their ports. */
function startListener(name: string): (count: number) => Promise<number[]> {
  const child: ChildProcess = spawn(process.execPath, ['-e', LISTENER, name], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  cleanUp(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  return async (count) => {
    const before = output.split('\n').length - 1;
    child.stdin?.write('x'.repeat(count));
    const ports = () => output.split('\n').slice(before, -1).map(Number);
    await eventually(
      () => 'the listeners',
      () => ports().length === count,
    );
    return ports();
  };
}

/** Writes a shell script that can be run. Returns its path. */
function newScript(home: string, name: string, text: string): string {
  const file = join(home, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** Starts a `netpane watch --json` with a rule, and waits until it reports events. */
async function startWatch(query: string, ...command: string[]): Promise<LineProgram> {
  const watch = new LineProgram([
    ...[process.execPath, program, 'watch', '--json', '--interval', '200ms', '--max-load', '100'],
    ...['--on', query, '--', ...command],
  ]);
  cleanUp(() => watch.child.kill('SIGKILL'));
  const seen = () => watch.lines.map((line) => JSON.parse(line) as WatchEvent);
  for (let isSeen = false; !isSeen;) {
    const socket = createSocket('udp4');
    await once(socket.bind(0, '127.0.0.1'), 'listening');
    const { port } = socket.address();
    await delay(300);
    isSeen = seen().some((event) => event.type === 'spawn' && event.socket.local.port === port);
    socket.close();
  }
  return watch;
}

const linesOf = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];

describe.skipIf(!isLinux)(
  'a command runs for each socket that comes to match (skipped elsewhere: names need Linux)',
  // Side by side: most of the time they wait.
  { concurrent: true },
  () => {
    test('once, with its event on stdin, whatever the name of the program; not for older sockets', async () => {
      const home = newHome();
      const [out, injected] = [join(home, 'out'), join(home, 'injected')];
      const id = uniqueName();
      // At most 15 bytes: a longer name is cut by the kernel.
      const name = `";>i;$(id)${id.slice(2, 6)}`;
      const listen = startListener(name);
      await listen(1);
      const script = newScript(home, 'append', `cat >> "$1"`);
      const watch = await startWatch(`listen process:${id.slice(2, 6)}`, script, out);
      const ports = await listen(3);
      await eventually(
        () => 'the runs',
        () => linesOf(out).length >= 3,
      );
      const events = linesOf(out).map((line) => JSON.parse(line) as WatchEvent);
      expect(events.map(({ socket }) => socket.local.port).toSorted()).toEqual(ports.toSorted());
      expect(events.map(({ socket }) => socket.owners[0]?.process)).toEqual([name, name, name]);
      const printed = watch.lines.filter((line) => linesOf(out).includes(line));
      expect(printed.length).toBeGreaterThan(0);
      expect(existsSync(injected)).toBe(false);
      watch.child.kill('SIGINT');
      expect(await watch.ended).toBe(0);
      expect(linesOf(out)).toHaveLength(3);
    });

    test('a command that hangs keeps others from running, four at once, and ends with netpane', async () => {
      const home = newHome();
      const out = join(home, 'pids');
      const name = uniqueName();
      const script = newScript(home, 'hang', `echo $$ >> "$1"; exec sleep 1000`);
      const listen = startListener(name);
      const watch = await startWatch(`listen process:${name}`, script, out);
      await listen(6);
      await eventually(
        () => 'four runs',
        () => linesOf(out).length >= 4,
      );
      const port = (await listen(1))[0];
      await watch.until('a later event', () => watch.lines.some((line) => line.includes(`"port":${port}`)));
      const pids = linesOf(out).map(Number);
      expect(pids).toHaveLength(4);
      watch.child.kill('SIGINT');
      expect(await watch.ended).toBe(0);
      const isRunning = (pid: number) =>
        existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`).length > 0;
      await eventually(
        () => 'the end of the commands',
        () => !pids.some(isRunning),
      );
    });

    test('a failure is reported once, with its reason', async () => {
      const name = uniqueName();
      const script = newScript(newHome(), 'bad', `echo no route >&2; exit 3`);
      const listen = startListener(name);
      const watch = await startWatch(`listen process:${name}`, script);
      await listen(2);
      await watch.until('the failure', () => watch.stderr.includes('bad failed'));
      watch.child.kill('SIGINT');
      await watch.ended;
      expect(watch.stderr.split('\n').filter((line) => line.includes('on: '))).toEqual([
        `netpane: on: listen process:${name}: bad failed: exit code 3: no route`,
      ]);
    });

    test('on the screen a rule of the configuration shows a message, and stands in the event log', async () => {
      const home = newHome();
      const [out, config] = [join(home, 'out'), join(home, 'config.toml')];
      const name = uniqueName();
      const script = newScript(home, 'append', `cat >> "$1"`);
      const rule = { query: `listen process:${name}`, command: [script, out] };
      writeFileSync(
        config,
        `[[on]]\nquery = "${rule.query}"\ncommand = ${JSON.stringify(rule.command)}\nbell = true\n`,
      );
      const listen = startListener(name);
      const [old] = await listen(1);
      const t = startNetpane({ args: ['--config', config, `process:${name}`], cols: 140, rows: 24 });
      await t.until('the first poll', () => t.text().includes(`${old} *`));
      const [port] = await listen(1);
      await t.until('the message', () => t.text().includes(`matched ${name} tcp 127.0.0.1:${port} → append`));
      await eventually(
        () => 'the run',
        () => linesOf(out).length === 1,
      );
      t.write('e');
      await t.until('the event', () => /> \S+: on: listen/.test(t.text()));
    });
  },
);
