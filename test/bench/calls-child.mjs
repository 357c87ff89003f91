// One side of the load of calls.ts: answers connections, or makes them. By calls of the C library, each of which waits
// for its end: Node's own sockets take too long for connections that are to be over in less than a millisecond. An order
// comes as a message `{ order, … }` and is answered when it is done; the process ends when whoever started it is gone.
import { spawn } from 'node:child_process';
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
const usleep = call('int usleep(unsigned int)');

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const MSG_WAITALL = 0x100;
const MSG_NOSIGNAL = 0x4000;

/** struct sockaddr_in: the family in the machine's byte order, the rest in the network's. */
function addressOf(host, port) {
  const bytes = new Uint8Array(16);
  new Uint16Array(bytes.buffer)[0] = AF_INET;
  bytes.set([port >>> 8, port & 255, ...host.split('.').map(Number)], 2);
  return bytes;
}
const portOf = (address) => (address[2] << 8) | address[3];
const hostOf = (address) => address.subarray(4, 8).join('.');

const wallMs = () => performance.timeOrigin + performance.now();

/** A question is the maker's pid in three bytes, then 0 if it is the last one, and one more. */
const QUESTION = 5;
const ANSWER = new Uint8Array([111, 107, 10]);

let listener;

function open({ port }) {
  listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, new Int32Array([1]), 4);
  const address = addressOf('0.0.0.0', port);
  bind(listener, address, address.length);
  listen(listener, 4096);
}

/** Answers connections, one after another, until it is told to end. Gives what it knows of each. */
function serve() {
  const calls = [];
  const [caller, called, length] = [new Uint8Array(16), new Uint8Array(16), new Uint32Array(1)];
  const data = new Uint8Array(QUESTION);
  for (;;) {
    length[0] = 16;
    const near = accept(listener, caller, length);
    const startMs = wallMs();
    length[0] = 16;
    getsockname(near, called, length);
    const isAsked = recv(near, data, QUESTION, MSG_WAITALL) === QUESTION;
    const pid = (data[0] << 16) | (data[1] << 8) | data[2];
    const isLast = data[3] === 0;
    if (isAsked) {
      send(near, ANSWER, ANSWER.length, MSG_NOSIGNAL);
      // The caller closes first: what remains of the connection is on its side.
      recv(near, data, QUESTION, 0);
      calls.push([startMs, wallMs() - startMs, portOf(caller), hostOf(called), pid]);
    }
    close(near);
    if (isAsked && isLast) return { calls };
  }
}

/** What this process asks. */
const questionOf = (isLast) =>
  new Uint8Array([process.pid >>> 16, (process.pid >>> 8) & 255, process.pid & 255, isLast ? 0 : 1, 10]);

function ask(address, question) {
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  connect(fd, address, address.length);
  send(fd, question, QUESTION, MSG_NOSIGNAL);
  recv(fd, new Uint8Array(ANSWER.length), ANSWER.length, MSG_WAITALL);
  close(fd);
}

/** Each has an address of its own to go to, for the kernel may choose a local port again after a second. */
const hostFor = (network, i) => `${network}.${i >> 8}.${i & 255}`;

/** Makes connections itself, each at its time, or as soon as it can when it is late. */
function callAll({ network, port, count, startAtMs, everyMs }) {
  const [question, lastQuestion] = [questionOf(false), questionOf(true)];
  const lifetimesMs = [];
  for (let i = 0; i < count; i++) {
    const address = addressOf(hostFor(network, i), port);
    const waitMs = startAtMs + i * everyMs - wallMs();
    if (waitMs > 0) usleep(Math.round(waitMs * 1000));
    const startMs = performance.now();
    ask(address, i === count - 1 ? lastQuestion : question);
    lifetimesMs.push(performance.now() - startMs);
  }
  return { lifetimesMs, endMs: wallMs() };
}

/** The same by a process for each. bash has no zero bytes in a text, but `printf` writes them. */
const BRIEF = `printf -v question '\\\\%03o\\\\%03o\\\\%03o\\\\%s' $(($$ >> 16)) $(($$ >> 8 & 255)) $(($$ & 255)) "$3"
exec 3<>"/dev/tcp/$1/$2" || exit
printf "$question\\n" >&3
read -rN3 -u3
exec 3>&-`;

async function callBriefly({ network, port, count, startAtMs, everyMs }) {
  const ends = [];
  for (let i = 0; i < count; i++) {
    const isLast = i === count - 1;
    if (isLast) await Promise.all(ends);
    const waitMs = startAtMs + i * everyMs - wallMs();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const args = [hostFor(network, i), String(port), isLast ? '000' : '001'];
    const child = spawn('bash', ['-c', BRIEF, 'bash', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    ends.push(new Promise((resolve, reject) => child.on('exit', resolve).on('error', reject)));
  }
  await ends.at(-1);
  return { lifetimesMs: [], endMs: wallMs() };
}

const orders = {
  open,
  serve,
  call: ({ briefly, ...how }) => (briefly ? callBriefly(how) : callAll(how)),
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
