// Opens idle sockets of every kind and state that one process can open; for diag-scene.ts. Must run alone in a network
// namespace. Arguments: number of connections, and a folder for the names of Unix sockets. Prints a description as a
// line of JSON, and ends when stdin ends.
import { spawn, spawnSync } from 'node:child_process';
import { fchownSync, readFileSync, writeFileSync } from 'node:fs';
import {
  address,
  bound,
  bringUp,
  call,
  callAllowing,
  CLOEXEC,
  DGRAM,
  dropIncoming,
  exchange,
  familyOf,
  fill,
  INET,
  INET6,
  int,
  listener,
  NONBLOCK,
  opened,
  option,
  PACKET,
  pair,
  pairs,
  portOf,
  RAW,
  send,
  SEQPACKET,
  SHUT_WR,
  SO,
  socket,
  SOL,
  STREAM,
  TCP,
  textBuffer,
  UNIX,
} from './diag-sockets.mjs';

const [, , countText = '', folder = ''] = process.argv;
const count = Number(countText);

const sysctl = (name, value) => {
  try {
    writeFileSync(`/proc/sys/net/ipv4/${name}`, value);
    return true;
  } catch {
    return false;
  }
};

const ip = (words) => spawnSync('ip', words.split(' ')).status === 0;

/** Kinds of sockets that cannot be opened here, each with the reason. */
const skipped = [];
/** Sockets that some versions of ss do not show, by protocol and a port that the kernel does not assign by itself. */
const notInSs = [];

const limit = Buffer.alloc(16);
limit.writeBigUInt64LE(1n << 17n, 0);
limit.writeBigUInt64LE(1n << 17n, 8);
callAllowing(['EPERM'], 'setrlimit', 7, limit);
bringUp('lo');

// Processes that share sockets: spawned children inherit sockets without CLOEXEC.
const shared = [listener('127.0.0.1', { flags: 0 }), listener('::1', { flags: 0 })];
bound('127.0.0.1', { type: DGRAM, flags: 0 });
const children = Array.from({ length: 3 }, () => spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] }));

const v4 = listener('127.0.0.1');
const v6 = listener('::1');
const any = listener('0.0.0.0');
const dual = listener('::', { v6Only: 0 });
listener('::', { v6Only: 1 });
const onDevice = listener('0.0.0.0', { device: 'lo' });
for (let i = 1; i <= 20; i += 1) listener(`127.0.1.${i}`, { backlog: i });
for (const { fd } of [v4, onDevice]) fchownSync(fd, 4242, 4242);
const marked = listener('127.0.2.1');
option(marked.fd, SOL.socket, SO.mark, int(0x1234));

// Idle connections, without traffic, with traffic, with unread data: nearly all of the scene.
const share = 2 * Math.floor(count / 20);
pairs(4 * share, v4, { from: '127.0.0.2' });
for (const [i, ends] of pairs(2 * share, any, { host: '127.0.0.3' }).entries()) {
  exchange(ends, 1 + i * 37, (i % 3) * 4_001);
}
pairs(share / 2, v6);
for (const [i, ends] of pairs(share, dual, { host: '127.0.0.1' }).entries()) exchange(ends, 100 + i, 1);
for (const [i, { near }] of pairs(share / 2, dual, { host: '::1' }).entries()) send(near, 1 + i);
for (const [i, { near, far }] of pairs(share, shared[1]).entries()) {
  send(near, 2_000 + i);
  if (i % 2) send(far, 5);
}
for (const [i, { near, far }] of pairs(40, v4).entries()) {
  option(i % 2 ? near : far, SOL.socket, SO.keepalive, int(1));
  fchownSync(near, 1_000 + i, 1_000);
}
pairs(10, marked);
pairs(10, onDevice);
pairs(10, v4, { prepare: (fd) => option(fd, SOL.tcp, TCP.maxseg, int(1_000)) }).forEach((it) =>
  exchange(it, 9_000, 10),
);
pairs(10, v4, { prepare: (fd) => option(fd, SOL.socket, SO.maxPacing, int(5_000_000)) }).forEach((it) =>
  exchange(it, 50_000, 10),
);
const controls = readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8')
  .trim()
  .split(' ');
