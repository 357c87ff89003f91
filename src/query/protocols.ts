import type { Protocol } from '../model/socket.ts';
import { quotePart, type Piece, refuse, splitList } from './mistake.ts';

/** True for protocols that run over both IPv4 and IPv6. */
const WITH_FAMILIES = {
  tcp: true,
  udp: true,
  udplite: true,
  raw: true,
  icmp: true,
  sctp: true,
  mptcp: true,
  packet: false,
  unix: false,
  vsock: false,
} satisfies Record<Protocol, boolean>;

/** Every protocol. */
export const PROTOCOLS = Object.keys(WITH_FAMILIES) as Protocol[];

/** Protocol names that a query accepts: `tcp` matches `tcp4` and `tcp6`. */
export const PROTOCOL_NAMES: readonly string[] = Object.entries(WITH_FAMILIES).flatMap(
  ([name, hasFamilies]) => (hasFamilies ? [name, `${name}4`, `${name}6`] : [name]),
);

/** Returns the protocols of a list, each once. Throws a Mistake at an unknown one. */
export const readProtocols = (piece: Piece): string[] => {
  const names = splitList(piece, 'a protocol: tcp, udp, tcp6, raw').map((it) => {
    const name = it.text.toLowerCase();
    if (PROTOCOL_NAMES.includes(name)) return name;
    return refuse(it, `unknown protocol ${quotePart(it.text)} (${PROTOCOLS.join(', ')})`);
  });
  return [...new Set(names)];
};

/** Matches the IP version at the end of a protocol name. */
export const PROTOCOL_FAMILY = /[46]$/;

/**
 * Returns true if a socket has the protocol: `tcp4` is TCP over IPv4, `tcp` is TCP over either.
 * @param protocol as in `protocolName`
 */
export function isProtocol(wanted: string, protocol: string, family: string): boolean {
  const name = family === 'ipv6' ? protocol.slice(0, -1) : protocol;
  return wanted === name || (family.startsWith('ip') && wanted === name + family.slice(-1));
}
