// Holds both ends of thousands of TCP connections, for scene.ts. They are made by calls of the C library, for each
// socket of Node's takes kilobytes, and 100,000 of them minutes. An order comes as a message `{ order, … }`, and is
// answered when it is done; the process ends when whoever started it is gone.
import koffi from 'koffi';

const library = koffi.load(null);
const call = (prototype) => {
  const run = library.func(prototype);
  return (...args) => {
    const result = run(...args);
    if (result < 0) throw new Error(`${prototype}: error ${koffi.errno()}`);
    return result;
  };
};
const socket = call('int socket(int, int, int)');
const setsockopt = call('int setsockopt(int, int, int, void *, unsigned int)');
const bind = call('int bind(int, void *, unsigned int)');
const listen = call('int listen(int, int)');
const getsockname = call('int getsockname(int, void *, void *)');
const connect = call('int connect(int, void *, unsigned int)');
const accept = call('int accept(int, void *, void *)');
const send = call('long send(int, void *, size_t, int)');
const recv = call('long recv(int, void *, size_t, int)');
const close = call('int close(int)');

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const IPPROTO_IP = 0;
const IP_BIND_ADDRESS_NO_PORT = 24;

const ONE = new Int32Array([1]);
/** Closed at once by a reset: a TIME_WAIT would be in the next scene. */
const RESET = new Int32Array([1, 0]);

/** struct sockaddr_in: the family in the machine's byte order, the rest in the network's. */
function addressOf(host, port = 0) {
  const bytes = new Uint8Array(16);
  new Uint16Array(bytes.buffer)[0] = AF_INET;
  bytes.set([port >>> 8, port & 255, ...host.split('.').map(Number)], 2);
  return bytes;
}

const data = new Uint8Array(4096);
const held = [];
let listener;
let called;
let caller;
let made = 0;

function open(count) {
  for (let i = 0; i < count; i++) {
    const near = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(near, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, ONE, ONE.byteLength);
    setsockopt(near, SOL_SOCKET, SO_LINGER, RESET, RESET.byteLength);
    bind(near, caller, caller.length);
    connect(near, called, called.length);
    const far = accept(listener, null, null);
    setsockopt(far, SOL_SOCKET, SO_LINGER, RESET, RESET.byteLength);
    // A question and an answer of changing length: connections that never carried anything would be too light.
    made++;
    send(near, data, 100 + (made % 400), 0);
    recv(far, data, data.length, 0);
    send(far, data, 500 + (made % 1500), 0);
    recv(near, data, data.length, 0);
    held.push([near, far]);
  }
}

const orders = {
  start({ host, from }) {
    listener = socket(AF_INET, SOCK_STREAM, 0);
    const address = addressOf(host);
    bind(listener, address, address.length);
    listen(listener, 4096);
    called = new Uint8Array(16);
    getsockname(listener, called, new Uint32Array([16]));
    caller = addressOf(from);
  },
  open: ({ count }) => open(count),
  /** Closes the oldest and opens others. */
  replace({ closes, opens }) {
    for (const [near, far] of held.splice(0, closes)) {
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
