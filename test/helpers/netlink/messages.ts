// Builds netlink messages from plain objects. Numbers and offsets are repeated here from the kernel's headers, so that
// tests find a wrong one in the program.
import { endianness } from 'node:os';
import { parseIpv6 } from '../../../src/model/address.ts';
import type { SocketState, TimerKind } from '../../../src/model/socket.ts';
import { TCP_INFO } from '../../../src/source/linux/netlink/tcp-info.ts';
import { type NetlinkBuffer, netlinkBuffer } from '../../../src/source/linux/netlink/wire.ts';
import {
  type Counters,
  type InetFields,
  type UnixFields,
  type PacketFields,
  type VsockFields,
  type FakeSocket,
  type LinkFields,
  PROTOCOL_NUMBERS,
} from './fields.ts';

/** True if this machine is little-endian. */
export const LE = endianness() === 'LE';

/** Numbers of TCP states, include/net/tcp_states.h. */
const STATE_NUMBERS: Record<SocketState, number> = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
  NEW_SYN_RECV: 12,
  BOUND_INACTIVE: 13,
};

const TIMER_NUMBERS: Record<TimerKind, number> = { on: 1, keepalive: 2, timewait: 3, persist: 4 };

/** Length of struct tcp_info since Linux 6.7. */
export const TCP_INFO_LENGTH = 248;

/** Field of a message: `[offset, bytes, value]`. */
type Field = readonly [at: number, size: 1 | 2 | 4 | 8, value: number | bigint];

/** Returns a struct with these fields in the byte order of the machine. */
export function struct(length: number, fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [at, size, value] of fields) {
    if (size === 1) view.setUint8(at, Number(value));
    else if (size === 2) view.setUint16(at, Number(value), LE);
    else if (size === 4) view.setUint32(at, Number(value), LE);
    else view.setBigUint64(at, BigInt(value), LE);
  }
  return bytes;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Returns bytes padded to a multiple of 4. */
const padded = (bytes: Uint8Array): Uint8Array =>
  bytes.length % 4 === 0 ? bytes : joined(bytes, new Uint8Array(4 - (bytes.length % 4)));

/** Returns a struct nlattr with its payload. */
export const attribute = (type: number, payload: Uint8Array, length = payload.length + 4): Uint8Array =>
  padded(
    joined(
      struct(4, [
        [0, 2, length],
        [2, 2, type],
      ]),
      payload,
    ),
  );

/** Returns a struct nlmsghdr with its payload. */
export const message = (
  type: number,
  payload: Uint8Array,
  { sequence = 7, flags = 2, length = 16 + payload.length } = {},
): Uint8Array =>
  padded(
    joined(
      struct(16, [
        [0, 4, length],
        [4, 2, type],
        [6, 2, flags],
        [8, 4, sequence],
      ]),
      payload,
    ),
  );

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

export const NLM_F_DUMP_INTR = 0x10;

/** Returns the end of a dump, with 0 or a positive errno. */
export const done = (errno = 0, sequence = 7, flags = 2): Uint8Array =>
  message(NLMSG_DONE, struct(4, [[0, 4, -errno >>> 0]]), { sequence, flags });

/** Returns a refusal: struct nlmsgerr with the header of the refused request. */
export const refusal = (errno: number, sequence = 7): Uint8Array =>
  message(NLMSG_ERROR, struct(20, [[0, 4, -errno >>> 0]]), { sequence });

/** Returns the bytes of an address and its family. */
function address(text: string): { family: 2 | 10; bytes: Uint8Array } {
  const groups = parseIpv6(text);
  if (groups === undefined) return { family: 2, bytes: Uint8Array.from(text.split('.').map(Number)) };
  return { family: 10, bytes: Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255])) };
}

function endpoint(text: string): { family: 2 | 10; bytes: Uint8Array; port: number } {
  const [, six, four = '', port] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(text) ?? [];
  return { ...address(six ?? four), port: Number(port) };
}

