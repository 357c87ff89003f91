import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { parseIpv6 } from '../../src/model/address.ts';
import type { SocketState, TimerKind } from '../../src/model/socket.ts';
import type { Channel } from '../../src/source/linux/netlink/dump.ts';
import { NativeError } from '../../src/source/linux/netlink/errno.ts';
import type {
  Channels,
  ClosesChannel,
  NamespaceRef,
  CloseReceiver,
  NetlinkSystem,
  SocketNamespace,
} from '../../src/source/linux/netlink/system.ts';
import { TCP_INFO } from '../../src/source/linux/netlink/tcp-info.ts';
import { type NetlinkBuffer, netlinkBuffer } from '../../src/source/linux/netlink/wire.ts';

/*
 * Builds netlink messages from plain objects, and a fake kernel that answers with them. Numbers and offsets are
 * repeated here from the kernel's headers, so that tests find a wrong one in the program.
 */

const LE = endianness() === 'LE';

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

const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, sctp: 132, udplite: 136, raw: 255, mptcp: 262 } as const;
type InetProtocol = keyof typeof PROTOCOL_NUMBERS;

/** Length of struct tcp_info since Linux 6.7. */
export const TCP_INFO_LENGTH = 248;

type Counters = Partial<Record<keyof typeof TCP_INFO, number>>;

/** Fields of an inet_diag message; by default of a TCP connection. */
export interface InetFields {
  readonly cookie: bigint | number;
  readonly protocol?: InetProtocol;
  /** `127.0.0.1:80`, `[::1]:80` */
  readonly local?: string;
  readonly remote?: string;
  readonly state?: SocketState | number;
  readonly timer?: { readonly kind: TimerKind; readonly expiresMs: number; readonly retransmits?: number };
  readonly inode?: number;
  readonly uid?: number;
  readonly interfaceIndex?: number;
  readonly recvQueue?: number;
  readonly sendQueue?: number;
  /** Fields of struct tcp_info; without them the message has no such attribute. */
  readonly info?: Counters;
  /** Length of struct tcp_info, which differs between kernel versions, bytes. */
  readonly infoLength?: number;
  /** Family number, instead of that of the addresses. */
  readonly family?: number;
  /** Other attributes, before that of struct tcp_info. */
  readonly attributes?: readonly Uint8Array[];
}

export interface UnixFields {
  readonly protocol: 'unix';
  readonly cookie: bigint | number;
  readonly name?: string;
  readonly state?: SocketState;
  readonly inode: number;
  readonly uid?: number;
  readonly peer?: number;
  readonly recvQueue?: number;
  readonly sendQueue?: number;
}

export interface PacketFields {
  readonly protocol: 'packet';
  readonly cookie: bigint | number;
  readonly number?: number;
  readonly inode: number;
  readonly uid?: number;
  readonly interfaceIndex?: number;
}

export interface VsockFields {
  readonly protocol: 'vsock';
  readonly cookie: bigint | number;
  /** Context and port. */
  readonly local: readonly [number, number];
  readonly remote?: readonly [number, number];
  readonly state: SocketState;
  readonly inode: number;
}

export type FakeSocket = InetFields | UnixFields | PacketFields | VsockFields;

export interface LinkFields {
  readonly index: number;
  readonly name?: string;
  readonly isUp?: boolean;
  readonly isLoopback?: boolean;
  readonly rxBytes?: number;
  readonly txBytes?: number;
  readonly addresses?: readonly string[];
  /** A tunnel over UDP: its kind, the number of the attribute with its port, and the port. */
  readonly tunnel?: { readonly kind: string; readonly attribute: number; readonly port: number };
  /** True for an interface moved from another namespace. */
  readonly isFromElsewhere?: boolean;
}

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
  return new Uint8Array(Buffer.concat(parts));
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
const ENOENT = 2;
const EAGAIN = 11;
const ENOBUFS = 105;
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

/** Returns a captured dump: see fixtures/linux/netlink. */
export function captured(name: string): { request: Uint8Array; datagrams: Uint8Array[] } {
  const file = (end: string) =>
    readFileSync(new URL(`../../fixtures/linux/netlink/${name}${end}`, import.meta.url), 'utf8');
  const [request = new Uint8Array(), ...datagrams] = file('.b64')
    .trimEnd()
    .split('\n')
    .map((line) => new Uint8Array(Buffer.from(line, 'base64')));
  return { request, datagrams };
}

