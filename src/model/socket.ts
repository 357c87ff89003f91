/**
 * What a socket speaks. `raw` takes whole IP packets of one protocol, `icmp` is a ping socket, `packet` takes frames
 * from an interface (AF_PACKET: it can read what this machine sends and receives).
 */
export type Protocol =
  'tcp' | 'udp' | 'udplite' | 'raw' | 'icmp' | 'packet' | 'sctp' | 'mptcp' | 'unix' | 'vsock';

/** Address family the socket was made with. A v4-mapped address (`::ffff:…`) lives on an `ipv6` socket. */
export type Family = 'ipv4' | 'ipv6' | 'packet' | 'unix' | 'vsock';

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
  /**
   * RFC 5952 text for IPv6, with `%scope` where it is known; dotted decimal for IPv4; `0.0.0.0` or `::` for any; the
   * path of a Unix socket, `@` before an abstract one, empty for one without a name; the context id of VSOCK; the
   * interface of a packet socket, `*` for all.
   */
  readonly address: string;
  /** 0 to 65535; 32 bits for VSOCK. 0 means any; always 0 where the protocol has no ports (see `hasPorts`). */
  readonly port: number;
  /**
   * The protocol that the socket receives: for `raw` the number of an IP protocol, for `packet` of an Ethernet protocol
   * (3: all). Absent for every other socket, for a peer, and for a packet socket that receives nothing yet.
   */
  readonly protocol?: number;
}

const WITHOUT_PORTS: readonly Protocol[] = ['raw', 'icmp', 'packet', 'unix'];

/** True if endpoints of this protocol have a port. The kernel keeps the echo identifier of a ping socket in its place. */
export const hasPorts = (protocol: Protocol): boolean => !WITHOUT_PORTS.includes(protocol);

/** The number behind the colon of an endpoint: its port, or the protocol that a raw or a packet socket takes. */
export const portOrProtocol = ({ port, protocol }: Endpoint): number => protocol ?? port;

/** True if both are the same endpoint, or both are none. */
export const sameEndpoint = (a: Endpoint | null, b: Endpoint | null): boolean =>
  a === b || (a?.address === b?.address && a?.port === b?.port && a?.protocol === b?.protocol);

/**
 * How an owner is known.
 * - `exact`: the process holds the socket open now.
 * - `inherited`: it was the last process known to hold it; it has let go (FIN_WAIT, TIME_WAIT) or cannot be seen now.
 * - `listener`: the connection has no holder of its own; this process listens on its local endpoint.
 * - `sender`: UDP; only this process sent from the port and address of the socket, in its network namespace. The kernel
 *   does not say by which socket.
 * - `hidden`: some process holds it, but this user may not see which.
 * - `kernel`: the kernel itself made it and holds it; no process does.
 * - `gone`: its process has let go of it, or has ended, before netpane could see which one it was.
 * - `unknown`: all that can be searched was searched, and no holder was found; `tried` says where.
 * - `pending`: not looked for yet; the answer comes as a change.
 */
export type Knowledge =
  'exact' | 'inherited' | 'listener' | 'sender' | 'hidden' | 'kernel' | 'gone' | 'unknown' | 'pending';

/** A program behind a socket. Every field but `knowledge` is absent when unknown. All text is hostile. */
export interface Owner {
  readonly knowledge: Knowledge;
  readonly pid?: number;
  /** Program name, not cut at the kernel's 15 characters where the rest can be found. */
  readonly process?: string;
  /** Program that the process has become since it acted as `process` (execve); absent where it is still that. */
  readonly nowProcess?: string;
  /** Command line, arguments parted by spaces. */
  readonly command?: string;
  /** Path of the program's file. */
  readonly exe?: string;
  /** User the process runs as. */
  readonly user?: string;
  /** Wall-clock start of the process, milliseconds since 1970. With the pid it names one process for good. */
  readonly startedAtMs?: number;
  /** Where a holder was searched for in vain, as a clause; only where `knowledge` is `unknown`. */
  readonly tried?: string;
}

/** A network namespace: a network of its own, as a container has one. */
export interface NetworkNamespace {
  /** Inode of the namespace (`net:[4026531833]`): names it on this machine for as long as it lives. */
  readonly inode: number;
  /** Name of the container, or as `ip netns` knows it; absent when nothing local tells one. Hostile text. */
  readonly name?: string;
  /** Uid of a user who may have made the name up, which then begins with `~USER/`; absent for a name that root gave. */
  readonly claimedBy?: number;
}