/** Returns a struct tcp_info. */
export function tcpInfo(counters: Counters, length = TCP_INFO_LENGTH): Uint8Array {
  const wide = new Set(['pacingRate', 'maxPacingRate', 'bytesAcked', 'bytesReceived', 'deliveryRate']);
  for (const name of [
    'busyTimeMicros',
    'rwndLimitedMicros',
    'sndbufLimitedMicros',
    'bytesSent',
    'bytesRetrans',
  ])
    wide.add(name);
  const fields = Object.entries(counters).map(([name, value]): Field => {
    const size = wide.has(name) ? 8 : name.startsWith('totalRto') && name !== 'totalRtoTimeMs' ? 2 : 4;
    return [TCP_INFO[name as keyof typeof TCP_INFO], size, value];
  });
  return struct(Math.max(length, TCP_INFO_LENGTH), fields).slice(0, length);
}

/** Returns a struct inet_diag_msg with its attributes. */
export function inetPayload(fields: InetFields): Uint8Array {
  const { local = '127.0.0.1:80', state = 'ESTABLISHED', timer, infoLength } = fields;
  const localEnd = endpoint(local);
  const remoteEnd = endpoint(fields.remote ?? (localEnd.family === 2 ? '0.0.0.0:0' : '[::]:0'));
  const cookie = BigInt.asUintN(64, BigInt(fields.cookie));
  const head = struct(72, [
    [0, 1, fields.family ?? localEnd.family],
    [1, 1, typeof state === 'number' ? state : STATE_NUMBERS[state]],
    [2, 1, timer ? TIMER_NUMBERS[timer.kind] : 0],
    [3, 1, timer?.retransmits ?? 0],
    [40, 4, fields.interfaceIndex ?? 0],
    // The cookie: the low 32 bits first, on every machine.
    [44, 4, cookie & 0xffffffffn],
    [48, 4, cookie >> 32n],
    [52, 4, timer?.expiresMs ?? 0],
    [56, 4, fields.recvQueue ?? 0],
    [60, 4, fields.sendQueue ?? 0],
    [64, 4, fields.uid ?? 0],
    [68, 4, fields.inode ?? 0],
  ]);
  // Ports and addresses are in network order.
  const view = new DataView(head.buffer);
  view.setUint16(4, localEnd.port);
  view.setUint16(6, remoteEnd.port);
  head.set(localEnd.bytes, 8);
  head.set(remoteEnd.bytes, 24);
  const info = fields.info ?? (infoLength === undefined ? undefined : {});
  return joined(
    head,
    ...(fields.attributes ?? []),
    ...(info ? [attribute(2, tcpInfo(info, infoLength))] : []),
  );
}

const u32 = (value: number): Uint8Array => struct(4, [[0, 4, value]]);

const cookieFields = (cookie: bigint | number, at: number): readonly Field[] => [
  [at, 4, BigInt(cookie) & 0xffffffffn],
  [at + 4, 4, BigInt(cookie) >> 32n],
];

function otherPayload(it: UnixFields | PacketFields | VsockFields): Uint8Array {
  if (it.protocol === 'unix') {
    const head = struct(16, [
      [0, 1, 1],
      [1, 1, 1],
      [2, 1, STATE_NUMBERS[it.state ?? 'ESTABLISHED']],
      [4, 4, it.inode],
      ...cookieFields(it.cookie, 8),
    ]);
    const { name, peer, uid = 0, recvQueue = 0, sendQueue = 0 } = it;
    return joined(
      head,
      ...(name === undefined ? [] : [attribute(0, Buffer.from(name))]),
      ...(peer === undefined ? [] : [attribute(2, u32(peer))]),
      attribute(
        4,
        struct(8, [
          [0, 4, recvQueue],
          [4, 4, sendQueue],
        ]),
      ),
      attribute(7, u32(uid)),
    );
  }
  if (it.protocol === 'packet') {
    const head = struct(16, [
      [0, 1, 17],
      [1, 1, 3],
      [2, 2, it.number ?? 3],
      [4, 4, it.inode],
      ...cookieFields(it.cookie, 8),
    ]);
    return joined(
      head,
      attribute(0, struct(20, [[0, 4, it.interfaceIndex ?? 0]])),
      attribute(5, u32(it.uid ?? 0)),
    );
  }
  const [context, port] = it.remote ?? [0xffffffff, 0xffffffff];
  return struct(32, [
    [0, 1, 40],
    [1, 1, 1],
    [2, 1, STATE_NUMBERS[it.state]],
    [4, 4, it.local[0]],
    [8, 4, it.local[1]],
    [12, 4, context],
    [16, 4, port],
    [20, 4, it.inode],
    ...cookieFields(it.cookie, 24),
  ]);
}

