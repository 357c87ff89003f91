// Adds the functions that a start runs to the code caches of dist/: V8 compiles most functions at their first call, so that the
// cache of a script that has not run yet lacks them. Runs the built program as `ls` and as screen, with warm.cjs in each thread.
// Where that is not possible, the caches stay as they are: a start then takes longer. V8 rejects a cache that is not complete.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Maximum time for each step, milliseconds. All take two seconds; more on a busy machine. */
const MAX_MS = 30_000;
const POLL_MS = 50;

/** Name of a cache that a thread has written. */
const byThread = /^(.+)\.\d+-\d+\.warm$/;

/** Resolves to true as soon as the condition is true; to false if it is not in time. */
async function until(condition) {
  const end = performance.now() + MAX_MS;
  while (!condition()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

async function runList(args, env) {
  const options = { env, stdio: 'ignore', timeout: MAX_MS, killSignal: 'SIGKILL' };
  await once(spawn(process.execPath, [...args, 'ls'], options), 'exit');
}

/** Runs the screen in a terminal until its rows are shown and each thread has written its caches. Rejects if it shows none. */
async function runScreen(args, env, dist) {
  const { spawn: spawnInTerminal } = await import('@lydell/node-pty');
  const terminal = spawnInTerminal(process.execPath, args, { cols: 160, rows: 48, env });
  let output = '';
  let hasEnded = false;
  terminal.onData((data) => void (output += data));
  terminal.onExit(() => void (hasEnded = true));
  const now = join(dist, 'now.warm');
  const isShown = () => output.includes('ESTABLISHED');
  if (await until(() => hasEnded || isShown())) {
    writeFileSync(now, '');
    const files = readdirSync(dist).filter((file) => byThread.test(file));
    await until(() => hasEnded || files.every((file) => statSync(join(dist, file)).size > 0));
  }
  terminal.kill();
  if (!(await until(() => hasEnded))) process.kill(terminal.pid, 'SIGKILL');
  if (!isShown()) throw new Error('the screen shows no connection');
}

/** Replaces each cache of dist/ with the largest that a thread has written. */
function takeCaches(dist) {
  const size = (file) => (existsSync(join(dist, file)) ? statSync(join(dist, file)).size : 0);
  for (const file of readdirSync(dist)) {
    const [, script] = byThread.exec(file) ?? [];
    if (script === undefined) continue;
    const cache = `${script}.${process.platform}-${process.arch}.cache`;
    if (size(file) > size(cache)) renameSync(join(dist, file), join(dist, cache));
  }
}

/**
 * Runs the program in this folder, and takes the caches of its threads.
 * @throws Error if there is no loopback, or no terminal: its package may have no binary for this system
 */
export async function warmCaches(dist) {
  const home = mkdtempSync(join(tmpdir(), 'netpane-home-'));
  const server = createServer();
  let connection;
  const args = ['--require', join(import.meta.dirname, 'warm.cjs'), join(dist, 'netpane.js')];
  const env = {
    ...process.env,
    HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_STATE_HOME: home,
    // Under sudo netpane would use the files of the user who called it.
    SUDO_UID: '',
    TERM: 'xterm-256color',
  };
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address();
    connection = connect(port, '127.0.0.1');
    await once(connection, 'connect');
    // Each to its end, even if the other one fails: both write to the folder.
    const runs = await Promise.allSettled([runList(args, env), runScreen([...args, `:${port}`], env, dist)]);
    takeCaches(dist);
    for (const { reason } of runs) if (reason !== undefined) throw reason;
  } finally {
    connection?.destroy();
    server.close();
    const left = readdirSync(dist).filter((file) => file.endsWith('.warm'));
    for (const path of [home, ...left.map((file) => join(dist, file))])
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  }
}
