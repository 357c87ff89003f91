// Adds the functions that a start runs to the code caches of dist/: V8 compiles most functions at their first call, so that the
// cache of a script that has not run yet lacks them. Runs the built program as `ls` and as screen, with warm.cjs in each thread.
// Where that is not possible, the caches stay as they are: a start then takes longer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Maximum time for each step, milliseconds. All take two seconds. */
const MAX_MS = 10_000;
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
  await once(spawn(process.execPath, [...args, 'ls'], { env, stdio: 'ignore', timeout: MAX_MS }), 'exit');
}

/** Runs the screen in a terminal until its rows are shown and each thread has written its caches. */
async function runScreen(args, env, dist) {
  const { spawn: spawnInTerminal } = await import('@lydell/node-pty');
  const terminal = spawnInTerminal(process.execPath, args, { cols: 160, rows: 48, env });
  let output = '';
  let hasEnded = false;
  terminal.onData((data) => void (output += data));
  terminal.onExit(() => void (hasEnded = true));
  const now = join(dist, 'now.warm');
  if (await until(() => hasEnded || output.includes('ESTABLISHED'))) {
    writeFileSync(now, '');
    const files = readdirSync(dist).filter((file) => byThread.test(file));
    await until(() => hasEnded || files.every((file) => statSync(join(dist, file)).size > 0));
  }
  terminal.kill();
  if (!(await until(() => hasEnded))) process.kill(terminal.pid, 'SIGKILL');
}

/** Replaces each cache of dist/ with the largest that a thread has written, and removes the others. */
function takeCaches(dist) {
  const size = (file) => (existsSync(join(dist, file)) ? statSync(join(dist, file)).size : 0);
  for (const file of readdirSync(dist).filter((it) => it.endsWith('.warm'))) {
    const cache = `${byThread.exec(file)?.[1]}.${process.platform}-${process.arch}.cache`;
    if (size(file) > size(cache)) renameSync(join(dist, file), join(dist, cache));
    else rmSync(join(dist, file));
  }
}

/** Runs the program in this folder, and takes the caches of its threads. */
export async function warmCaches(dist) {
  const home = mkdtempSync(join(tmpdir(), 'netpane-home-'));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const connection = connect(port, '127.0.0.1');
  const args = ['--require', join(import.meta.dirname, 'warm.cjs'), join(dist, 'netpane.js')];
  const env = {
    ...process.env,
    HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_STATE_HOME: home,
    TERM: 'xterm-256color',
  };
  try {
    await once(connection, 'connect');
    await Promise.all([runList(args, env), runScreen([...args, `:${port}`], env, dist)]);
  } catch {
    // The package of the terminal has no binary for this system, or there is no loopback.
  } finally {
    takeCaches(dist);
    connection.destroy();
    server.close();
    rmSync(home, { recursive: true, force: true });
  }
}