/** Returns the payload of a message about a socket. */
export const payload = (it: FakeSocket): Uint8Array =>
  it.protocol === 'unix' || it.protocol === 'packet' || it.protocol === 'vsock'
    ? otherPayload(it)
    : inetPayload(it);

/** Returns a struct ifinfomsg with name and counters. */
export function linkPayload(it: LinkFields): Uint8Array {
  const head = struct(16, [
    [4, 4, it.index],
    [8, 4, (it.isUp === false ? 0 : 1) | (it.isLoopback ? 8 : 0)],
  ]);
  const stats = struct(32, [
    [16, 8, it.rxBytes ?? 0],
    [24, 8, it.txBytes ?? 0],
  ]);
  return joined(
    head,
    ...(it.name === undefined ? [] : [attribute(3, Buffer.from(`${it.name}\0`))]),
    attribute(23, stats),
    ...(it.tunnel === undefined ? [] : [attribute(18, tunnelPayload(it.tunnel))]),
    ...(it.isFromElsewhere ? [attribute(37, struct(4, [[0, 4, 0]]))] : []),
  );
}

/** Returns IFLA_LINKINFO: the kind, then its data with the port in network byte order. */
const tunnelPayload = (it: NonNullable<LinkFields['tunnel']>): Uint8Array =>
  joined(
    attribute(1, Buffer.from(`${it.kind}\0`)),
    attribute(
      2,
      joined(
        attribute(1, new Uint8Array(4)),
        attribute(it.attribute, Uint8Array.of(it.port >> 8, it.port & 255)),
      ),
    ),
  );

/** Returns a struct ifaddrmsg with an address. */
export function addressPayload(index: number, text: string): Uint8Array {
  const { family, bytes } = address(text);
  const head = struct(8, [
    [0, 1, family],
    [4, 4, index],
  ]);
  return joined(head, attribute(1, bytes));
}

/** Returns a buffer with these bytes, followed by at least `room` bytes of the value `behind`. */
export function bufferOf(bytes: Uint8Array, { room = 64, behind = 0xa5 } = {}): NetlinkBuffer {
  const buffer = netlinkBuffer((bytes.length + room + 3) & ~3);
  buffer.bytes.fill(behind);
  buffer.bytes.set(bytes);
  return buffer;
}

/** SOCK_DIAG_BY_FAMILY: type of a request for sockets, and of each answer. */
export const RAW_SOCK_DIAG = 20;

/**
 * Returns the close message that the kernel multicasts when it destroys a socket: its sequence number is 0.
 */
export const closeMessage = (it: InetFields, sequence = 0): Uint8Array =>
  message(
    RAW_SOCK_DIAG,
    inetPayload({
      state: 'CLOSE',
      ...it,
      // Close messages have neither user nor inode.
      uid: 0,
      inode: 0,
      // INET_DIAG_PROTOCOL
      attributes: [
        attribute(10, Uint8Array.of(PROTOCOL_NUMBERS[it.protocol ?? 'tcp'])),
        ...(it.attributes ?? []),
      ],
    }),
    { sequence, flags: 0 },
  );
