import { formatIpv6, parseIpv6 } from '../../../model/address.ts';
import { Cache } from '../../../model/cache.ts';
import {
  type Endpoint,
  hasPorts,
  type Protocol,
  SOCKET_STATES,
  type SocketState,
  type TcpInfo,
  type Timer,
  type Traffic,
} from '../../../model/socket.ts';
import { decodeTcpInfo, TCP_INFO } from './tcp-info.ts';
import {
  counterAt,
  dumpRequest,
  eachAttribute,
  LITTLE_ENDIAN,
  type NetlinkBuffer,
  singleRequest,
  textAt,
} from './wire.ts';

/** Message types of sock_diag(7). Answers have the type of their request. */
export const SOCK_DIAG_BY_FAMILY = 20;
const TCPDIAG_GETSOCK = 18;

export const AF_INET = 2;
export const AF_INET6 = 10;

/** Attributes of answers, include/uapi/linux/inet_diag.h. */
const INET_DIAG_INFO = 2;
/** Requests the details of any congestion control (BBR, DCTCP, Vegas). */
const INET_DIAG_VEGASINFO = 3;
const INET_DIAG_CONG = 4;
const INET_DIAG_SKV6ONLY = 11;
const INET_DIAG_MARK = 15;
const INET_DIAG_CGROUP_ID = 21;
const INET_DIAG_SHUTDOWN = 8;
const INET_DIAG_DCTCPINFO = 9;
const INET_DIAG_BBRINFO = 16;
/** Attribute of a request: a protocol number above 255, which does not fit into the request's own field. */
const INET_DIAG_REQ_PROTOCOL = 3;

/** Returns the extension bit of a request that asks for an attribute. */
const extension = (attribute: number): number => 1 << (attribute - 1);

const ALL_STATES = 0xffffffff;

/** IP protocol numbers of inet_diag requests. */
export const IPPROTO = { tcp: 6, udp: 17, sctp: 132, udplite: 136, raw: 255, mptcp: 262 } as const;

/**
 * Returns a dump request for all sockets of a protocol and family: struct inet_diag_req_v2.
 * @param details asks for the congestion control too
 */
export function inetRequest(
  family: typeof AF_INET | typeof AF_INET6,
  protocol: keyof typeof IPPROTO,
  details: boolean,
): Uint8Array {
  const number = IPPROTO[protocol];
  const payload = new Uint8Array(56);
  payload[0] = family;
  payload[1] = number > 255 ? IPPROTO.raw : number;
  payload[2] = extensions(protocol, details);
  new DataView(payload.buffer).setUint32(4, ALL_STATES, LITTLE_ENDIAN);
  return dumpRequest(SOCK_DIAG_BY_FAMILY, payload, number > 255 ? [[INET_DIAG_REQ_PROTOCOL, number]] : []);
}

/**
 * Returns a dump request for the TCP sockets of both families: struct inet_diag_req, older than sock_diag. The kernel
 * ignores the family in it (net/ipv4/inet_diag.c, inet_diag_dump_compat) and walks its hash table once instead of
 * twice; with few sockets that walk is most of the cost.
 */
export function tcpRequest(details: boolean): Uint8Array {
  const payload = new Uint8Array(60);
  payload[3] = extensions('tcp', details);
  new DataView(payload.buffer).setUint32(52, ALL_STATES, LITTLE_ENDIAN);
  return dumpRequest(TCPDIAG_GETSOCK, payload);
}

/** Returns a dump request for TCP sockets in no state: an empty answer shows that the kernel supports inet_diag. */
export function tcpProbe(): Uint8Array {
  const payload = new Uint8Array(56);
  payload[0] = AF_INET;
  payload[1] = IPPROTO.tcp;
  return dumpRequest(SOCK_DIAG_BY_FAMILY, payload);
}

/** Offset and length of struct inet_diag_sockid in a message, without its cookie, bytes. */
const SOCK_ID = { start: 4, length: 40 } as const;

/** Each byte of INET_DIAG_NOCOOKIE: matches a socket with any cookie. */
const NO_COOKIE = 0xff;

/** Returns ports, addresses and interface of a message (struct inet_diag_sockid), for a later lookup of the socket. */
export const sockIdAt = ({ bytes }: NetlinkBuffer, start: number): Uint8Array =>
  bytes.slice(start + SOCK_ID.start, start + SOCK_ID.start + SOCK_ID.length);

