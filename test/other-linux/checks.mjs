// Checks netpane on another C library or processor: `node checks.mjs LEVEL COMMAND…`, in a network namespace of its own. COMMAND
// runs netpane, which has to use the source `sock_diag` or `proc`; the level `ledger` is `sock_diag` as root on a kernel that has
// all that netpane uses.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { spawn as spawnInTerminal } from '@lydell/node-pty';

const [level, command, ...words] = process.argv.slice(2);
const hasLedger = level === 'ledger';
const source = hasLedger ? 'sock_diag' : level;
const hasTraffic = source === 'sock_diag';
/** The source as `doctor` and the screen name it. */
const sourceName = source === 'proc' ? '/proc/net' : source;

/** Maximum time of a step, milliseconds. */
const MAX_MS = 120_000;
const env = {
  ...process.env,
  XDG_CONFIG_HOME: '/dev/null',
  XDG_STATE_HOME: '/dev/null',
  TERM: 'xterm-256color',
};

/** All that the screen has written. */
let output = '';
const guard = setTimeout(() => {
  process.stderr.write(`netpane: a check took too long; the screen: ${JSON.stringify(output)}\n`);
  process.exit(1);
}, 4 * MAX_MS);

const server = createServer((socket) => socket.resume()).listen(8081, '127.0.0.1');
await once(server, 'listening');
const client = connect(8081, '127.0.0.1');
await once(client, 'connect');
await new Promise((resolve) => client.write(Buffer.alloc(1000), resolve));

/** Runs a command of netpane that prints JSON, and returns what it printed. */
function printed(...args) {
  const { status, signal, stdout, stderr } = spawnSync(command, [...words, ...args], {
    encoding: 'utf8',
    env,
    timeout: MAX_MS,
  });
  assert.equal(signal ?? status, 0, stderr);
  return JSON.parse(stdout);
}

const { checks } = printed('doctor', '--json');
const found = (name) => checks.find(({ topic }) => topic === name);
assert.ok(found('source')?.text.startsWith(sourceName), found('source')?.text);
for (const name of hasLedger ? ['koffi', 'source', 'close messages', 'ledger', 'confinement'] : [])
  assert.equal(found(name)?.state, 'ok', `${name}: ${found(name)?.text}`);
process.stdout.write(`doctor: the source ${sourceName}${hasLedger ? ', the ledger, the confinement' : ''}\n`);

const sockets = printed('ls', '--json', '--source', source, ':8081');
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
// has no signal. With the ledger also UDP sockets.
const timer = setInterval(() => {
  const short = connect(8081, '127.0.0.1', () => {
    ports.add(short.localPort);
    setTimeout(() => short.destroy(), hasTraffic ? 0 : 3000);
  });
  if (!hasLedger) return;
  const sender = createSocket('udp4');
  sender.send(Buffer.alloc(500), 8082, '127.0.0.1', () => sender.close());
}, 200);
const wanted = new Set(hasLedger ? ['tcp', 'udp'] : ['tcp']);
for await (const line of lines) {
  const { type, socket } = JSON.parse(line);
  if (type !== 'close') continue;
  const isShort = socket.protocol === 'tcp' ? ports.has(socket.local.port) : socket.peers?.[0]?.port === 8082;
  if (!isShort) continue;
  if (hasLedger) {
    const [{ knowledge, pid } = {}] = socket.owners;
    // A socket that is older than the ledger.
    if (knowledge !== 'exact') continue;
    assert.equal(pid, process.pid);
  }
  if (socket.protocol === 'udp') assert.equal(socket.txBytes, 500);
  wanted.delete(socket.protocol);
  if (wanted.size === 0) break;
}
clearInterval(timer);
watch.kill('SIGINT');
assert.equal((await ended)[0], 0);
process.stdout.write(
  `watch: the close of a connection${hasTraffic ? ' between two polls' : ''}${hasLedger ? ', its program, UDP with bytes' : ''}\n`,
);

const screen = spawnInTerminal(command, words, { cols: 160, rows: 30, env });
const texts = ['8081', 'LISTEN', sourceName, ...(hasLedger ? ['live events: opens and closes'] : [])];
const shown = Promise.withResolvers?.() ?? later();
screen.onData((text) => {
  output += text;
  if (texts.every((text) => output.includes(text))) shown.resolve();
});
const code = new Promise((resolve) => screen.onExit(({ exitCode }) => resolve(exitCode)));
await shown.promise;
screen.write('q');
assert.equal(await code, 0);
assert.match(output, /\u001b\[\?1049l/, 'the terminal has its first screen again');
process.stdout.write('screen: rows, the source, the key q, the terminal as before\n');

clearTimeout(guard);
client.destroy();
server.close();

/** Promise.withResolvers, which Node 20 lacks. */
function later() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}
