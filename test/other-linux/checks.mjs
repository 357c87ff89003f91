// Checks netpane on another C library or processor: `node checks.mjs SOURCE COMMAND…`, in a network namespace of its own. COMMAND
// runs netpane, which has to use SOURCE: `sock_diag` or `proc`.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { spawn as spawnInTerminal } from '@lydell/node-pty';

const [source, command, ...words] = process.argv.slice(2);
const hasTraffic = source === 'sock_diag';

/** Maximum time of a step, milliseconds. */
const MAX_MS = 120_000;
const env = {
  ...process.env,
  XDG_CONFIG_HOME: '/dev/null',
  XDG_STATE_HOME: '/dev/null',
  TERM: 'xterm-256color',
};

const guard = setTimeout(() => {
  process.stderr.write('netpane: a check took too long\n');
  process.exit(1);
}, 4 * MAX_MS);

const server = createServer((socket) => socket.resume()).listen(8081, '127.0.0.1');
await once(server, 'listening');
const client = connect(8081, '127.0.0.1');
await once(client, 'connect');
await new Promise((resolve) => client.write(Buffer.alloc(1000), resolve));

function list() {
  const { status, stdout, stderr } = spawnSync(
    command,
    [...words, 'ls', '--json', '--source', source, ':8081'],
    { encoding: 'utf8', env, timeout: MAX_MS },
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

const sockets = list();
const listener = sockets.find(({ state }) => state === 'LISTEN');
assert.deepEqual(listener?.local, { address: '127.0.0.1', port: 8081 });
const connection = sockets.find(({ local }) => local.port === client.localPort);
assert.equal(connection?.state, 'ESTABLISHED');
if (hasTraffic) {
  assert.equal(connection?.txBytes, 1000);
  assert.ok(connection?.rttMicros > 0);
}
assert.deepEqual(
  connection?.owners.map(({ knowledge, pid }) => [knowledge, pid]),
  [['exact', process.pid]],
);
process.stdout.write(`ls: endpoints, state, program${hasTraffic ? ', bytes, round-trip time' : ''}\n`);

const watch = spawn(command, [...words, 'watch', '--json', '--source', source], { env });
const ended = once(watch, 'exit');
const ports = new Set();
const lines = createInterface({ input: watch.stdout });
// Connections that live for a moment, or as long as polls need to see them, until one of them is reported: the start of watch
// has no signal.
const timer = setInterval(() => {
  const short = connect(8081, '127.0.0.1', () => {
    ports.add(short.localPort);
    setTimeout(() => short.destroy(), hasTraffic ? 0 : 3000);
  });
}, 200);
for await (const line of lines) {
  const event = JSON.parse(line);
  if (event.type === 'close' && ports.has(event.socket?.local.port)) break;
}
clearInterval(timer);
watch.kill('SIGINT');
assert.equal((await ended)[0], 0);
process.stdout.write(`watch: the close of a connection${hasTraffic ? ' between two polls' : ''}\n`);

const screen = spawnInTerminal(command, words, { cols: 120, rows: 30, env });
let output = '';
const shown = Promise.withResolvers?.() ?? later();
screen.onData((text) => {
  output += text;
  if (output.includes('8081') && output.includes('LISTEN')) shown.resolve();
});
const code = new Promise((resolve) => screen.onExit(({ exitCode }) => resolve(exitCode)));
await shown.promise;
screen.write('q');
assert.equal(await code, 0);
assert.match(output, /\u001b\[\?1049l/, 'the terminal has its first screen again');
process.stdout.write('screen: rows, the key q, the terminal as before\n');

clearTimeout(guard);
client.destroy();
server.close();

/** Promise.withResolvers, which Node 20 lacks. */
function later() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}