/** Returns struct inet_diag_sockid without its cookie for two endpoints. */
export function sockIdOf(local: Endpoint, remote: Endpoint): Uint8Array {
  const sockId = new Uint8Array(SOCK_ID.length);
  const view = new DataView(sockId.buffer);
  view.setUint16(0, local.port);
  view.setUint16(2, remote.port);
  for (const [at, { address }] of [
    [4, local],
    [20, remote],
  ] as const) {
    const groups = parseIpv6(address);
    if (groups) for (const [i, group] of groups.entries()) view.setUint16(at + 2 * i, group);
    else for (const [i, byte] of address.split('.').entries()) view.setUint8(at + i, Number(byte));
  }
  return sockId;
}

/**
 * Returns a request for the TCP socket that has these endpoints now. The kernel answers with a connection, its remnant
 * (TIME_WAIT), or the listener that would accept the connection (net/ipv4/inet_diag.c, inet_diag_find_one_icsk).
 */
export const tcpLookupRequest = (family: 'ipv4' | 'ipv6', sockId: Uint8Array): Uint8Array =>
  lookupRequest(family, 'tcp', sockId);

/**
 * Returns a request for the UDP socket that receives datagrams for these endpoints now. The kernel expects local and
 * remote endpoint swapped (net/ipv4/udp_diag.c, udp_dump_one).
 */
export function udpLookupRequest(family: 'ipv4' | 'ipv6', sockId: Uint8Array): Uint8Array {
  const swapped = Uint8Array.from(sockId);
  swapped.set(sockId.subarray(0, 2), 2);
  swapped.set(sockId.subarray(2, 4), 0);
  swapped.set(sockId.subarray(4, 20), 20);
  swapped.set(sockId.subarray(20, 36), 4);
  return lookupRequest(family, 'udp', swapped);
}

function lookupRequest(family: 'ipv4' | 'ipv6', protocol: 'tcp' | 'udp', sockId: Uint8Array): Uint8Array {
  const payload = new Uint8Array(56);
  payload[0] = family === 'ipv4' ? AF_INET : AF_INET6;
  payload[1] = IPPROTO[protocol];
  payload[2] = extensions(protocol, false);
  new DataView(payload.buffer).setUint32(4, ALL_STATES, LITTLE_ENDIAN);
  payload.set(sockId, 8);
  payload.fill(NO_COOKIE, 48);
  return singleRequest(SOCK_DIAG_BY_FAMILY, payload);
}

function extensions(protocol: keyof typeof IPPROTO, details: boolean): number {
  if (protocol !== 'tcp') return 0;
  const info = extension(INET_DIAG_INFO);
  return details ? info | extension(INET_DIAG_CONG) | extension(INET_DIAG_VEGASINFO) : info;
}

/** Length of struct inet_diag_msg and offsets of its fields, bytes. */
export const INET = {
  length: 72,
  family: 0,
  state: 1,
  timer: 2,
  retransmits: 3,
  localPort: 4,
  remotePort: 6,
  local: 8,
  remote: 24,
  interface: 40,
  cookie: 44,
  expiresMs: 52,
  recvQueue: 56,
  sendQueue: 60,
  uid: 64,
  inode: 68,
} as const;

/** States by their number in the kernel; 0 is none. */
export const STATES: readonly (SocketState | undefined)[] = [undefined, ...SOCKET_STATES];

/**
 * The nearest TCP state for each state of an SCTP association (include/net/sctp/constants.h, sctp_state). SCTP
 * endpoints use TCP's numbers for LISTEN and CLOSE.
 */
const SCTP_STATES: readonly (SocketState | undefined)[] = [
  'CLOSE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT1',
  'FIN_WAIT1',
  'CLOSE_WAIT',
  'LAST_ACK',
];

/** States after the FIN of the peer, which the kernel counts as one received byte. */
const AFTER_FIN = new Set<SocketState | undefined>(['CLOSE_WAIT', 'LAST_ACK', 'CLOSING']);

/** Range of the payload of INET_DIAG_INFO (struct tcp_info) in a buffer, bytes; empty if the message has none. */
export interface InfoRange {
  start: number;
  end: number;
}

