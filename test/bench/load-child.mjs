// A server or a client of the load of load.ts. It uses blocking calls of the C library: connections by Node's own sockets
// live longer than a millisecond. Each message `{ order, … }` is answered when the order is done. The process exits when
// its parent does.
import { spawn } from 'node:child_process';
import {
  accept,
  addressOf,
  AF_INET,
  bind,
  call,
  close,
  connect,
  getsockname,
  listen,
  recv,
  send,
  setsockopt,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
} from './libc.mjs';

const usleep = call('int usleep(unsigned int)');

const SO_REUSEADDR = 2;
const MSG_WAITALL = 0x100;
const MSG_NOSIGNAL = 0x4000;

const portOf = (address) => (address[2] << 8) | address[3];
const hostOf = (address) => address.subarray(4, 8).join('.');

const wallMs = () => performance.timeOrigin + performance.now();

/** Length of a request: the client's pid in three bytes, 0 if it is the last request, and a line feed. */
const REQUEST_LENGTH = 5;
const RESPONSE = new Uint8Array([111, 107, 10]);

let listener;

function open({ port }) {
  listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, new Int32Array([1]), 4);
  const address = addressOf('0.0.0.0', port);
  bind(listener, address, address.length);
  listen(listener, 4096);
}

/** Serves connections one after another, up to the last request. @returns each as an array of its properties */
function serve() {
  const connections = [];
  const [remote, local, length] = [new Uint8Array(16), new Uint8Array(16), new Uint32Array(1)];
  const data = new Uint8Array(REQUEST_LENGTH);
  for (;;) {
    length[0] = 16;
    const fd = accept(listener, remote, length);
    const startMs = wallMs();
    length[0] = 16;
    getsockname(fd, local, length);
    const isComplete = recv(fd, data, REQUEST_LENGTH, MSG_WAITALL) === REQUEST_LENGTH;
    const pid = (data[0] << 16) | (data[1] << 8) | data[2];
    const isLast = data[3] === 0;
    if (isComplete) {
      send(fd, RESPONSE, RESPONSE.length, MSG_NOSIGNAL);
      // The client closes first, so the remnant (TIME_WAIT) is on its side.
      recv(fd, data, REQUEST_LENGTH, 0);
      connections.push([startMs, wallMs() - startMs, portOf(remote), hostOf(local), pid]);
    }
    close(fd);
    if (isComplete && isLast) return { connections };
  }
}

/** Returns a request of this process. */
const requestOf = (isLast) =>
  new Uint8Array([process.pid >>> 16, (process.pid >>> 8) & 255, process.pid & 255, isLast ? 0 : 1, 10]);

/** Makes one connection: sends the request, receives the response and closes. */
function connectOnce(address, request) {
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  connect(fd, address, address.length);
  send(fd, request, REQUEST_LENGTH, MSG_NOSIGNAL);
  recv(fd, new Uint8Array(RESPONSE.length), RESPONSE.length, MSG_WAITALL);
  close(fd);
}

/** Returns a server address for each connection: the kernel may choose the same local port again after a second. */
const hostFor = (network, i) => `${network}.${i >> 8}.${i & 255}`;

/** Makes connections in this process, each at its scheduled time, or at once if it is late. */
function connectAll({ network, port, count, startAtMs, everyMs }) {
  const [request, lastRequest] = [requestOf(false), requestOf(true)];
  const lifetimesMs = [];
  for (let i = 0; i < count; i++) {
    const address = addressOf(hostFor(network, i), port);
    const waitMs = startAtMs + i * everyMs - wallMs();
    if (waitMs > 0) usleep(Math.round(waitMs * 1000));
    const startMs = performance.now();
    connectOnce(address, i === count - 1 ? lastRequest : request);
    lifetimesMs.push(performance.now() - startMs);
  }
  return { lifetimesMs, endMs: wallMs() };
}

/** Script of one client process. A bash variable cannot hold a zero byte, so it holds escapes that `printf` writes. */
const CLIENT_SCRIPT = `printf -v request '\\\\%03o\\\\%03o\\\\%03o\\\\%s' $(($$ >> 16)) $(($$ >> 8 & 255)) $(($$ & 255)) "$3"
exec 3<>"/dev/tcp/$1/$2" || exit
printf "$request\\n" >&3
read -rN3 -u3
exec 3>&-`;

/** Makes connections as `connectAll` does, each by a process of its own. */
async function connectFromProcesses({ network, port, count, startAtMs, everyMs }) {
  const exits = [];
  for (let i = 0; i < count; i++) {
    const isLast = i === count - 1;
    if (isLast) await Promise.all(exits);
    const waitMs = startAtMs + i * everyMs - wallMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const args = [hostFor(network, i), String(port), isLast ? '000' : '001'];
    const child = spawn('bash', ['-c', CLIENT_SCRIPT, 'bash', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    exits.push(new Promise((resolve, reject) => child.on('exit', resolve).on('error', reject)));
  }
  await exits.at(-1);
  return { lifetimesMs: [], endMs: wallMs() };
}

const orders = {
  open,
  serve,
  connect: ({ isProcessPerConnection, ...schedule }) =>
    isProcessPerConnection ? connectFromProcesses(schedule) : connectAll(schedule),
};

process.on('disconnect', () => process.exit());
process.on('message', ({ order, ...rest }) => {
  void (async () => {
    try {
      process.send({ ...(await orders[order](rest)) });
    } catch (error) {
      process.send({ error: `${order}: ${error.message}` });
    }
  })();
});