for (const name of controls.filter((it) => ['reno', 'cubic', 'bbr', 'dctcp'].includes(it))) {
  const choose = (fd) => option(fd, SOL.tcp, TCP.congestion, textBuffer(name));
  pairs(10, v4, { prepare: choose }).forEach((ends, i) => exchange(ends, 1 + i * 20_000, i));
}
if (sysctl('tcp_ecn', '1')) {
  pairs(10, v4).forEach((ends) => exchange(ends, 1_000, 1_000));
  sysctl('tcp_ecn', '2');
}

// Closing states. A full window holds back what is sent after it, also the FIN.
const small = listener('127.0.0.1', { rcvbuf: 4_096 });
const narrow = (number) =>
  pairs(number, small, {
    prepare: (fd) => {
      option(fd, SOL.socket, SO.sndbuf, int(16_384));
      option(fd, SOL.socket, SO.rcvbuf, int(4_096));
    },
  });
for (const { near } of pairs(share / 2, v4)) call('shutdown', near, SHUT_WR); // FIN_WAIT2, CLOSE_WAIT
for (const ends of pairs(20, v6)) {
  exchange(ends, 77, 78);
  call('shutdown', ends.far, SHUT_WR);
}
for (const { near } of narrow(6)) {
  fill(near);
  call('shutdown', near, SHUT_WR); // FIN_WAIT1
}
for (const { near, far } of narrow(4)) {
  call('shutdown', near, SHUT_WR);
  fill(far);
  call('shutdown', far, SHUT_WR); // LAST_ACK
}
for (const { near, far } of narrow(4)) {
  fill(near);
  call('shutdown', near, SHUT_WR);
  call('shutdown', far, SHUT_WR); // CLOSING
}
for (const { near } of narrow(4)) fill(near);
for (const { near, far } of pairs(5, v4)) {
  exchange({ near, far }, 5_000, 5_000);
  dropIncoming(far);
  send(near, 3_000);
}
for (const { near, far } of pairs(share, v4, { from: '127.0.0.4' })) {
  call('close', near); // TIME_WAIT
  call('close', far);
  opened.count -= 1;
}
for (const { near, far } of pairs(20, v6)) {
  call('close', far);
  call('close', near);
  opened.count -= 1;
}

// No accept(): connections without an owner, then connections that stay in SYN_SENT.
const full = listener('127.0.0.1', { backlog: 3 });
pairs(4, full, { accepted: false });
const fullName = address('127.0.0.1', full.port);
for (let i = 0; i < 10; i += 1) {
  const fd = socket(INET, STREAM, 0, CLOEXEC | NONBLOCK);
  callAllowing(['EINPROGRESS'], 'connect', fd, fullName, fullName.length); // SYN_SENT
}
const deferring = listener('127.0.0.1');
option(deferring.fd, SOL.tcp, TCP.deferAccept, int(60));
pairs(5, deferring, { accepted: false }); // SYN_RECV

// UDP and UDP-Lite.
for (let i = 0; i < 60; i += 1) {
  const host = ['127.0.0.1', '0.0.0.0', '::1', '::'][i % 4];
  const fd = bound(host, { type: DGRAM, ...(host === '::' && { v6Only: i % 8 === 3 ? 1 : 0 }) });
  if (i % 5 === 0) fchownSync(fd, 2_000 + i, 0);
  const other = socket(familyOf(host), DGRAM);
  const name = address({ '0.0.0.0': '127.0.0.9', '::': '::1' }[host] ?? host, portOf(fd));
  call('connect', other, name, name.length);
  for (let sent = 0; sent < i % 4; sent += 1) send(other, 100 * i);
}
bound('0.0.0.0', { type: DGRAM, device: 'lo' });
option(bound('127.0.0.1', { type: DGRAM }), SOL.socket, SO.mark, int(7));
try {
  for (const [i, host] of ['127.0.0.1', '::1'].entries()) {
    bound(host, { type: DGRAM, protocol: 136, port: 4712 + i });
    notInSs.push({ protocol: 'udplite', port: 4712 + i });
  }
} catch (error) {
  skipped.push(`no udplite (${error.message})`);
}