/** Finds INET_DIAG_INFO in a message without allocating. @param range receives the result */
export function findInfo({ u16 }: NetlinkBuffer, start: number, end: number, range: InfoRange): void {
  for (let at = start + INET.length; at + 4 <= end;) {
    const size = u16[at >>> 1] ?? 0;
    if (size < 4 || at + size > end) break;
    if (u16[(at >>> 1) + 1] === INET_DIAG_INFO) {
      range.start = at + 4;
      range.end = at + size;
      return;
    }
    at += (size + 3) & ~3;
  }
  range.start = range.end = 0;
}

/** Family, endpoints and state of a socket. */
export interface InetAddresses {
  readonly family: 'ipv4' | 'ipv6';
  readonly local: Endpoint;
  readonly remote: Endpoint | null;
  readonly state?: SocketState | undefined;
}

/** Maximum number of addresses of each family whose text is kept. */
const MAX_ADDRESSES = 50_000;

const IPV4_TEXTS = new Cache<number, string>(MAX_ADDRESSES);

/** Returns the text of an IPv4 address; cached, since few addresses occur often. */
function ipv4At(view: DataView, at: number): string {
  const key = view.getUint32(at);
  const known = IPV4_TEXTS.get(key);
  if (known !== undefined) return known;
  const text = `${key >>> 24}.${(key >>> 16) & 255}.${(key >>> 8) & 255}.${key & 255}`;
  IPV4_TEXTS.set(key, text);
  return text;
}

const IPV6_TEXTS = new Cache<string, string>(MAX_ADDRESSES);

/** Returns the text of an IPv6 address (RFC 5952); cached. */
export function ipv6At(view: DataView, at: number): string {
  const key = `${view.getUint32(at)} ${view.getUint32(at + 4)} ${view.getUint32(at + 8)} ${view.getUint32(at + 12)}`;
  const known = IPV6_TEXTS.get(key);
  if (known !== undefined) return known;
  const text = formatIpv6(Array.from({ length: 8 }, (_, i) => view.getUint16(at + 2 * i)));
  IPV6_TEXTS.set(key, text);
  return text;
}

/** Returns the text of an address. */
export const addressAt = (view: DataView, at: number, family: 'ipv4' | 'ipv6'): string =>
  family === 'ipv4' ? ipv4At(view, at) : ipv6At(view, at);

/** Decodes family, endpoints and state. Returns undefined for an unknown family or state. */
export function decodeAddresses(
  { bytes, view }: NetlinkBuffer,
  start: number,
  protocol: Protocol,
): InetAddresses | undefined {
  const number = bytes[start + INET.family];
  if (number !== AF_INET && number !== AF_INET6) return undefined;
  const family = number === AF_INET ? 'ipv4' : 'ipv6';
  const code = bytes[start + INET.state] ?? 0;
  const kernelState = protocol === 'sctp' && code < 8 ? SCTP_STATES[code] : STATES[code];
  if (kernelState === undefined) return undefined;
  const local = {
    address: addressAt(view, start + INET.local, family),
    port: view.getUint16(start + INET.localPort),
  };
  const remotePort = view.getUint16(start + INET.remotePort);
  const remoteAddress = addressAt(view, start + INET.remote, family);
  const isAny = remotePort === 0 && (remoteAddress === '0.0.0.0' || remoteAddress === '::');
  const remote = kernelState === 'LISTEN' || isAny ? null : { address: remoteAddress, port: remotePort };
  // Protocols without connections have two states: ESTABLISHED if connected, else CLOSE.
  const hasStates = protocol === 'tcp' || protocol === 'mptcp' || protocol === 'sctp';
  const state = !hasStates && kernelState === 'CLOSE' ? undefined : kernelState;
  if (hasPorts(protocol)) return { family, local, remote, state };
  const [localEnd, remoteEnd] = withoutPorts(local, remote, protocol);
  return { family, local: localEnd, remote: remoteEnd, state };
}

/**
 * Returns the endpoints of a protocol without ports. The kernel stores other numbers as ports: locally the IP protocol
 * of a raw socket (inet_create in net/ipv4/af_inet.c) or the echo id of a ping socket, remotely the port passed to
 * connect(2).
 */
export const withoutPorts = (
  local: Endpoint,
  remote: Endpoint | null,
  protocol: Protocol,
): [Endpoint, Endpoint | null] => [
  { address: local.address, port: 0, ...(protocol === 'raw' && { protocol: local.port }) },
  remote && { address: remote.address, port: 0 },
];

const TIMERS = { 1: 'on', 2: 'keepalive', 3: 'timewait', 4: 'persist' } as const;

