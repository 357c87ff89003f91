// A process of the UDP measurements of udp.ts. It uses blocking calls of the C library. Each message `{ order, … }` is
// answered when the order is done. The process exits when its parent does.
import { addressOf, AF_INET, bind, call, close, connect, getsockname, send, socket } from './libc.mjs';

const sendto = call('long sendto(int, void *, size_t, int, void *, unsigned int)');
const usleep = call('int usleep(unsigned int)');

const SOCK_DGRAM = 2;
const HOST = '127.0.0.1';

const wallMs = () => performance.timeOrigin + performance.now();
const udpSocket = () => socket(AF_INET, SOCK_DGRAM, 0);

/** Opens a socket without a reader. Its buffer fills up, so that the cost of a reader is not part of that of a packet. */
function open() {
  const fd = udpSocket();
  const address = addressOf(HOST);
  bind(fd, address, address.length);
  getsockname(fd, address, new Uint32Array([address.length]));
  return { port: (address[2] << 8) | address[3] };
}

/** Opens sockets, each at its scheduled time, or at once if it is late: each is bound, sends one datagram and is closed. */
function openShort({ port, length, count, startAtMs, everyMs }) {
  const [local, remote, data] = [addressOf(HOST), addressOf(HOST, port), new Uint8Array(length)];
  for (let i = 0; i < count; i++) {
    const waitMs = startAtMs + i * everyMs - wallMs();
    if (waitMs > 0) usleep(Math.round(waitMs * 1000));
    const fd = udpSocket();
    bind(fd, local, local.length);
    sendto(fd, data, length, 0, remote, remote.length);
    close(fd);
  }
  return { endMs: wallMs() };
}

/**
 * Sends datagrams as fast as possible from one socket, in parts. Returns the CPU time of this process for a datagram of each
 * part, nanoseconds: other work of the machine disturbs some of them.
 */
function transfer({ port, length, parts, count, isConnected }) {
  const [remote, data] = [addressOf(HOST, port), new Uint8Array(length)];
  const fd = udpSocket();
  if (isConnected) connect(fd, remote, remote.length);
  const startMs = performance.now();
  const nanoseconds = [];
  for (let part = 0; part < parts; part++) {
    const before = process.cpuUsage();
    for (let i = 0; i < count; i++) {
      if (isConnected) send(fd, data, length, 0);
      else sendto(fd, data, length, 0, remote, remote.length);
    }
    const { user, system } = process.cpuUsage(before);
    nanoseconds.push((1000 * (user + system)) / count);
  }
  const ms = performance.now() - startMs;
  close(fd);
  return { nanoseconds, ms };
}

const orders = { open, openShort, transfer };

process.on('disconnect', () => process.exit());
process.on('message', ({ order, ...rest }) => {
  try {
    process.send({ ...orders[order](rest) });
  } catch (error) {
    process.send({ error: `${order}: ${error.message}` });
  }
});