/** Returns what `ss` or `ip` printed for a capture, as lines of words. */
export const capturedText = (name: string): string[][] =>
  readFileSync(new URL(`../../fixtures/linux/netlink/${name}.txt`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));

/** Kind of a request: `tcp` dumps both families, `lookup` asks for the socket of two endpoints. */
export type RequestKind =
  'tcp' | 'lookup' | `${InetProtocol}${4 | 6}` | 'packet' | 'unix' | 'vsock' | 'links' | 'addresses';

const RAW_SOCK_DIAG = 20;
const NLM_F_DUMP = 0x300;

/**
 * Returns the notification that the kernel multicasts when it destroys a socket: its sequence number is 0.
 */
export const closeMessage = (it: InetFields, sequence = 0): Uint8Array =>
  message(
    RAW_SOCK_DIAG,
    inetPayload({
      state: 'CLOSE',
      ...it,
      // Notifications have neither user nor inode.
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

/** Returns the kind of a request. */
export function requestKind(request: Uint8Array, isRoute: boolean): RequestKind {
  const view = new DataView(request.buffer, request.byteOffset);
  const type = view.getUint16(4, LE);
  if (isRoute) return type === 18 ? 'links' : 'addresses';
  if (type !== RAW_SOCK_DIAG) return 'tcp';
  if ((view.getUint16(6, LE) & NLM_F_DUMP) === 0) return 'lookup';
  const family = view.getUint8(16);
  if (family === 1) return 'unix';
  if (family === 17) return 'packet';
  if (family === 40) return 'vsock';
  // A protocol number above 255 is in an attribute after the request.
  const number = request.length > 72 ? view.getUint32(76, LE) : view.getUint8(17);
  const [name] = Object.entries(PROTOCOL_NUMBERS).find(([, each]) => each === number) ?? [];
  if (name === undefined) throw new Error(`a request for protocol ${number}`);
  return `${name as InetProtocol}${family === 2 ? 4 : 6}`;
}

const familyOf = (it: FakeSocket): 2 | 10 =>
  'local' in it && typeof it.local === 'string' && it.local.startsWith('[') ? 10 : 2;

const isOf = (kind: RequestKind, it: FakeSocket): boolean => {
  const protocol = it.protocol ?? 'tcp';
  return protocol === kind || `${protocol}${familyOf(it) === 2 ? 4 : 6}` === kind;
};

/** Faults of the fake kernel for one kind of request. */
export interface Trouble {
  /** The kernel refuses with this errno. */
  readonly errno?: number;
  /** The netlink socket fails with this errno. */
  readonly broken?: number;
  /** The dump ends after this number of sockets, with `errno`. */
  readonly breaksOffAfter?: number;
  /** Number of answers flagged as made while the table changed. */
  interrupted?: number;
  /** Number of sockets missing in these answers. */
  readonly lacks?: number;
  /** Returns other datagrams instead of the answer, for the sequence number of the request. */
  readonly datagrams?: (sequence: number) => Uint8Array[];
}

/** The sockets and interfaces of a network namespace. */
export class FakeNetwork {
  sockets: readonly FakeSocket[] = [];
  links: readonly LinkFields[] = [
    { index: 1, name: 'lo', isLoopback: true, addresses: ['127.0.0.1', '::1'] },
  ];
  readonly trouble = new Map<RequestKind, Trouble>();
  /** Kinds of all requests, in order; tests reset it. */
  requests: RequestKind[] = [];
  /** True if this kernel sends notifications about destroyed sockets. */
  reportsCloses = true;
  /** True if this kernel counts lost notifications. */
  countsDrops = true;
  /** Maximum number of notifications waiting to be received. */
  bufferSize = Infinity;
  /** Waiting notifications: datagrams, or the negative errno of recv(2). */
  notifications: (Uint8Array | number)[] = [];
  /** The kernel's count of lost notifications. */
  drops = 0;
  #hasOverrun = false;

  /** Destroys a socket and sends the notification. */
  destroy(it: InetFields): void {
    if (this.notifications.length < this.bufferSize) this.notifications.push(closeMessage(it));
    else {
      this.drops++;
      this.#hasOverrun = true;
    }
  }

  /** Returns the next notification, or -ENOBUFS once after an overrun, or -EAGAIN if none waits. */
  nextNotification(): Uint8Array | number {
    if (this.#hasOverrun) {
      this.#hasOverrun = false;
      return -ENOBUFS;
    }
    return this.notifications.shift() ?? -EAGAIN;
  }

  /** Returns all datagrams of the answer to a request. */
  answer(request: Uint8Array, isRoute: boolean): Uint8Array[] {
    const view = new DataView(request.buffer, request.byteOffset);
    const sequence = view.getUint32(8, LE);
    const kind = requestKind(request, isRoute);
    this.requests.push(kind);
    const trouble = this.trouble.get(kind);
    if (trouble?.broken !== undefined) throw new NativeError('recv', trouble.broken, 'EBROKEN');
    if (trouble?.datagrams) return trouble.datagrams(sequence);
    if (trouble?.errno !== undefined && trouble.breaksOffAfter === undefined)
      return [refusal(trouble.errno, sequence)];
    if (kind === 'lookup') {
      const found = this.#find(request);
      return [
        found ? message(RAW_SOCK_DIAG, payload(found), { sequence, flags: 0 }) : refusal(ENOENT, sequence),
      ];
    }
    const all = this.#payloads(kind);
    const isInterrupted = (trouble?.interrupted ?? 0) > 0;
    if (trouble?.interrupted) trouble.interrupted--;
    const count = trouble?.breaksOffAfter ?? all.length - (isInterrupted ? (trouble?.lacks ?? 0) : 0);
    const flags = isInterrupted ? 2 | NLM_F_DUMP_INTR : 2;
    const type = { links: 16, addresses: 20, tcp: 18 }[kind as string] ?? RAW_SOCK_DIAG;
    const messages = all.slice(0, count).map((each) => message(type, each, { sequence, flags }));
    const datagrams: Uint8Array[] = [];
    // Ten sockets per datagram, about one page.
    for (let i = 0; i < messages.length; i += 10) datagrams.push(joined(...messages.slice(i, i + 10)));
    return [...datagrams, done(trouble?.errno ?? 0, sequence, flags)];
  }

  /**
   * Returns the TCP socket that has the endpoints of a request, else the listener that would accept such a connection.
   * For UDP, the endpoints are swapped: returns the socket that receives such datagrams.
   */
  #find(request: Uint8Array): FakeSocket | undefined {
    const family = request[16];
    if (request[17] === PROTOCOL_NUMBERS.udp) {
      const [remotePort, localPort, remote, local] = [
        [24, 26],
        [26, 28],
        [28, 44],
        [44, 60],
      ].map(([from, to]) => Buffer.from(request.subarray(from, to)));
      const any = Buffer.alloc(16);
      return this.sockets
        .filter((it) => isOf(family === 2 ? 'udp4' : 'udp6', it))
        .find((it) => {
          const sockId = payload(it).subarray(4, 40);
          const has = (from: number, to: number, ...wanted: (Buffer | undefined)[]) =>
            wanted.some((bytes) => bytes?.equals(sockId.subarray(from, to)));
          const isConnected = !any.subarray(0, 2).equals(sockId.subarray(2, 4));
          return (
            has(0, 2, localPort) &&
            has(4, 20, local, any) &&
            (!isConnected || (has(2, 4, remotePort) && has(20, 36, remote)))
          );
        });
    }
    const sockIdOf = (it: FakeSocket) => payload(it).subarray(4, 40);
    const candidates = this.sockets.filter((it) => isOf(family === 2 ? 'tcp4' : 'tcp6', it));
    const sockId = Buffer.from(request.subarray(24, 60));
    const isAt = (it: FakeSocket) =>
      // The same port, and the same or any address.
      sockId.subarray(0, 2).equals(sockIdOf(it).subarray(0, 2)) &&
      [sockId.subarray(4, 20), Buffer.alloc(16)].some((bytes) => bytes.equals(sockIdOf(it).subarray(4, 20)));
    return (
      candidates.find((it) => sockId.equals(sockIdOf(it))) ??
      candidates.find((it) => 'state' in it && it.state === 'LISTEN' && isAt(it))
    );
  }

  #payloads(kind: RequestKind): Uint8Array[] {
    if (kind === 'links') return this.links.map(linkPayload);
    if (kind === 'addresses')
      return this.links.flatMap(({ index, addresses = [] }) =>
        addresses.map((text) => addressPayload(index, text)),
      );
    return this.sockets.filter((it) => isOf(kind, it)).map(payload);
  }
}

/** A fake kernel with network namespaces. */
export class FakeNetlink implements NetlinkSystem {
  /** The namespace of the program. */
  readonly own = new FakeNetwork();
  /** Other namespaces by inode. */
  readonly networks = new Map<number, FakeNetwork>();
  /** Errors of namespaces that cannot be opened, by inode. */
  readonly closed = new Map<number, Error>();
  /** Number of currently open namespaces. */
  openCount = 0;
  /** Number of all openings. */
  opened = 0;
  /** Descriptors left for other namespaces: each takes three, or one for close messages only. */
  descriptorsLeft = Infinity;

  open(namespace: NamespaceRef | undefined, withCloses = false, isTemporary = false): Channels {
    const network = this.#enter(namespace);
    const descriptors = namespace === undefined || isTemporary ? 0 : 3;
    this.#take(descriptors);
    this.openCount++;
    this.opened++;
    let isOpen = true;
    return {
      diag: new FakeChannel(network, false, () => isOpen),
      route: new FakeChannel(network, true, () => isOpen),
      ...(withCloses && network.reportsCloses && { closes: closesOf(network, () => isOpen) }),
      close: () => {
        if (!isOpen) throw new Error('closed twice');
        isOpen = false;
        this.openCount--;
        this.descriptorsLeft += descriptors;
      },
    };
  }

  openCloseReceiver(namespace: NamespaceRef): CloseReceiver {
    const network = this.#enter(namespace);
    this.#take(1);
    let isOpen = true;
    const close = () => {
      isOpen = false;
      this.descriptorsLeft += 1;
    };
    return { ...(network.reportsCloses && { closes: closesOf(network, () => isOpen) }), close };
  }

  /** Namespaces of sockets that no dump lists, by descriptor. */
  readonly namespaceOfDescriptor = new Map<number, number>();

  namespaceOfSocket({ descriptor }: { readonly descriptor: number }): SocketNamespace | undefined {
    const netns = this.namespaceOfDescriptor.get(descriptor);
    return netns === undefined ? undefined : { netns, isTcp: true };
  }

  inside<T>(namespace: NamespaceRef, act: () => T): T {
    this.#enter(namespace);
    return act();
  }

  #enter(namespace: NamespaceRef | undefined): FakeNetwork {
    const error = namespace && this.closed.get(namespace.inode);
    if (error) throw error;
    const network = namespace ? this.networks.get(namespace.inode) : this.own;
    if (!network) throw new NativeError('setns', 22, 'EINVAL');
    return network;
  }

  #take(descriptors: number): void {
    if (descriptors > this.descriptorsLeft) throw new NativeError('a netlink socket', 24, 'EMFILE');
    this.descriptorsLeft -= descriptors;
  }
}