/** Returns true for the remnant of a connection. Its timer decides: its state may be FIN_WAIT2. */
export const isRemnantAt = ({ bytes }: NetlinkBuffer, start: number): boolean =>
  TIMERS[(bytes[start + INET.timer] ?? 0) as keyof typeof TIMERS] === 'timewait';

/** Decodes the timer of a socket; undefined without one. @param nowMs wall-clock time of the message */
export function decodeTimer({ bytes, view }: NetlinkBuffer, start: number, nowMs: number): Timer | undefined {
  const kind = TIMERS[(bytes[start + INET.timer] ?? 0) as keyof typeof TIMERS] as Timer['kind'] | undefined;
  if (kind === undefined) return undefined;
  return {
    kind,
    dueAtMs: nowMs + view.getUint32(start + INET.expiresMs, LITTLE_ENDIAN),
    retransmits: bytes[start + INET.retransmits] ?? 0,
  };
}

const u32At = (view: DataView, at: number, end: number): number | undefined =>
  at + 4 <= end ? view.getUint32(at, LITTLE_ENDIAN) : undefined;

/** Longer times since the last data mean that there was none: the kernel then counts from boot. */
const NEVER_MS = 2 ** 31;

/**
 * Decodes queues, counters and rates of a socket.
 * @param info range of its struct tcp_info
 * @param nowMs wall-clock time of the message
 */
export function decodeTraffic(buffer: NetlinkBuffer, start: number, info: InfoRange, nowMs: number): Traffic {
  const { bytes, view } = buffer;
  const state = STATES[bytes[start + INET.state] ?? 0];
  const queues = {
    recvQueue: view.getUint32(start + INET.recvQueue, LITTLE_ENDIAN),
    sendQueue: view.getUint32(start + INET.sendQueue, LITTLE_ENDIAN),
  };
  // The struct tcp_info of a listener has only its queue again.
  if (info.end === info.start || state === 'LISTEN') return queues;
  const received = counterAt(buffer, info.start + TCP_INFO.bytesReceived, info.end);
  const sent = counterAt(buffer, info.start + TCP_INFO.bytesSent, info.end);
  // Linux before 4.19 has no tcpi_bytes_sent: count acknowledged bytes instead.
  const transmitted =
    sent === undefined
      ? counterAt(buffer, info.start + TCP_INFO.bytesAcked, info.end)
      : sent - (counterAt(buffer, info.start + TCP_INFO.bytesRetrans, info.end) ?? 0);
  const rttMicros = u32At(view, info.start + TCP_INFO.rttMicros, info.end);
  const rttVarMicros = u32At(view, info.start + TCP_INFO.rttVarMicros, info.end);
  const rxSegments = u32At(view, info.start + TCP_INFO.segsIn, info.end);
  const txSegments = u32At(view, info.start + TCP_INFO.segsOut, info.end);
  const retransmits = u32At(view, info.start + TCP_INFO.totalRetrans, info.end);
  const cwnd = u32At(view, info.start + TCP_INFO.sndCwnd, info.end);
  const deliveryRate = counterAt(buffer, info.start + TCP_INFO.deliveryRate, info.end);
  const sentAgoMs = u32At(view, info.start + TCP_INFO.lastDataSentMs, info.end);
  const receivedAgoMs = u32At(view, info.start + TCP_INFO.lastDataRecvMs, info.end);
  if (
    received !== undefined &&
    transmitted &&
    received > 0 &&
    rttMicros &&
    rttVarMicros !== undefined &&
    rxSegments !== undefined &&
    txSegments !== undefined &&
    retransmits !== undefined &&
    cwnd !== undefined &&
    deliveryRate &&
    sentAgoMs !== undefined &&
    receivedAgoMs !== undefined &&
    Math.max(sentAgoMs, receivedAgoMs) < NEVER_MS
  ) {
    // Fast path for nearly every connection: an object literal takes less memory than an object that grows.
    return {
      recvQueue: queues.recvQueue,
      sendQueue: queues.sendQueue,
      rxBytes: received - Number(AFTER_FIN.has(state)),
      txBytes: transmitted,
      rxSegments,
      txSegments,
      retransmits,
      rttMicros,
      rttVarMicros,
      cwnd,
      deliveryRate,
      lastSentAtMs: nowMs - sentAgoMs,
      lastReceivedAtMs: nowMs - receivedAgoMs,
    };
  }
  const traffic: { -readonly [Field in keyof Traffic]: Traffic[Field] } = queues;
  if (received !== undefined) traffic.rxBytes = received - (AFTER_FIN.has(state) && received > 0 ? 1 : 0);
  if (transmitted !== undefined) traffic.txBytes = transmitted;
  if (rxSegments !== undefined) traffic.rxSegments = rxSegments;
  if (txSegments !== undefined) traffic.txSegments = txSegments;
  if (retransmits !== undefined) traffic.retransmits = retransmits;
  // A round-trip time or rate of 0 was not measured.
  if (rttMicros) traffic.rttMicros = rttMicros;
  if (rttMicros && rttVarMicros !== undefined) traffic.rttVarMicros = rttVarMicros;
  if (cwnd !== undefined) traffic.cwnd = cwnd;
  if (deliveryRate) traffic.deliveryRate = deliveryRate;
  if (transmitted && sentAgoMs !== undefined && sentAgoMs < NEVER_MS)
    traffic.lastSentAtMs = nowMs - sentAgoMs;
  if (received && receivedAgoMs !== undefined && receivedAgoMs < NEVER_MS)
    traffic.lastReceivedAtMs = nowMs - receivedAgoMs;
  return traffic;
}

