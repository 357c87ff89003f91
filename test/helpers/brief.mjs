// Programs for tests of what happens between two looks: connections that are over in a fraction of a millisecond,
// which Node's own sockets never are. So these call the C library, through koffi, one call after the other.
//
//   node brief.mjs WHAT JSON
//
// Each prints one line of JSON when it is ready or done. What goes on until then ends when stdin does, so it never
// outlives who started it. Plain JavaScript that plain `node` runs: who owns a socket has to be a program of its own.
import { readSync, writeSync } from 'node:fs';
import koffi from 'koffi';

const [, , what = '', json = '{}'] = process.argv;
const options = JSON.parse(json);
// Later versions of Node name their process otherwise.
if (options.name) process.title = options.name;

const library = koffi.load(null);
const call = (prototype) => {
  const func = library.func(prototype);
  return (...args) => {
    const result = func(...args);
    if (result >= 0) return result;
    const number = koffi.errno();
    const [name = `error ${number}`] =
      Object.entries(koffi.os.errno).find(([, value]) => value === number) ?? [];
    throw Object.assign(new Error(`${prototype}: ${name}`), { code: name });
  };
};
const c = {
  socket: call('int socket(int, int, int)'),
  bind: call('int bind(int, void *, unsigned int)'),
  listen: call('int listen(int, int)'),
  connect: call('int connect(int, void *, unsigned int)'),
  accept: call('int accept(int, void *, void *)'),
  send: call('long send(int, void *, size_t, int)'),
  sendto: call('long sendto(int, void *, size_t, int, void *, unsigned int)'),
  recv: call('long recv(int, void *, size_t, int)'),
  poll: call('int poll(void *, unsigned long, int)'),
  getsockname: call('int getsockname(int, void *, void *)'),
  setsockopt: call('int setsockopt(int, int, int, void *, unsigned int)'),
  ioctl: call('int ioctl(int, unsigned long, void *)'),
  close: call('int close(int)'),
};
const [AF_INET, AF_INET6, STREAM, DATAGRAM] = [2, 10, 1, 2];
const [SOL_SOCKET, SO_REUSEADDR, SO_LINGER, POLLIN] = [1, 2, 13, 1];

/** struct sockaddr_in or sockaddr_in6: of IPv6 loopback or any. */
function address(host, port) {
  const isV6 = host.includes(':');
  const bytes = Buffer.alloc(isV6 ? 28 : 16);
  new Uint16Array(bytes.buffer, bytes.byteOffset, 1)[0] = isV6 ? AF_INET6 : AF_INET;
  bytes.writeUInt16BE(port, 2);
  if (!isV6) bytes.set(host.split('.').map(Number), 4);
  else if (host === '::1') bytes[23] = 1;
  else if (host !== '::') throw new Error(`${host}: of IPv6 only ::1 and ::`);
  return bytes;
}

function portOf(fd) {
  const name = Buffer.alloc(28);
  c.getsockname(fd, name, new Uint32Array([name.length]));
  return name.readUInt16BE(2);
}

function open(kind, host, port) {
  const fd = c.socket(host.includes(':') ? AF_INET6 : AF_INET, kind, 0);
  if (port === undefined) return fd;
  c.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, new Int32Array([1]), 4);
  const name = address(host, port);
  c.bind(fd, name, name.length);
  return fd;
}

function connect(fd, host, port) {
  const name = address(host, port);
  c.connect(fd, name, name.length);
}

const buffer = Buffer.alloc(64);
/** Receives so many bytes, or up to the end. */
function receive(fd, bytes) {
  for (let length = 0; length < bytes;) {
    const got = c.recv(fd, buffer.subarray(length), bytes - length, 0);
    if (got === 0) break;
    length += got;
  }
}

/** Closes with a reset, which leaves nothing. */
function reset(fd) {
  c.setsockopt(fd, SOL_SOCKET, SO_LINGER, new Int32Array([1, 0]), 8);
  c.close(fd);
}

const say = (answer) => writeSync(1, `${JSON.stringify(answer)}\n`);

/** What is sent one way and the other. How it ends is the first letter of the first. */
const QUESTION = 5;
const ANSWER = Buffer.from('yes');
/** A port that nobody listens on; what is sent there is of no interest. */
const DISCARD = 9;

/** Answers one connection. */
function serve(listener) {
  const fd = c.accept(listener, null, null);
  try {
    receive(fd, QUESTION);
    const ending = String.fromCharCode(buffer[0]);
    c.send(fd, ANSWER, ANSWER.length, 0);
    // `s`: the server ends it; otherwise the client does.
    if (ending !== 's') receive(fd, 1);
  } catch (error) {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error;
  }
  c.close(fd);
}

