import { type Protocol, SOCKET_STATES, type SocketState } from '../model/socket.ts';
import type { Flag } from './expression.ts';
import { splitList, type Piece, refuse, quotePart } from './mistake.ts';

/** The flags, with their description in the help. */
export const FLAGS = {
  listen: 'TCP listeners and UDP sockets without a remote endpoint',
  established: 'connections in state ESTABLISHED',
  in: 'connections opened by the peer',
  out: 'connections opened by this machine',
  new: 'opened since netpane started, or since the key b was pressed',
  closed: 'closed sockets that are still shown',
  exposed: 'listening on an address other than loopback',
  loopback: 'the remote address, or the local one if there is none, is loopback',
  private: 'the same address is in a private or link-local network',
  public: 'the same address is anywhere else on the Internet',
  ipv4: 'IPv4 sockets',
  ipv6: 'IPv6 sockets',
} satisfies Record<Flag, string>;

export const isFlag = (word: string): word is Flag => Object.hasOwn(FLAGS, word);

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

/** Normalizes the name of a state for comparison. */
const bare = (state: string): string => state.replaceAll('_', '').toLowerCase();

/** Other names of states, from the manual of lsof and RFC 9293. */
const OTHER_STATES: Readonly<Record<string, SocketState>> = {
  closed: 'CLOSE',
  synrcvd: 'SYN_RECV',
  synrcdv: 'SYN_RECV',
  synreceived: 'SYN_RECV',
};

/** Returns a state by its name, in any case, with or without underscores. */
export const stateOf = (name: string): SocketState | undefined =>
  SOCKET_STATES.find((it) => bare(it) === bare(name)) ??
  (Object.hasOwn(OTHER_STATES, bare(name)) ? OTHER_STATES[bare(name)] : undefined);

const distinct = <T>(list: readonly T[]): T[] => [...new Set(list)];

/** Returns the message for a name that is not a state. */
export const unknownState = (name: string): string =>
  `unknown state ${quotePart(name)} (LISTEN, ESTABLISHED …)`;

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