/** Decodes all other details of a connection: struct tcp_info and the attributes known here. */
export function decodeDetails(buffer: NetlinkBuffer, start: number, end: number): TcpInfo {
  const { bytes, view } = buffer;
  let info: TcpInfo = {};
  const attributes: Record<string, number | string | boolean> = {};
  eachAttribute(buffer, start + INET.length, end, (type, from, to) => {
    if (type === INET_DIAG_INFO) info = decodeTcpInfo(buffer, from, to);
    else if (type === INET_DIAG_CONG) attributes['congestion'] = textAt(buffer, from, to);
    else if (type === INET_DIAG_SKV6ONLY && to > from) attributes['v6Only'] = bytes[from] !== 0;
    else if (type === INET_DIAG_SHUTDOWN && to > from) attributes['shutdown'] = bytes[from] ?? 0;
    else if (type === INET_DIAG_MARK && to >= from + 4)
      attributes['mark'] = view.getUint32(from, LITTLE_ENDIAN);
    else if (type === INET_DIAG_CGROUP_ID) {
      const id = counterAt(buffer, from, to);
      if (id !== undefined) attributes['cgroupId'] = id;
    } else if (type === INET_DIAG_BBRINFO) Object.assign(attributes, decodeBbr(buffer, from, to));
    else if (type === INET_DIAG_DCTCPINFO) Object.assign(attributes, decodeDctcp(buffer, from, to));
  });
  return { ...info, ...attributes };
}

/** Unit of the fixed-point gains of BBR (net/ipv4/tcp_bbr.c). */
const BBR_UNIT = 256;

/** Decodes struct tcp_bbr_info: estimated bandwidth, bytes per second, minimum round-trip time and gains. */
function decodeBbr(buffer: NetlinkBuffer, start: number, end: number): TcpInfo {
  const { view } = buffer;
  const bandwidth = counterAt(buffer, start, end);
  if (bandwidth === undefined || start + 20 > end) return {};
  return {
    bbrBandwidth: bandwidth,
    bbrMinRttMicros: view.getUint32(start + 8, LITTLE_ENDIAN),
    bbrPacingGain: view.getUint32(start + 12, LITTLE_ENDIAN) / BBR_UNIT,
    bbrCwndGain: view.getUint32(start + 16, LITTLE_ENDIAN) / BBR_UNIT,
  };
}

/** Decodes struct tcp_dctcp_info: whether DCTCP fell back to another algorithm, and its ECN state. */
function decodeDctcp({ view }: NetlinkBuffer, start: number, end: number): TcpInfo {
  if (start + 16 > end) return {};
  if (view.getUint16(start, LITTLE_ENDIAN) === 0) return { dctcpFallback: true };
  return {
    dctcpCeState: view.getUint16(start + 2, LITTLE_ENDIAN),
    dctcpAlpha: view.getUint32(start + 4, LITTLE_ENDIAN),
    dctcpAbEcn: view.getUint32(start + 8, LITTLE_ENDIAN),
    dctcpAbTotal: view.getUint32(start + 12, LITTLE_ENDIAN),
  };
}
