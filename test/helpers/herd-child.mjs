// A process that owns sockets on order, for herd.ts. An order is a line of JSON on stdin, `{ order, …, as }`,
// its answer a line on stdout, `{ as, … }`. It ends when stdin does, so it never outlives who started it.
// Plain JavaScript that plain `node` runs, for the owner of a socket has to be another process than the test.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection, createServer, Server, Socket } from 'node:net';
import { createInterface } from 'node:readline';

const [, self, title, commHex] = process.argv;
// The title replaces the arguments, of which it is one: so there is always room for all of it.
if (title) process.title = title;
// The title has to be text. The kernel takes any bytes.
if (commHex) writeFileSync('/proc/self/comm', Buffer.from(commHex, 'hex'));

const sockets = new Map();
const waiting = new Map();
const helpers = [];
let lastId = 0;

const keep = (socket) => {
  lastId += 1;
  sockets.set(lastId, socket);
  // A herd is brought down in any order: a reset connection is no error here.
  socket.on('error', () => {});
  return lastId;
};
const get = (id) => {
  const socket = sockets.get(id);
  if (!socket) throw new Error(`there is no socket ${id}`);
  return socket;
};
const ready = async (socket, event) => {
  await once(socket, event);
  return socket;
};
const endpoint = ({ address, port }) => ({ address, port });
const tcp = (socket) => ({
  id: keep(socket),
  protocol: socket.remoteFamily === 'IPv6' ? 'tcp6' : 'tcp',
  local: { address: socket.localAddress, port: socket.localPort },
  remote: { address: socket.remoteAddress, port: socket.remotePort },
});
// A dual-stack server sees a client by its v4-mapped address, the client itself by the plain one.
const peer = (address, port) => `${address.replace('::ffff:', '')} ${port}`;
const bound = (protocol, address, id) => ({
  id,
  protocol: address.family === 'IPv6' ? `${protocol}6` : protocol,
  local: endpoint(address),
});

const orders = {
  async listen({ host, port, v6Only }) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      // Reading on is what makes the end of the other side known.
      socket.on('error', () => {}).resume();
      const key = `${socket.localPort} ${peer(socket.remoteAddress, socket.remotePort)}`;
      const meet = waiting.get(key);
      waiting.delete(key);
      if (typeof meet === 'function') meet(socket);
      else waiting.set(key, socket);
    });
    server.listen({ host, port, ipv6Only: v6Only, backlog: 4096 });
    await ready(server, 'listening');
    return { sockets: [bound('tcp', server.address(), keep(server))] };
  },

  /** The server's ends of connections that others have made, each told by the client's address and port. */
  async accept({ id, peers }) {
    const { port } = get(id).address();
    const accepted = peers.map((client) => {
      const key = `${port} ${peer(client.address, client.port)}`;
      const socket = waiting.get(key);
      waiting.delete(key);
      return socket ?? new Promise((resolve) => waiting.set(key, resolve));
    });
    return { sockets: (await Promise.all(accepted)).map(tcp) };
  },

  async connect({ host, port, from, fromPort, count }) {
    const made = [];
    // Not more at a time than a listener's queue holds.
    while (made.length < count) {
      const some = Array.from({ length: Math.min(256, count - made.length) }, () => {
        const socket = createConnection({
          host,
          port,
          localAddress: from,
          localPort: fromPort,
          allowHalfOpen: true,
        });
        return ready(socket.resume(), 'connect');
      });
      made.push(...(await Promise.all(some)));
    }
    return { sockets: made.map(tcp) };
  },

  async udp({ host, port, to }) {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ipv6Only: false });
    socket.bind({ address: host, port, exclusive: true });
    await ready(socket, 'listening');
    if (to) {
      socket.connect(to.port, to.address);
      await ready(socket, 'connect');
    }
    const made = bound('udp', socket.address(), keep(socket));
    return { sockets: [to ? { ...made, remote: endpoint(socket.remoteAddress()) } : made] };
  },

  /** Starts a process that holds a listener too, as the workers of a pre-forking server do. */
  async share({ id, title: name = '' }) {
    const helper = spawn(process.execPath, [self, name], {
      stdio: ['pipe', 'pipe', 'inherit', get(id)._handle.fd],
    });
    helpers.push(helper);
    await once(helper.stdout, 'data');
    return { pid: helper.pid };
  },

  async send({ ids, bytes }) {
    await Promise.all(ids.map((id) => new Promise((resolve) => get(id).write(Buffer.alloc(bytes), resolve))));
  },

  /** By the clock and not by the count of timers, which may come late. */
  async pace({ id, bytesPerSecond }) {
    const socket = get(id);
    const startMs = performance.now();
    const first = socket.bytesWritten;
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startMs) / 1000) * bytesPerSecond);
      const bytes = first + due - socket.bytesWritten;
      if (bytes > 0) socket.write(Buffer.alloc(bytes));
    }, 10);
    socket.on('close', () => clearInterval(timer));
    return {};
  },

  async sent({ id }) {
    const socket = get(id);
    return { bytes: socket.bytesWritten - socket.writableLength };
  },

  async halfClose({ ids }) {
    await Promise.all(ids.map((id) => new Promise((resolve) => get(id).end(resolve))));
  },

  async close({ ids, reset }) {
    const closed = ids.map((id) => {
      const socket = get(id);
      sockets.delete(id);
      // A server lets go of its listener at once, but tells so only when its last connection has ended.
      if (socket instanceof Server) return socket.close();
      const isClosed = once(socket, 'close');
      if (socket instanceof Socket) reset ? socket.resetAndDestroy() : socket.destroySoon();
      else socket.close();
      return isClosed;
    });
    await Promise.all(closed);
  },
};

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const lines = createInterface({ input: process.stdin });
lines.on('line', async (line) => {
  const { order, as, ...rest } = JSON.parse(line);
  try {
    say({ as, ...(await orders[order](rest)) });
  } catch (error) {
    say({ as, error: `${order}: ${error.message}` });
  }
});
lines.on('close', async () => {
  // A connection that is reset leaves no TIME_WAIT: those of one test would be in the way of the next.
  for (const socket of sockets.values()) if (socket instanceof Socket) socket.resetAndDestroy();
  // The helpers first, so that none is left to a parent that never asks for it.
  await Promise.all(
    helpers.map((helper) => {
      helper.stdin.end();
      return helper.exitCode === null ? once(helper, 'exit') : undefined;
    }),
  );
  process.exit();
});
process.stdout.on('error', () => process.exit());
say({ as: 0 });