/** What a timer of a TCP socket waits for (inet_diag `idiag_timer`; names as ss prints them). */
export type TimerKind = 'on' | 'keepalive' | 'timewait' | 'persist';

/** The timer of a TCP socket that runs out next. */
export interface Timer {
  readonly kind: TimerKind;
  /** Wall-clock time it runs out, milliseconds since 1970. */
  readonly dueAtMs: number;
  /** Times it has run out in a row without an answer. */
  readonly retransmits: number;
}

/**
 * What has gone through a socket, and how well. Counters since the socket was made; every field is absent when
 * unknown. After a connection has ended they are the last known ones.
 */
export interface Traffic {
  /** Payload bytes received in order. */
  readonly rxBytes?: number;
  /** Payload bytes sent, each counted once however often it was sent. */
  readonly txBytes?: number;
  readonly rxSegments?: number;
  readonly txSegments?: number;
  /** Segments sent again. */
  readonly retransmits?: number;
  /** Smoothed round-trip time and its mean deviation, microseconds. */
  readonly rttMicros?: number;
  readonly rttVarMicros?: number;
  /** Congestion window, segments. */
  readonly cwnd?: number;
  /** Latest rate at which the peer took delivery, bytes a second. */
  readonly deliveryRate?: number;
  /** Bytes not yet read by the program; of a listener, connections not yet accepted. */
  readonly recvQueue?: number;
  /** Bytes not yet acknowledged by the peer; of a listener, the most connections that may wait. */
  readonly sendQueue?: number;
  /** Wall-clock time of the last data sent and received, milliseconds since 1970. */
  readonly lastSentAtMs?: number;
  readonly lastReceivedAtMs?: number;
}

/**
 * Everything the kernel tells of a TCP connection (struct tcp_info, include/uapi/linux/tcp.h), by the names of its
 * fields in camel case, with their units; only what the running kernel knows.
 */
export type TcpInfo = Readonly<Record<string, number | string | boolean>>;

/** Who opened a connection: the peer, or this machine. */
export type Direction = 'in' | 'out';

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
  /** Interface it is bound to, or that has its local address; absent for any, or when unknown. */
  readonly interface?: string;
  /** Absent when the source knows of one namespace only. */
  readonly netns?: NetworkNamespace;
  readonly traffic?: Traffic;
  readonly timer?: Timer;
  /** Who opened the connection, where the kernel itself told it; listeners may tell it where this is absent. */
  readonly opened?: Direction;
  /** Only where a source was asked for it: it is of a size. */
  readonly tcp?: TcpInfo;
  /** Every program that holds the socket; never empty. */
  readonly owners: readonly Owner[];
}

const UNKNOWN_OWNER: Owner = { knowledge: 'unknown' };

/** The owner a single-line view names: the first. */
export const firstOwner = (socket: Socket): Owner => socket.owners[0] ?? UNKNOWN_OWNER;

/** A change worth telling: another state, another peer, another program. Others only replace what is shown. */
export const isNotable = (before: Socket, now: Socket): boolean =>
  before.state !== now.state ||
  !sameEndpoint(before.local, now.local) ||
  !sameEndpoint(before.remote, now.remote) ||
  // A program that is found late has been there all the time.
  (firstOwner(before).knowledge !== 'pending' && firstOwner(before).pid !== firstOwner(now).pid);

/**
 * True for what is left of a connection when it is over: the kernel keeps its port pair for a while, and nothing else.
 * Its state may be FIN_WAIT2 (net/ipv4/inet_timewait_sock.c, tw_substate); the timer tells.
 */
export const isRemnant = ({ state, timer }: Socket): boolean =>
  state === 'TIME_WAIT' || timer?.kind === 'timewait';

/** Open to anybody: a listener, or a UDP socket bound to a port and to no peer. */
export const isListening = (socket: Socket): boolean =>
  socket.state === 'LISTEN' ||
  ((socket.protocol === 'udp' || socket.protocol === 'udplite') && socket.remote === null);

/** True for a connection, TCP or connected UDP, in state ESTABLISHED. */
export const isEstablished = (socket: Socket): boolean => socket.state === 'ESTABLISHED';

/** Protocol with its family, as netstat writes it: `tcp`, `tcp6`, `udp`, `udp6`, `raw6`. */
export const protocolName = (socket: Socket): string =>
  socket.family === 'ipv6' ? `${socket.protocol}6` : socket.protocol;
