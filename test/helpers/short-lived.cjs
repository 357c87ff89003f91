// Programs for tests of changes between two polls: their connections live a fraction of a millisecond. Connections of
// Node's own sockets live longer, so these programs call the C library through koffi.
//
//   node short-lived.cjs PROGRAM JSON
//
// Each program prints one line of JSON when it is ready or done. One that keeps running exits at the end of stdin, so it
// never outlives the test. Plain JavaScript for plain `node`: the owner of a socket has to be another process.
const { readSync, writeSync } = require('node:fs');
const koffi = require('koffi');

const [, , program = '', json = '{}'] = process.argv;
const options = JSON.parse(json);
// Later versions of Node set another process name by themselves.
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
  close: call('int close(int)'),
};
const [AF_INET, AF_INET6, STREAM, DATAGRAM, RAW] = [2, 10, 1, 2, 3];
const [ICMP, TCP, UDP, UDPLITE] = [1, 6, 17, 136];
const [SOL_SOCKET, SO_REUSEADDR, SO_LINGER, POLLIN] = [1, 2, 13, 1];

/** Returns a struct sockaddr_in or sockaddr_in6; of IPv6 only `::1` and `::`. */
function address(host, port) {
  const isV6 = host.includes(':');
  const bytes = Buffer.alloc(isV6 ? 28 : 16);
  new Uint16Array(bytes.buffer, bytes.byteOffset, 1)[0] = isV6 ? AF_INET6 : AF_INET;
  bytes.writeUInt16BE(port, 2);
  if (!isV6) bytes.set(host.split('.').map(Number), 4);
  else if (host === '::1') bytes[23] = 1;
  else if (host !== '::') throw new Error(`${host}: only ::1 and :: are supported of IPv6`);
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
/** Receives `bytes` bytes, or fewer if the connection ends. */
function receive(fd, bytes) {
  for (let length = 0; length < bytes;) {
    const got = c.recv(fd, buffer.subarray(length), bytes - length, 0);
    if (got === 0) break;
    length += got;
  }
}

/** Closes with a reset, which leaves no TIME_WAIT. */
function reset(fd) {
  c.setsockopt(fd, SOL_SOCKET, SO_LINGER, new Int32Array([1, 0]), 8);
  c.close(fd);
}

const reply = (answer) => writeSync(1, `${JSON.stringify(answer)}\n`);

/** Length of a request; its first letter says how the connection ends. */
const REQUEST_LENGTH = 5;
const RESPONSE = Buffer.from('yes');
/** A port without a listener, for datagrams that no test reads. */
const DISCARD = 9;

/** Accepts one connection and responds to it. */
function serve(listener) {
  const fd = c.accept(listener, null, null);
  try {
    receive(fd, REQUEST_LENGTH);
    const ending = String.fromCharCode(buffer[0]);
    c.send(fd, RESPONSE, RESPONSE.length, 0);
    // `s`: the server closes first; otherwise the client.
    if (ending !== 's') receive(fd, 1);
  } catch (error) {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error;
  }
  c.close(fd);
}

/** Connects, sends a request and receives the response. @returns the descriptor */
function request({ host, port }, ending) {
  const fd = open(STREAM, host);
  connect(fd, host, port);
  const message = Buffer.from(ending.padEnd(REQUEST_LENGTH, '.'));
  c.send(fd, message, REQUEST_LENGTH, 0);
  receive(fd, RESPONSE.length);
  return fd;
}

/** Makes one connection and closes it. @returns its local port */
function connectOnce(server, ending) {
  const fd = request(server, ending);
  const own = portOf(fd);
  if (ending === 's') receive(fd, 1);
  if (ending === 'r') reset(fd);
  else c.close(fd);
  return own;
}

/** Serves the listeners and passes on each line of stdin; returns at the end of stdin. */
function serveUntilEnd(listeners, onLine) {
  let text = '';
  for (;;) {
    const fds = [0, ...listeners];
    // struct pollfd: the descriptor (32 bits), the requested events and the returned ones (16 bits each).
    const set = new Int32Array(fds.flatMap((fd) => [fd, 0]));
    const events = new Int16Array(set.buffer);
    fds.forEach((_, i) => (events[i * 4 + 2] = POLLIN));
    try {
      c.poll(set, fds.length, -1);
    } catch (error) {
      if (error.code === 'EINTR') continue;
      throw error;
    }
    listeners.forEach((fd, i) => events[(i + 1) * 4 + 3] !== 0 && serve(fd));
    if (events[3] === 0) continue;
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
  /**
   * Serves connections on one port for each of `hosts`. Orders on stdin: `mark` binds a UDP socket that stays and sends
   * nothing, which only a poll finds; `listen` opens a listener for a moment; `refuse` binds a port without listening.
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
    reply({ ports: listeners.map(portOf) });
    serveUntilEnd(listeners, (order) => reply({ ports: [orders[order]()] }));
  },

  /**
   * Makes `count` connections to `port`, one after the other. The letters of `endings`, in turn, say how each ends: closed
   * by the client (c), by the server (s), or reset by the client (r). After each it sends `noise` datagrams from one
   * socket, to fill the kernel's trace. At the end it prints its local ports and exits at once.
   */
  visit({ host = '127.0.0.1', port, count = 1, endings = 'c', noise = 0 }) {
    const noiseSocket = noise > 0 ? open(DATAGRAM, host) : -1;
    const discard = address(host, DISCARD);
    const ports = Array.from({ length: count }, (_, i) => {
      const own = connectOnce({ host, port }, endings[i % endings.length]);
      for (let n = 0; n < noise; n++)
        c.sendto(noiseSocket, RESPONSE, RESPONSE.length, 0, discard, discard.length);
      return own;
    });
    reply({ ports });
  },

  /** Makes a connection that stays open until stdin ends. */
  stay({ host = '127.0.0.1', port }) {
    const fd = request({ host, port }, 'c');
    reply({ ports: [portOf(fd)] });
    serveUntilEnd([], () => {});
    c.close(fd);
  },

  /** Tries to connect to a port that refuses; prints the error code. */
  knock({ host = '127.0.0.1', port }) {
    try {
      connect(open(STREAM, host), host, port);
    } catch (error) {
      reply({ ports: [], error: error.code });
    }
  },

  /**
   * Sends ICMP echo requests of 100 bytes, without the header of IP, and reads everything that arrives on its socket, which
   * stays open until stdin ends. `kind` is that of the socket: `raw`, or `ping`, which gets the answers only, or one that sends
   * the same bytes to itself: `udplite`, or `raw-tcp` or `raw-udp`, to which they are bad packets of TCP or UDP.
   */
  echo({ host = '127.0.0.1', count = 1, kind }) {
    const protocol = { udplite: UDPLITE, 'raw-tcp': TCP, 'raw-udp': UDP }[kind] ?? ICMP;
    const fd = c.socket(AF_INET, kind.startsWith('raw') ? RAW : DATAGRAM, protocol);
    let to = address(host, 0);
    if (kind === 'udplite') {
      c.bind(fd, to, to.length);
      to = address(host, portOf(fd));
    }
    const echoRequest = Buffer.alloc(100);
    echoRequest[0] = 8;
    // The checksum of a packet of zeros with type 8; the kernel makes that of a ping socket itself.
    echoRequest.writeUInt16BE(0xf7ff, 2);
    for (let i = 0; i < count; i++) c.sendto(fd, echoRequest, echoRequest.length, 0, to, to.length);
    reply({ ports: [] });
    serveUntilEnd([], () => {});
    c.close(fd);
  },

  /** Sends a datagram from a port that the kernel chooses, and closes the socket at once; `count` times. */
  drop({ host = '127.0.0.1', count = 1 }) {
    const to = address(host, DISCARD);
    const ports = Array.from({ length: count }, () => {
      const fd = open(DATAGRAM, host);
      c.sendto(fd, RESPONSE, RESPONSE.length, 0, to, to.length);
      const own = portOf(fd);
      c.close(fd);
      return own;
    });
    reply({ ports });
  },
};

programs[program](options);
// Exits at once: Node's own shutdown takes longer than all of the above.
process.exit();