/** Makes a connection, asks and is answered. @returns its descriptor */
function ask({ host, port }, ending) {
  const fd = open(STREAM, host);
  connect(fd, host, port);
  const question = Buffer.from(ending.padEnd(QUESTION, '.'));
  c.send(fd, question, QUESTION, 0);
  receive(fd, ANSWER.length);
  return fd;
}

/** Makes one connection and ends it. @returns its port */
function visit(server, ending) {
  const fd = ask(server, ending);
  const own = portOf(fd);
  if (ending === 's') receive(fd, 1);
  if (ending === 'r') reset(fd);
  else c.close(fd);
  return own;
}

/** Takes what stdin says, a line at a time, as descriptors become ready; ends when stdin does. */
function attend(listeners, onLine) {
  let text = '';
  for (;;) {
    const fds = [0, ...listeners];
    // struct pollfd: the descriptor, what is asked, what is answered.
    const set = new Int32Array(fds.flatMap((fd) => [fd, 0]));
    const halves = new Int16Array(set.buffer);
    fds.forEach((_, i) => (halves[i * 4 + 2] = POLLIN));
    try {
      c.poll(set, fds.length, -1);
    } catch (error) {
      if (error.code === 'EINTR') continue;
      throw error;
    }
    listeners.forEach((fd, i) => halves[(i + 1) * 4 + 3] !== 0 && serve(fd));
    if (halves[3] === 0) continue;
    const input = Buffer.alloc(4096);
    const length = readSync(0, input);
    if (length === 0) return;
    text += input.subarray(0, length).toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    lines.forEach(onLine);
  }
}

const programs = {
  /** Keeps a network namespace, whose loopback interface it switches on. */
  hold() {
    // struct ifreq; IFF_UP and IFF_RUNNING, and the request SIOCSIFFLAGS.
    const request = Buffer.alloc(40);
    request.write('lo');
    new Uint16Array(request.buffer, request.byteOffset + 16, 1)[0] = 0x41;
    const fd = open(DATAGRAM, '127.0.0.1');
    c.ioctl(fd, 0x8914, request);
    c.close(fd);
    say({});
    attend([], () => {});
  },

  /**
   * Serves connections on ports of its own, one for each of `hosts`. `mark` binds a UDP socket that stays and sends
   * nothing, which only a look finds; `listen` has a listener for a moment; `refuse` a port that nobody listens on.
   */
  serve({ hosts = ['127.0.0.1'] }) {
    const listeners = hosts.map((host) => {
      const fd = open(STREAM, host, 0);
      c.listen(fd, 4096);
      return fd;
    });
    const orders = {
      mark: () => portOf(open(DATAGRAM, hosts[0], 0)),
      refuse: () => portOf(open(STREAM, hosts[0], 0)),
      listen: () => {
        const fd = open(STREAM, hosts[0], 0);
        c.listen(fd, 1);
        const port = portOf(fd);
        c.close(fd);
        return port;
      },
    };
    say({ ports: listeners.map(portOf) });
    attend(listeners, (order) => say({ ports: [orders[order]()] }));
  },

  /**
   * Makes `count` connections to `port`, one after the other, the letters of `endings` in turn saying how each ends: by
   * the client, by the server, or with a reset by the client (c, s, r). After each it sends `noise` datagrams from one
   * socket, which the kernel's trace is full of soon. At last it says its ports, and ends at once.
   */
  visit({ host = '127.0.0.1', port, count = 1, endings = 'c', noise = 0 }) {
    const crier = noise > 0 ? open(DATAGRAM, host) : -1;
    const nobody = address(host, DISCARD);
    const ports = Array.from({ length: count }, (_, i) => {
      const own = visit({ host, port }, endings[i % endings.length]);
      for (let n = 0; n < noise; n++) c.sendto(crier, ANSWER, ANSWER.length, 0, nobody, nobody.length);
      return own;
    });
    say({ ports });
  },

  /** Makes a connection that stays until stdin ends. */
  stay({ host = '127.0.0.1', port }) {
    const fd = ask({ host, port }, 'c');
    say({ ports: [portOf(fd)] });
    attend([], () => {});
    c.close(fd);
  },

  /** Tries to connect, in vain. */
  knock({ host = '127.0.0.1', port }) {
    try {
      connect(open(STREAM, host), host, port);
    } catch (error) {
      say({ ports: [], error: error.code });
    }
  },

  /** Sends a datagram, from a port that the kernel chooses, and is gone. */
  drop({ host = '127.0.0.1', count = 1 }) {
    const to = address(host, DISCARD);
    const ports = Array.from({ length: count }, () => {
      const fd = open(DATAGRAM, host);
      c.sendto(fd, ANSWER, ANSWER.length, 0, to, to.length);
      const own = portOf(fd);
      c.close(fd);
      return own;
    });
    say({ ports });
  },
};

programs[what](options);
// What Node does beyond this takes longer than all of the above.
process.exit();
