import { parseIpv6 } from '../../../model/address.ts';
import type { Endpoint } from '../../../model/socket.ts';
import { AF_INET, AF_INET6, INET_DIAG_CONG, INET_DIAG_INFO, STATES } from './inet.ts';
import {
  changeRequest,
  dumpRequest,
  HEADER_LENGTH,
  LITTLE_ENDIAN,
  type NetlinkBuffer,
  singleRequest,
} from './wire.ts';

/** Message types of sock_diag(7). Answers have the type of their request. */
export const SOCK_DIAG_BY_FAMILY = 20;
/** Closes a socket: for root, and only if the kernel was built with CONFIG_INET_DIAG_DESTROY. */
const SOCK_DESTROY = 21;
const TCPDIAG_GETSOCK = 18;

/** Requests the details of any congestion control (BBR, DCTCP, Vegas). */
const INET_DIAG_VEGASINFO = 3;
/** Attribute of a request: a protocol number above 255, which does not fit into the request's own field. */
const INET_DIAG_REQ_PROTOCOL = 3;

/** Returns the extension bit of a request that asks for an attribute. */
const extension = (attribute: number): number => 1 << (attribute - 1);

/** Bits of the states to dump, by the number of the state. */
const ALL_STATES = 0xffffffff;
const LISTEN = 1 << STATES.indexOf('LISTEN');
const WITHOUT_TIME_WAIT = (ALL_STATES & ~(1 << STATES.indexOf('TIME_WAIT'))) >>> 0;

/** Options of a dump request. */
export interface DumpOptions {
  /** Asks for the congestion control too. */
  readonly details: boolean;
  /** Leaves out TCP sockets in TIME_WAIT. The answer still has remnants in FIN_WAIT2. */
  readonly omitsTimeWait?: boolean;
  /** Asks for TCP listeners only. */
  readonly onlyListeners?: boolean;
}

function statesOf(
  protocol: keyof typeof IPPROTO,
  { omitsTimeWait = false, onlyListeners = false }: DumpOptions,
): number {
  if (protocol !== 'tcp') return ALL_STATES;
  if (onlyListeners) return LISTEN;
  return omitsTimeWait ? WITHOUT_TIME_WAIT : ALL_STATES;
}

/** IP protocol numbers of inet_diag requests. */
export const IPPROTO = { tcp: 6, udp: 17, sctp: 132, udplite: 136, raw: 255, mptcp: 262 } as const;

/** Returns a dump request for the sockets of a protocol and family: struct inet_diag_req_v2. */
export function inetRequest(
  family: typeof AF_INET | typeof AF_INET6,
  protocol: keyof typeof IPPROTO,
  options: DumpOptions,
): Uint8Array {
  const number = IPPROTO[protocol];
  const payload = new Uint8Array(56);
  payload[0] = family;
  payload[1] = number > 255 ? IPPROTO.raw : number;
  payload[2] = extensions(protocol, options.details);
  new DataView(payload.buffer).setUint32(4, statesOf(protocol, options), LITTLE_ENDIAN);
  return dumpRequest(SOCK_DIAG_BY_FAMILY, payload, number > 255 ? [[INET_DIAG_REQ_PROTOCOL, number]] : []);
}

/**
 * Returns a dump request for the TCP sockets of both families: struct inet_diag_req, older than sock_diag. The kernel
 * ignores the family in it (net/ipv4/inet_diag.c, inet_diag_dump_compat) and walks its hash table once instead of
 * twice; with few sockets that walk is most of the cost.
 */
export function tcpRequest(options: DumpOptions): Uint8Array {
  const payload = new Uint8Array(60);
  payload[3] = extensions('tcp', options.details);
  new DataView(payload.buffer).setUint32(52, statesOf('tcp', options), LITTLE_ENDIAN);
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

/** Length of struct inet_diag_sockid with its cookie, bytes. */
const SOCK_ID_WITH_COOKIE = 48;

/** Offset of the endpoints in struct inet_diag_req_v2. */
const LOOKED_UP_AT = 8;

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
export function tcpLookupRequest(family: 'ipv4' | 'ipv6', sockId: Uint8Array): Uint8Array {
  const request = TCP_LOOKUPS[family].slice();
  request.set(sockId, HEADER_LENGTH + LOOKED_UP_AT);
  return request;
}

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

/** Protocols whose sockets the kernel can close (net/ipv4/tcp_diag.c, udp_diag.c). */
export type ClosableProtocol = 'tcp' | 'udp';

/**
 * Returns a request that closes the socket of a dumped message: its endpoints, interface and cookie, so that no other
 * socket can be meant.
 */
export function destroyRequest(
  protocol: ClosableProtocol,
  { bytes }: NetlinkBuffer,
  start: number,
): Uint8Array {
  const payload = new Uint8Array(LOOKED_UP_AT + SOCK_ID_WITH_COOKIE);
  payload[0] = bytes[start] ?? 0;
  payload[1] = IPPROTO[protocol];
  new DataView(payload.buffer).setUint32(4, ALL_STATES, LITTLE_ENDIAN);
  payload.set(
    bytes.subarray(start + SOCK_ID.start, start + SOCK_ID.start + SOCK_ID_WITH_COOKIE),
    LOOKED_UP_AT,
  );
  return changeRequest(SOCK_DESTROY, payload);
}

function lookupRequest(family: 'ipv4' | 'ipv6', protocol: 'tcp' | 'udp', sockId: Uint8Array): Uint8Array {
  const payload = new Uint8Array(56);
  payload[0] = family === 'ipv4' ? AF_INET : AF_INET6;
  payload[1] = IPPROTO[protocol];
  payload[2] = extensions(protocol, false);
  new DataView(payload.buffer).setUint32(4, ALL_STATES, LITTLE_ENDIAN);
  payload.set(sockId, LOOKED_UP_AT);
  payload.fill(NO_COOKIE, 48);
  return singleRequest(SOCK_DIAG_BY_FAMILY, payload);
}

/** Requests without endpoints. A copy costs less than half of a new request, and half of all closes need one. */
const TCP_LOOKUPS = {
  ipv4: lookupRequest('ipv4', 'tcp', new Uint8Array(SOCK_ID.length)),
  ipv6: lookupRequest('ipv6', 'tcp', new Uint8Array(SOCK_ID.length)),
};

function extensions(protocol: keyof typeof IPPROTO, details: boolean): number {
  if (protocol !== 'tcp') return 0;
  const info = extension(INET_DIAG_INFO);
  return details ? info | extension(INET_DIAG_CONG) | extension(INET_DIAG_VEGASINFO) : info;
}