// Sockets without ports: raw, ping and packet sockets.
const ICMP = { v4: 1, v6: 58 };
socket(INET, RAW, ICMP.v4);
socket(INET6, RAW, ICMP.v6);
fchownSync(bound('127.0.0.1', { type: RAW, protocol: 89 }), 4343, 0);
const rawName = address('127.0.0.1');
call('connect', socket(INET, RAW, 103), rawName, rawName.length);
if (sysctl('ping_group_range', '0 2147483647')) {
  bound('127.0.0.1', { type: DGRAM, protocol: ICMP.v4, port: 4711 });
  notInSs.push({ protocol: 'icmp', port: 0 });
} else skipped.push('no ping socket (ping_group_range cannot be set)');
const ETH_P_ALL = 0x0300;
const frames = [socket(PACKET, RAW, ETH_P_ALL), socket(PACKET, DGRAM, 0x0008)];
const link = Buffer.alloc(20);
link.writeUInt16LE(PACKET, 0);
link.writeUInt16BE(0x88b5, 2);
link.writeInt32LE(call('indexOf', 'lo'), 4);
const onLo = socket(PACKET, RAW, 0);
call('bind', onLo, link, link.length);
fchownSync(onLo, 4444, 0);
frames.push(onLo);

// Bound, but neither listening nor connected: ss shows such sockets only if asked for them alone.
bound('127.0.0.1', { port: 4714 });
notInSs.push({ protocol: 'tcp', port: 4714 });

// A pair of interfaces for link-local addresses.
if (
  ip('link add np0 type veth peer name np1') &&
  ip('addr add fe80::a/64 dev np0 nodad') &&
  ip('addr add fe80::b/64 dev np1 nodad')
) {
  bringUp('np0');
  bringUp('np1');
  const linked = listener('fe80::a%np0');
  exchange(pair(linked, { from: 'fe80::a%np0' }), 1_000, 2_000);
  bound('fe80::b%np1', { type: DGRAM });
  const there = address('fe80::a%np0', portOf(bound('fe80::a%np0', { type: DGRAM })));
  call('connect', socket(INET6, DGRAM), there, there.length);
} else skipped.push('no link-local addresses (ip cannot create a veth pair here)');

// Unix sockets, which `inet` does not count.
const inet = opened.count;
const unixName = (name) => Buffer.concat([Buffer.from([UNIX, 0]), Buffer.from(name)]);
function unix(type, name) {
  const fd = call('socket', UNIX, type | CLOEXEC, 0);
  if (name !== undefined) call('bind', fd, unixName(name), unixName(name).length);
  return fd;
}
const unixListener = unix(STREAM, `${folder}/listener\0`);
call('listen', unixListener, 7);
for (let i = 0; i < 3; i += 1) {
  const fd = unix(STREAM);
  const name = unixName(`${folder}/listener\0`);
  call('connect', fd, name, name.length);
  if (i < 2) call('accept', unixListener, null, null, CLOEXEC);
  if (i === 0) send(fd, 321);
}
unix(DGRAM, '\0netpane-abstract');
fchownSync(unix(DGRAM, `${folder}/datagrams\0`), 4545, 0);
call('listen', unix(SEQPACKET, '\0netpane-packets'), 1);
call('socketpair', UNIX, STREAM | CLOEXEC, 0, Buffer.alloc(8));
call('socketpair', UNIX, DGRAM | CLOEXEC, 0, Buffer.alloc(8));

process.stdin.resume().on('end', () => {
  for (const child of children) child.stdin.end();
  process.exit();
});
const pids = [process.pid, ...children.map(({ pid }) => pid)];
process.stdout.write(`${JSON.stringify({ inet, pids, notInSs, skipped })}\n`);
