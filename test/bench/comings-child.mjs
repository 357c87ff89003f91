// Lets listeners and UDP sockets come and go on loopback, for live-soak.ts, until its parent ends it.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** How many are open at most. */
const MOST = 40;
const EVERY_MS = 50;

const open = [];

function come() {
  const server = createServer().listen(0, '127.0.0.1');
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  open.push(server, socket);
  while (open.length > MOST) {
    const [gone] = open.splice(Math.floor(Math.random() * open.length), 1);
    gone.close();
  }
}

setInterval(come, EVERY_MS);
