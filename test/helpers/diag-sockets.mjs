// Opens sockets with system calls, for diag-scene.mjs: Node has no API for most of them.
import koffi from 'koffi';

const library = koffi.load(null);
const calls = {
  socket: library.func('int socket(int, int, int)'),
  socketpair: library.func('int socketpair(int, int, int, void *)'),
  bind: library.func('int bind(int, void *, uint32_t)'),
  listen: library.func('int listen(int, int)'),
  connect: library.func('int connect(int, void *, uint32_t)'),
  accept: library.func('int accept4(int, void *, void *, int)'),
  send: library.func('long send(int, void *, size_t, int)'),
  recv: library.func('long recv(int, void *, size_t, int)'),
  shutdown: library.func('int shutdown(int, int)'),
  setsockopt: library.func('int setsockopt(int, int, int, void *, uint32_t)'),
  getsockname: library.func('int getsockname(int, void *, void *)'),
  ioctl: library.func('int ioctl(int, unsigned long, void *)'),
  close: library.func('int close(int)'),
  setrlimit: library.func('int setrlimit(int, void *)'),
  indexOf: library.func('unsigned int if_nametoindex(const char *)'),
};
const numberOf = koffi.os.errno;
/** Calls the C library. Throws on an error. */
export const call = (name, ...args) => callAllowing([], name, ...args);
/** Calls the C library. Returns undefined for an error in `allowed`, throws on others. */
export const callAllowing = (allowed, name, ...args) => {
  const result = calls[name](...args);
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (allowed.some((it) => numberOf[it] === errno)) return undefined;
  throw new Error(`${name}: ${Object.entries(numberOf).find(([, it]) => it === errno)?.[0] ?? errno}`);
};

export const [UNIX, INET, INET6, PACKET] = [1, 2, 10, 17];
export const [STREAM, DGRAM, RAW, SEQPACKET] = [1, 2, 3, 5];
export const [CLOEXEC, NONBLOCK] = [0o2000000, 0o4000];
const DONTWAIT = 0x40;
export const SHUT_WR = 1;
export const SOL = { socket: 1, tcp: 6, ipv6: 41 };
export const SO = { sndbuf: 7, rcvbuf: 8, keepalive: 9, device: 25, filter: 26, mark: 36, maxPacing: 47 };
export const TCP = { maxseg: 2, deferAccept: 9, congestion: 13 };
const V6ONLY = 26;

export const textBuffer = (text) => Buffer.from(`${text}\0`);
export const int = (value) => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
};
export const option = (fd, level, name, value) => call('setsockopt', fd, level, name, value, value.length);

/** Returns a struct sockaddr_in or sockaddr_in6. */
export function address(host, port = 0) {
  const [bare, scope] = host.split('%');
  if (!host.includes(':')) {
    const buffer = Buffer.alloc(16);
    buffer.writeUInt16LE(INET, 0);
    buffer.writeUInt16BE(port, 2);
    buffer.set(host.split('.').map(Number), 4);
    return buffer;
  }
  const buffer = Buffer.alloc(28);
  buffer.writeUInt16LE(INET6, 0);
  buffer.writeUInt16BE(port, 2);
  const [head = '', tail = ''] = bare.split('::').map((part) => part.split(':').filter(Boolean));
  const groups = [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  groups.forEach((group, i) => buffer.writeUInt16BE(parseInt(group, 16), 8 + 2 * i));
  if (scope) buffer.writeUInt32LE(call('indexOf', scope), 24);
  return buffer;
}

/** `count`: number of IP and packet sockets that stay, also those that no process holds. */
export const opened = { count: 0 };
export const socket = (family, type, protocol = 0, flags = CLOEXEC) => {
  opened.count += 1;
  return call('socket', family, type | flags, protocol);
};
export const familyOf = (host) => (host.includes(':') ? INET6 : INET);

export function portOf(fd) {
  const name = Buffer.alloc(28);
  const length = int(28);
  call('getsockname', fd, name, length);
  return name.readUInt16BE(2);
}

export function bound(
  host,
  { type = STREAM, protocol = 0, v6Only, device, port = 0, flags = CLOEXEC, rcvbuf } = {},
) {
  const fd = socket(familyOf(host), type, protocol, flags);
  if (v6Only !== undefined) option(fd, SOL.ipv6, V6ONLY, int(v6Only));
  if (device) option(fd, SOL.socket, SO.device, textBuffer(device));
  if (rcvbuf) option(fd, SOL.socket, SO.rcvbuf, int(rcvbuf));
  const name = address(host, port);
  call('bind', fd, name, name.length);
  return fd;
}

export function listener(host, { backlog = 4096, ...how } = {}) {
  const fd = bound(host, how);
  call('listen', fd, backlog);
  return { fd, host, port: portOf(fd) };
}

/** Opens a connection and returns both sockets. `prepare` gets the connecting socket before it connects. */
export function pair(to, { host = to.host, from, prepare, accepted = true } = {}) {
  const near = socket(familyOf(host), STREAM);
  prepare?.(near);
  if (from) call('bind', near, address(from), address(from).length);
  const name = address(host, to.port);
  call('connect', near, name, name.length);
  opened.count += 1;
  return { near, far: accepted ? call('accept', to.fd, null, null, CLOEXEC) : undefined };
}
export const pairs = (number, to, how) => Array.from({ length: number }, () => pair(to, how));

const zeros = Buffer.alloc(1 << 20);
export const send = (fd, bytes) => call('send', fd, zeros, bytes, 0);
/** Sends until the buffers are full. */
export const fill = (fd) => {
  while (callAllowing(['EAGAIN'], 'send', fd, zeros, 1 << 16, DONTWAIT) !== undefined);
};
const receive = (fd, bytes) => {
  for (let got = 0; got < bytes;) got += call('recv', fd, zeros, bytes - got, 0);
};
export const exchange = ({ near, far }, up, down) => {
  send(near, up);
  receive(far, up);
  if (down === 0) return;
  send(far, down);
  receive(near, down);
};

/** Drops all incoming packets: attaches a filter of one instruction. */
export function dropIncoming(fd) {
  const instruction = Buffer.from([0x06, 0, 0, 0, 0, 0, 0, 0]);
  const program = Buffer.alloc(16);
  program.writeUInt16LE(1, 0);
  program.writeBigUInt64LE(BigInt(koffi.address(instruction)), 8);
  option(fd, SOL.socket, SO.filter, program);
}

/** Brings an interface up. struct ifreq: name, then flags. */
export function bringUp(name) {
  const request = Buffer.alloc(40);
  request.write(name);
  request.writeUInt16LE(1, 16);
  const fd = call('socket', INET, DGRAM | CLOEXEC, 0);
  call('ioctl', fd, 0x8914, request);
  call('close', fd);
}
