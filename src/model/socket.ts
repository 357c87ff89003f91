/** Transport protocol of a socket. */
export type Protocol = 'tcp' | 'udp';

/** Address family the socket was made with. A v4-mapped address (`::ffff:…`) lives on an `ipv6` socket. */
export type Family = 'ipv4' | 'ipv6';

/**
 * TCP states in the kernel's spelling (include/net/tcp_states.h, without the `TCP_` prefix). A connected UDP
 * socket is `ESTABLISHED`; an unconnected one has no state.
 */
export type SocketState =
  | 'ESTABLISHED'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'FIN_WAIT1'
  | 'FIN_WAIT2'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'LISTEN'
  | 'CLOSING'
  | 'NEW_SYN_RECV'
  | 'BOUND_INACTIVE';

/** One end of a socket. */
export interface Endpoint {
  /** RFC 5952 text for IPv6, with `%scope` where it is known; dotted decimal for IPv4; `0.0.0.0` or `::` for any. */
  readonly address: string;
  /** 0 to 65535; 0 means any. */
  readonly port: number;
}

/**
 * How an owner is known.
 * - `exact`: the process holds the socket open now.
 * - `inherited`: it was the last process known to hold it; it has let go (FIN_WAIT, TIME_WAIT) or cannot be seen now.
 * - `listener`: the connection has no holder of its own; this process listens on its local endpoint.
 * - `hidden`: some process holds it, but this user may not see which.
 * - `kernel`: no process holds it; the kernel itself does.
 * - `gone`: its process was gone before netpane could see it.
 */
export type Knowledge = 'exact' | 'inherited' | 'listener' | 'hidden' | 'kernel' | 'gone';

/** A program behind a socket. Every field but `knowledge` is absent when unknown. All text is hostile. */
export interface Owner {
  readonly knowledge: Knowledge;
  readonly pid?: number;
  /** Program name, not cut at the kernel's 15 characters where the rest can be found. */
  readonly process?: string;
  /** Command line, arguments parted by spaces. */
  readonly command?: string;
  /** Path of the program's file. */
  readonly exe?: string;
  /** User the process runs as. */
  readonly user?: string;
  /** Wall-clock start of the process, milliseconds since 1970. With the pid it names one process for good. */
  readonly startedAtMs?: number;
}

/** One network socket at one moment. Immutable: while nothing changes it stays the same object. */
export interface Socket {
  /** Names one life of a socket, from its first sighting to its end. Never made of pid or state. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly family: Family;
  readonly local: Endpoint;
  /** `null` when there is no peer: a listener or an unconnected UDP socket. */
  readonly remote: Endpoint | null;
  readonly state?: SocketState;
  /** Socket inode; absent when the system has none for it (no process holds it any more, or another system). */
  readonly inode?: number;
  readonly uid?: number;
  /** Name of `uid`. */
  readonly user?: string;
  /** Every program that holds the socket; never empty. */
  readonly owners: readonly Owner[];
}

const UNKNOWN_OWNER: Owner = { knowledge: 'gone' };

/** The owner a single-line view names: the first. */
export const firstOwner = (socket: Socket): Owner => socket.owners[0] ?? UNKNOWN_OWNER;

/** Open to anybody: a TCP listener, or a UDP socket bound to a port and to no peer. */
export const isListening = (socket: Socket): boolean =>
  socket.state === 'LISTEN' || (socket.protocol === 'udp' && socket.remote === null);

/** True for a connection, TCP or connected UDP, in state ESTABLISHED. */
export const isEstablished = (socket: Socket): boolean => socket.state === 'ESTABLISHED';

/** Protocol with its family, as netstat writes it: `tcp`, `tcp6`, `udp`, `udp6`. */
export const protocolName = (socket: Socket): string =>
  socket.family === 'ipv6' ? `${socket.protocol}6` : socket.protocol;