function closesOf(network: FakeNetwork, isOpen: () => boolean): ClosesChannel {
  const open = (): FakeNetwork => {
    if (!isOpen()) throw new Error('receive from a closed channel');
    return network;
  };
  return {
    receiveNow: (into) => {
      const notification = open().nextNotification();
      if (typeof notification === 'number') return notification;
      into.set(notification);
      return notification.length;
    },
    drops: () => (open().countsDrops ? network.drops : undefined),
  };
}

class FakeChannel implements Channel {
  readonly #network: FakeNetwork;
  readonly #isRoute: boolean;
  readonly #isOpen: () => boolean;
  #waiting: Uint8Array[] = [];

  constructor(network: FakeNetwork, isRoute: boolean, isOpen: () => boolean) {
    this.#network = network;
    this.#isRoute = isRoute;
    this.#isOpen = isOpen;
  }

  send(request: Uint8Array): void {
    if (!this.#isOpen()) throw new Error('request to a closed channel');
    this.#waiting.push(...this.#network.answer(request, this.#isRoute));
  }

  receive(into: Uint8Array): number {
    const datagram = this.#waiting.shift();
    // Like a receive timeout (SO_RCVTIMEO).
    if (datagram === undefined) throw new NativeError('recv', 11, 'EAGAIN');
    into.set(datagram);
    return datagram.length;
  }
}
