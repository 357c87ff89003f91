import { SOCKET_STATES, type SocketState } from '../model/socket.ts';
import { quotePart, type Piece, refuse, splitList } from './mistake.ts';
import { nearest } from './nearest.ts';

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

/** Returns the message for a name that is not a state. */
export function unknownState(name: string): string {
  // ss prints UNCONN for a UDP socket without a peer.
  if (bare(name) === 'unconn')
    return 'UNCONN is not a TCP state: for UDP sockets without a peer, write listen';
  const meant = nearest(name, SOCKET_STATES);
  return `unknown state ${quotePart(name)} (LISTEN, ESTABLISHED …)${meant === undefined ? '' : `: did you mean ${meant}?`}`;
}

/** Returns the states of a list, each once. Throws a Mistake at an unknown one. */
export const readStates = (piece: Piece): SocketState[] => {
  const names = splitList(piece, 'a state: LISTEN, ESTABLISHED, CLOSE_WAIT');
  return [...new Set(names.map((it) => stateOf(it.text) ?? refuse(it, unknownState(it.text))))];
};
