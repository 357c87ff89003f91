// A process that opens and closes sockets on order, for herd.ts. An order is a line of JSON on stdin, `{ order, …, requestId }`;
// its answer is a line on stdout, `{ requestId, … }`. It exits at the end of stdin, so it never outlives the test.
// Plain JavaScript for plain `node`: the owner of a socket has to be another process than the test.
const { spawn } = require('node:child_process');
const { createSocket } = require('node:dgram');
const { once } = require('node:events');
const { writeFileSync } = require('node:fs');
const { createConnection, createServer, Server, Socket } = require('node:net');
const { createInterface } = require('node:readline');

const [, self, title, commHex] = process.argv;
// The title overwrites the arguments in place. It is one of them, so it always fits.
if (title) process.title = title;
// `process.title` has to be text; the kernel accepts any bytes as a comm.
if (commHex) writeFileSync('/proc/self/comm', Buffer.from(commHex, 'hex'));

const sockets = new Map();
/** Accepted sockets that no order has asked for yet, and the callbacks of orders that wait for a socket. */
const accepted = new Map();
const helpers = [];
let lastId = 0;

const register = (socket) => {
  lastId += 1;
  sockets.set(lastId, socket);
  // The processes of a test exit in any order: a reset connection is no error here.
  socket.on('error', () => {});
  return lastId;
};
const find = (id) => {
  const socket = sockets.get(id);
  if (!socket) throw new Error(`no socket ${id}`);
  return socket;
};
const ready = async (socket, event) => {
  await once(socket, event);
  return socket;
};
const endpoint = ({ address, port }) => ({ address, port });
const tcp = (socket) => ({
  id: register(socket),
  protocol: socket.remoteFamily === 'IPv6' ? 'tcp6' : 'tcp',
  local: { address: socket.localAddress, port: socket.localPort },
  remote: { address: socket.remoteAddress, port: socket.remotePort },
});
// A dual-stack server has the v4-mapped address of a client, the client the plain one.
const clientKey = (address, port) => `${address.replace('::ffff:', '')} ${port}`;
const bound = (protocol, address, id) => ({
  id,
  protocol: address.family === 'IPv6' ? `${protocol}6` : protocol,
  local: endpoint(address),
});

const orders = {
  async listen({ host, port, v6Only }) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      // Node notices that the peer has closed only while it reads.
      socket.on('error', () => {}).resume();
      const key = `${socket.localPort} ${clientKey(socket.remoteAddress, socket.remotePort)}`;
      const deliver = accepted.get(key);
      accepted.delete(key);
      if (typeof deliver === 'function') deliver(socket);
      else accepted.set(key, socket);
    });
    server.listen({ host, port, ipv6Only: v6Only, backlog: 4096 });
    await ready(server, 'listening');
    return { sockets: [bound('tcp', server.address(), register(server))] };
  },

  /** Returns the server's sockets of connections, by the addresses and ports of the clients. */
  async accept({ id, peers }) {
    const { port } = find(id).address();
    const promises = peers.map((client) => {
      const key = `${port} ${clientKey(client.address, client.port)}`;
      const socket = accepted.get(key);
      accepted.delete(key);
      return socket ?? new Promise((resolve) => accepted.set(key, resolve));
    });
    return { sockets: (await Promise.all(promises)).map(tcp) };
  },

  async connect({ host, port, from, fromPort, count }) {
    const connections = [];
    // At most 256 at a time, which fit in the queue of a listener.
    while (connections.length < count) {
      const batch = Array.from({ length: Math.min(256, count - connections.length) }, () => {
        const socket = createConnection({
          host,
          port,
          localAddress: from,
          localPort: fromPort,
          allowHalfOpen: true,
        });
        return ready(socket.resume(), 'connect');
      });
      connections.push(...(await Promise.all(batch)));
    }
    return { sockets: connections.map(tcp) };
  },

  async udp({ host, port, to }) {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ipv6Only: false });
    socket.bind({ address: host, port, exclusive: true });
    await ready(socket, 'listening');
    if (to) {
      socket.connect(to.port, to.address);
      await ready(socket, 'connect');
    }
    const opened = bound('udp', socket.address(), register(socket));
    return { sockets: [to ? { ...opened, remote: endpoint(socket.remoteAddress()) } : opened] };
  },

  /** Starts a process that inherits a listener, like a worker of a pre-forking server. */
  async share({ id, title: name = '' }) {
    const helper = spawn(process.execPath, [self, name], {
      stdio: ['pipe', 'pipe', 'inherit', find(id)._handle.fd],
    });
    helpers.push(helper);
    await once(helper.stdout, 'data');
    return { pid: helper.pid };
  },

  async send({ ids, bytes }) {
    await Promise.all(
      ids.map((id) => new Promise((resolve) => find(id).write(Buffer.alloc(bytes), resolve))),
    );
  },

  /** Sends datagrams of zeros from a UDP socket, to an address if it is not connected. */
  async datagrams({ id, to, count, bytes }) {
    const socket = find(id);
    const target = to ? [to.port, to.address] : [];
    for (let i = 0; i < count; i++)
      await new Promise((resolve) => socket.send(Buffer.alloc(bytes), ...target, resolve));
  },

  /** Sends zeros at a constant rate, by the clock: timers may be late. */
  async pace({ id, bytesPerSecond }) {
    const socket = find(id);
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
    const socket = find(id);
    return { bytes: socket.bytesWritten - socket.writableLength };
  },

  async halfClose({ ids }) {
    await Promise.all(ids.map((id) => new Promise((resolve) => find(id).end(resolve))));
  },

  async close({ ids, reset }) {
    const closed = ids.map((id) => {
      const socket = find(id);
      sockets.delete(id);
      // A server closes its listener at once, but emits `close` only when its last connection has ended.
      if (socket instanceof Server) return socket.close();
      const isClosed = once(socket, 'close');
      if (socket instanceof Socket) reset ? socket.resetAndDestroy() : socket.destroySoon();
      else socket.close();
      return isClosed;
    });
    await Promise.all(closed);
  },
};

const reply = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const lines = createInterface({ input: process.stdin });
lines.on('line', async (line) => {
  const { order, requestId, ...rest } = JSON.parse(line);
  try {
    reply({ requestId, ...(await orders[order](rest)) });
  } catch (error) {
    reply({ requestId, error: `${order}: ${error.message}` });
  }
});
lines.on('close', async () => {
  // A reset connection leaves no TIME_WAIT, which would disturb the next test.
  for (const socket of sockets.values()) if (socket instanceof Socket) socket.resetAndDestroy();
  // The helpers exit first, so that none becomes a zombie of a parent that does not wait for it.
  await Promise.all(
    helpers.map((helper) => {
      helper.stdin.end();
      return helper.exitCode === null ? once(helper, 'exit') : undefined;
    }),
  );
  process.exit();
});
process.stdout.on('error', () => process.exit());
reply({ requestId: 0 });
