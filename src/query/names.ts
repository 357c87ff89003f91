import { type Protocol, SOCKET_STATES, type SocketState } from '../model/socket.ts';
import { nearest } from './nearest.ts';
import { splitList, type Piece, refuse, quotePart } from './mistake.ts';

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

/** Protocol names that a query accepts: `tcp` matches `tcp4` and `tcp6`. */
export const PROTOCOL_NAMES: readonly string[] = Object.entries(WITH_FAMILIES).flatMap(
  ([name, hasFamilies]) => (hasFamilies ? [name, `${name}4`, `${name}6`] : [name]),
);

/** Returns the name of a state as it is compared: in small letters, without underscores and dashes. */
const bare = (state: string): string => state.replace(/[_-]/g, '').toLowerCase();

/** Other names of states, from ss, netstat, Windows, the manual of lsof and RFC 9293. */
const OTHER_STATES: Readonly<Record<string, SocketState>> = {
  listening: 'LISTEN',
  estab: 'ESTABLISHED',
  closed: 'CLOSE',
  synrcvd: 'SYN_RECV',
  synrcdv: 'SYN_RECV',
  synreceived: 'SYN_RECV',
};

/** Returns a state by its name, in any case, with or without underscores or dashes; undefined if there is none. */
export const stateOf = (name: string): SocketState | undefined =>
  SOCKET_STATES.find((it) => bare(it) === bare(name)) ??
  (Object.hasOwn(OTHER_STATES, bare(name)) ? OTHER_STATES[bare(name)] : undefined);

const distinct = <T>(list: readonly T[]): T[] => [...new Set(list)];

/** Returns the message for a name that is not a state. */
export function unknownState(name: string): string {
  // ss prints UNCONN for a UDP socket without a peer.
  if (bare(name) === 'unconn')
    return 'UNCONN is not a TCP state: for UDP sockets without a peer, write listen';
  const meant = nearest(name, SOCKET_STATES);
  return `unknown state ${quotePart(name)} (LISTEN, ESTABLISHED …)${meant === undefined ? '' : `: did you mean ${meant}?`}`;
}

export const readStates = (piece: Piece): SocketState[] =>
  distinct(
    splitList(piece, 'a state: LISTEN, ESTABLISHED, CLOSE_WAIT').map(
      (it) => stateOf(it.text) ?? refuse(it, unknownState(it.text)),
    ),
  );

export const readProtocols = (piece: Piece): string[] =>
  distinct(
    splitList(piece, 'a protocol: tcp, udp, tcp6, raw').map((it) => {
      const name = it.text.toLowerCase();
      return PROTOCOL_NAMES.includes(name)
        ? name
        : refuse(it, `unknown protocol ${quotePart(it.text)} (${Object.keys(WITH_FAMILIES).join(', ')})`);
    }),
  );

/** Matches the IP version at the end of a protocol name. */
export const PROTOCOL_FAMILY = /[46]$/;

/**
 * Returns true if a socket has the protocol: `tcp4` is TCP over IPv4, `tcp` is either family.
 * @param protocol as in `protocolName`
 */
export function isProtocol(wanted: string, protocol: string, family: string): boolean {
  const name = family === 'ipv6' ? protocol.slice(0, -1) : protocol;
  return wanted === name || (family.startsWith('ip') && wanted === name + family.slice(-1));
}
