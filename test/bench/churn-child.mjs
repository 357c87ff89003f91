// Opens and closes listeners and UDP sockets on loopback, for churn.ts, until its parent kills it.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Maximum number of open sockets. */
const MAX_OPEN = 40;
const INTERVAL_MS = 50;

const sockets = [];

function openTwo() {
  const server = createServer().listen(0, '127.0.0.1');
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  sockets.push(server, socket);
  while (sockets.length > MAX_OPEN) {
    const [removed] = sockets.splice(Math.floor(Math.random() * sockets.length), 1);
    removed.close();
  }
}

setInterval(openTwo, INTERVAL_MS);
