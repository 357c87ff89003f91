import { formatIpv6 } from '../../../model/address.ts';
import { Cache } from '../../../model/cache.ts';
import {
  type Endpoint,
  hasPorts,
  type Protocol,
  SOCKET_STATES,
  type SocketState,
  type Timer,
} from '../../../model/socket.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** Attributes of answers, include/uapi/linux/inet_diag.h. */
export const INET_DIAG_INFO = 2;
export const INET_DIAG_CONG = 4;

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
 * The nearest TCP state for each state of an SCTP association (include/net/sctp/constants.h, sctp_state). An SCTP
 * endpoint, which has no remote port, uses the numbers of TCP (sctp_sock_state).
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

/** Returns the text of an IPv4 address; cached, because a few addresses occur in most sockets. */
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
  const remotePort = view.getUint16(start + INET.remotePort);
  const isAssociation = protocol === 'sctp' && remotePort !== 0;
  const kernelState = (isAssociation ? SCTP_STATES : STATES)[code];
  if (kernelState === undefined) return undefined;
  const local = {
    address: addressAt(view, start + INET.local, family),
    port: view.getUint16(start + INET.localPort),
  };
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
