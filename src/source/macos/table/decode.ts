import { formatIpv6 } from '../../../model/address.ts';
import type { Endpoint, Family, Protocol, SocketState } from '../../../model/socket.ts';
import { INPCB, SOCKET, VFLAG } from './layout.ts';
import type { Rows } from './rows.ts';

/** States by their number (bsd/netinet/tcp_fsm.h). */
const STATES: readonly SocketState[] = [
  'CLOSE',
  'LISTEN',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'CLOSE_WAIT',
  'FIN_WAIT1',
  'CLOSING',
  'LAST_ACK',
  'FIN_WAIT2',
  'TIME_WAIT',
];

/** Returns the state of a number of the kernel; undefined for an unknown number. */
export const stateOf = (number: number): SocketState | undefined => STATES[number];

/** bsd/sys/socket.h */
export const AF_INET = 2;
export const AF_INET6 = 30;

/** Endpoints of a socket as the kernel stores them: 128 bits each; an IPv4 address is in the last 32. */
export interface RawEndpoint {
  readonly family: Family;
  /** True if the words are an IPv6 address, false for an IPv4 address in the last one. */
  readonly isIpv6: boolean;
  readonly words: readonly [number, number, number, number];
  readonly port: number;
}

/** Returns the name of an interface by its number; undefined if there is none. */
export type InterfaceName = (index: number) => string | undefined;

/** Returns a 16-bit number with its two bytes swapped: from or to network order. */
export const networkOrder = (number: number): number => ((number & 0xff) << 8) | ((number >>> 8) & 0xff);

/** Returns the endpoints of the current row; a remote endpoint of zeros is null. */
export function endpointsOf(
  { words, inpcb, socket }: Rows,
  nameOf: InterfaceName,
): { family: Family; local: Endpoint; remote: Endpoint | null } {
  const vflag = (words[inpcb + INPCB.vflag] ?? 0) & 0xff;
  const isIpv6 = (vflag & VFLAG.ipv6) !== 0;
  const number = words[socket + SOCKET.family];
  const family = number === AF_INET6 || (number !== AF_INET && isIpv6) ? 'ipv6' : 'ipv4';
  const ports = words[inpcb + INPCB.ports] ?? 0;
  const raw = (at: number, port: number): RawEndpoint => ({
    family,
    isIpv6,
    words: [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0],
    port,
  });
  const remote = raw(inpcb + INPCB.remoteAddress, networkOrder(ports & 0xffff));
  return {
    family,
    local: formatEndpoint(raw(inpcb + INPCB.localAddress, networkOrder(ports >>> 16)), nameOf),
    remote: isUnset(remote) ? null : formatEndpoint(remote, nameOf),
  };
}

const isUnset = ({ words: [a, b, c, d], port }: RawEndpoint): boolean => (a | b | c | d | port) === 0;

/** Returns the endpoint as text. A socket of IPv6 that is connected over IPv4 has a v4-mapped address. */
export function formatEndpoint(raw: RawEndpoint, nameOf: InterfaceName): Endpoint {
  const { family, isIpv6, words, port } = raw;
  const [, , , last] = words;
  if (family === 'ipv4' && !isIpv6) return { address: dotted(last), port };
  const groups = isIpv6
    ? words.flatMap((word) => [networkOrder(word & 0xffff), networkOrder(word >>> 16)])
    : [0, 0, 0, 0, 0, last === 0 ? 0 : 0xffff, networkOrder(last & 0xffff), networkOrder(last >>> 16)];
  const scope = takeScope(groups);
  const address = formatIpv6(groups);
  return { address: scope === 0 ? address : `${address}%${nameOf(scope) ?? scope}`, port };
}

/** Returns the dotted form of an IPv4 address in network order. */
const dotted = (word: number): string =>
  `${word & 0xff}.${(word >>> 8) & 0xff}.${(word >>> 16) & 0xff}.${word >>> 24}`;

/**
 * Takes the number of the interface out of an address: the kernel stores it in the second group of addresses that are
 * valid on one link only (bsd/netinet6/scope6.c, in6_embedscope).
 * @returns the number of the interface; 0 if the address has none
 */
function takeScope(groups: number[]): number {
  const [first = 0, second = 0] = groups;
  const isLinkLocal = (first & 0xffc0) === 0xfe80;
  // Multicast with the scope of an interface or a link.
  const isMulticast = (first & 0xff00) === 0xff00 && ((first & 0xf) === 1 || (first & 0xf) === 2);
  if (second === 0 || !(isLinkLocal || isMulticast)) return 0;
  groups[1] = 0;
  return second;
}

/** Returns the key of a user-space flow, which has no control block: protocol, endpoints and process. */
export function flowKey(protocol: Protocol, { words, inpcb, socket }: Rows): string {
  const endpoints = words.subarray(inpcb + INPCB.remoteAddress, inpcb + INPCB.localAddress + 4);
  return `${protocol} flow ${words[inpcb + INPCB.ports] ?? 0} ${endpoints.join(' ')} ${words[socket + SOCKET.lastPid] ?? 0}`;
}
