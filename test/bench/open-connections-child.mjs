// Holds both ends of thousands of TCP connections, for open-connections.ts. It calls the C library: a Node socket takes
// kilobytes, and 100,000 of them take minutes to open. Each message `{ order, … }` is answered when the order is done.
// The process exits when its parent does.
import {
  accept,
  addressOf,
  AF_INET,
  bind,
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

const SO_LINGER = 13;
const IPPROTO_IP = 0;
const IP_BIND_ADDRESS_NO_PORT = 24;

const ONE = new Int32Array([1]);
/** SO_LINGER with a timeout of 0 closes with a reset: no TIME_WAIT is left for the next benchmark size. */
const RESET = new Int32Array([1, 0]);

const data = new Uint8Array(4096);
const connections = [];
let listener;
let serverAddress;
let clientAddress;
let opened = 0;

function open(count) {
  for (let i = 0; i < count; i++) {
    const near = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(near, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, ONE, ONE.byteLength);
    setsockopt(near, SOL_SOCKET, SO_LINGER, RESET, RESET.byteLength);
    bind(near, clientAddress, clientAddress.length);
    connect(near, serverAddress, serverAddress.length);
    const far = accept(listener, null, null);
    setsockopt(far, SOL_SOCKET, SO_LINGER, RESET, RESET.byteLength);
    // A request and a response of varying length: sockets without traffic would have smaller netlink messages.
    opened++;
    send(near, data, 100 + (opened % 400), 0);
    recv(far, data, data.length, 0);
    send(far, data, 500 + (opened % 1500), 0);
    recv(near, data, data.length, 0);
    connections.push([near, far]);
  }
}

const orders = {
  start({ host, from }) {
    listener = socket(AF_INET, SOCK_STREAM, 0);
    const address = addressOf(host);
    bind(listener, address, address.length);
    listen(listener, 4096);
    serverAddress = new Uint8Array(16);
    getsockname(listener, serverAddress, new Uint32Array([16]));
    clientAddress = addressOf(from);
  },
  open: ({ count }) => open(count),
  /** Closes the oldest connections and opens new ones. */
  replace({ closes, opens }) {
    for (const [near, far] of connections.splice(0, closes)) {
      close(near);
      close(far);
    }
    open(opens);
  },
};

process.on('disconnect', () => process.exit());
process.on('message', ({ order, ...rest }) => {
  try {
    orders[order](rest);
    process.send({});
  } catch (error) {
    process.send({ error: `${order}: ${error.message}` });
  }
});
