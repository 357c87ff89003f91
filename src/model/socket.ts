/**
 * Protocol of a socket. `raw` receives whole IP packets of one protocol, `icmp` is a ping socket, `packet` receives
 * frames of an interface (AF_PACKET: it can capture all traffic of this machine).
 */
export type Protocol =
  | 'tcp'
  | 'udp'
  | 'udplite'
  | 'raw'
  | 'icmp'
  | 'packet'
  | 'sctp'
  | 'mptcp'
  | 'unix'
  | 'vsock';

/** Address family of the socket. A v4-mapped address (`::ffff:…`) belongs to an `ipv6` socket. */
export type Family = 'ipv4' | 'ipv6' | 'packet' | 'unix' | 'vsock';

/**
 * TCP states in the kernel's spelling and order: the first has the number 1 (include/net/tcp_states.h, without the
 * `TCP_` prefix).
 */
export const SOCKET_STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
  'BOUND_INACTIVE',
] as const;

/** State of a socket. Other protocols than TCP use some of these: a connected UDP socket is `ESTABLISHED`. */
export type SocketState = (typeof SOCKET_STATES)[number];

/** Address and port of one side of a socket. */
export interface Endpoint {
  /**
   * - IPv4: dotted decimal; `0.0.0.0` means any address.
   * - IPv6: as in RFC 5952, with `%scope` if known; `::` means any address.
   * - Unix: the path, or `@` and the abstract name; empty for an unnamed socket.
   * - VSOCK: the context id.
   * - Packet: the name of the interface; `*` means all interfaces.
   */
  readonly address: string;
  /** 0 to 65535; up to 2^32 - 1 for VSOCK. 0 means any port, or that the protocol has no ports (see `hasPorts`). */
  readonly port: number;
  /**
   * Number of the protocol that the socket receives: an IP protocol for `raw`; an Ethernet protocol for `packet`, where
   * 3 (ETH_P_ALL) means all. Absent for other sockets, in a remote endpoint, and for a packet socket that receives
   * nothing yet.
   */
  readonly protocol?: number;
}

const WITHOUT_PORTS: readonly Protocol[] = ['raw', 'icmp', 'packet', 'unix'];

/**
 * Returns true if endpoints of this protocol have ports. A ping socket has none: the number that the kernel stores as
 * its port is the ICMP echo id.
 */
export const hasPorts = (protocol: Protocol): boolean => !WITHOUT_PORTS.includes(protocol);

/** Returns the number shown after the colon: the port, or the protocol that a raw or packet socket receives. */
export const portOrProtocol = ({ port, protocol }: Endpoint): number => protocol ?? port;

/** Returns true if the endpoints are equal, or both null. */
export const sameEndpoint = (a: Endpoint | null, b: Endpoint | null): boolean =>
  a === b || (a?.address === b?.address && a?.port === b?.port && a?.protocol === b?.protocol);

/** Returns true if the lists have equal endpoints in the same order, or both are absent. */
export const sameEndpoints = (a: readonly Endpoint[] = [], b: readonly Endpoint[] = []): boolean =>
  a === b || (a.length === b.length && a.every((endpoint, i) => sameEndpoint(endpoint, b[i] ?? null)));

/**
 * How an owner is known.
 * - `exact`: the process holds the socket open now.
 * - `inherited`: the last process known to hold the socket. It has closed the socket (FIN_WAIT, TIME_WAIT), or netpane
 *   can no longer see whether it still holds the socket.
 * - `creator`: the process that made the socket. It may have passed it on to another one since (fork, SCM_RIGHTS).
 * - `listener`: no process holds the connection yet; this process listens on its local endpoint.
 * - `sender`: UDP only. This is the only process that sent from the local address and port of the socket in its network
 *   namespace. The kernel does not report which socket it used.
 * - `hidden`: some process holds the socket, but this user may not see which.
 * - `kernel`: the kernel created the socket and holds it; no process does.
 * - `gone`: the process closed the socket or ended before netpane could identify it.
 * - `unknown`: netpane found no holder; `tried` says where it searched.
 * - `pending`: netpane has not searched yet; a later version of the socket has the result.
 */
export type Knowledge =
  | 'exact'
  | 'inherited'
  | 'creator'
  | 'listener'
  | 'sender'
  | 'hidden'
  | 'kernel'
  | 'gone'
  | 'unknown'
  | 'pending';

/** A process behind a socket. All fields except `knowledge` are absent when unknown. All texts are untrusted. */
export interface Owner {
  readonly knowledge: Knowledge;
  readonly pid?: number;
  /** Program name; longer than the kernel's 15 characters if the rest can be found. */
  readonly process?: string;
  /**
   * Program that the process runs now, if it differs from `process`: the process called execve(2) after it acted on the
   * socket.
   */
  readonly nowProcess?: string;
  /** Command line, arguments joined with spaces. */
  readonly command?: string;
  /** Path of the program file. */
  readonly exe?: string;
  /** Working directory of the process when netpane identified it. */
  readonly directory?: string;
  /** User the process runs as. */
  readonly user?: string;
  /** Wall-clock start of the process, milliseconds since 1970. Where `startTicks` is absent, it identifies the process with the pid. */
  readonly startedAtMs?: number;
  /**
   * Start of the process in hundredths of a second since the machine booted. It identifies the process also after the wall clock
   * was set, which changes `startedAtMs`. Linux only: other systems keep the start that they noted.
   */
  readonly startTicks?: number;
  /** Where netpane searched for a holder, as a clause; only if `knowledge` is `unknown`. */
  readonly tried?: string;
}

/** A network namespace: an isolated network stack, as containers have. */
export interface NetworkNamespace {
  /** Inode of the namespace (`net:[4026531833]`), unique on this machine while the namespace exists. */
  readonly inode: number;
  /** Name of the container, or the name in `ip netns`; absent if none is found. Untrusted text. */
  readonly name?: string;
  /** Uid of an ordinary user who may have chosen the name, which then begins with `~USER/`; absent if root chose it. */
  readonly claimedBy?: number;
  /** True for the namespace that netpane runs in; else absent. */
  readonly own?: true;
}

/** Kind of a TCP timer (inet_diag `idiag_timer`), with the names that ss prints. */
export type TimerKind = 'on' | 'keepalive' | 'timewait' | 'persist';

/** The pending TCP timer of a socket. */
export interface Timer {
  readonly kind: TimerKind;
  /** Wall-clock time of expiry, milliseconds since 1970. */
  readonly dueAtMs: number;
  /** Number of expiries in a row without an answer from the peer (inet_diag `idiag_retrans`). */
  readonly retransmits: number;
}

/**
 * Traffic counters and quality of a connection. Counters start at 0 when the socket is created. A field is absent when
 * unknown. A closed connection keeps its last known values.
 */
export interface Traffic {
  /**
   * Payload bytes received in order. For UDP, raw and ping sockets: all bytes that arrived since netpane started; for raw
   * and ping sockets including the header after the IP header.
   */
  readonly rxBytes?: number;
  /** Payload bytes sent, without retransmissions; before Linux 4.19 only those that the peer has acknowledged. */
  readonly txBytes?: number;
  /** TCP segments; packets of other protocols. */
  readonly rxSegments?: number;
  readonly txSegments?: number;
  /** Retransmitted segments. */
  readonly retransmits?: number;
  /** Smoothed round-trip time and its mean deviation, microseconds. */
  readonly rttMicros?: number;
  readonly rttVarMicros?: number;
  /** Congestion window, segments. */
  readonly cwnd?: number;
  /** Most recent delivery rate to the peer, bytes per second. */
  readonly deliveryRate?: number;
  /**
   * Bytes not yet read by the program; for a listener, the number of connections not yet accepted. For UDP, the buffer
   * memory of the packets (net/ipv4/udp_diag.c).
   */
  readonly recvQueue?: number;
  /** Bytes not yet acknowledged by the peer; for a listener, the backlog limit; for UDP, memory of unsent packets. */
  readonly sendQueue?: number;
  /** Wall-clock time of the last data sent or received, milliseconds since 1970. */
  readonly lastSentAtMs?: number;
  readonly lastReceivedAtMs?: number;
}

/**
 * All fields of struct tcp_info (include/uapi/linux/tcp.h) that the running kernel fills in, by their names in camel
 * case with the unit as suffix.
 */
export type TcpInfo = Readonly<Record<string, number | string | boolean>>;

/** Side that opened a connection: the peer (`in`) or this machine (`out`). */
export type Direction = 'in' | 'out';

/** One network socket at one moment. Immutable: an unchanged socket is the same object in the next snapshot. */
export interface Socket {
  /** Identifies one life of a socket. Never derived from pid or state. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly family: Family;
  readonly local: Endpoint;
  /** Null without a peer, as for a listener. */
  readonly remote: Endpoint | null;
  /** Absent when unknown, and for an unconnected socket of a protocol such as UDP. */
  readonly state?: SocketState;
  /** Socket inode; absent once no process holds the socket, and on systems other than Linux. */
  readonly inode?: number;
  readonly uid?: number;
  /** Name of `uid`. */
  readonly user?: string;
  /** Interface that the socket is bound to, or that has its local address; absent if not limited to one, or unknown. */
  readonly interface?: string;
  /** Absent if the source reads only one namespace, or if it is not known yet. */
  readonly netns?: NetworkNamespace;
  /**
   * Wall-clock time of socket(2), or of the end of the handshake for an accepted connection, milliseconds since 1970;
   * absent if the kernel did not record it: the socket is older than netpane.
   */
  readonly createdAtMs?: number;
  readonly traffic?: Traffic;
  /**
   * Up to four peers of a UDP, raw or ping socket without a remote endpoint, the most recent first. It has sent a packet
   * to them, or received one from them, since netpane started. Their order is that of the first packets. Absent if none
   * is known.
   */
  readonly peers?: readonly Endpoint[];
  readonly timer?: Timer;
  /** Who opened the connection, if the kernel reports it; else the store derives it from the listeners. */
  readonly opened?: Direction;
  /** Only with `SourceOptions.tcpDetails`, because it is large. */
  readonly tcp?: TcpInfo;
  /** The processes behind the socket, or one entry that says why none is known; never empty. */
  readonly owners: readonly Owner[];
}

const UNKNOWN_OWNER: Owner = { knowledge: 'unknown' };

/** Returns the owner that is shown where there is space for only one. */
export const firstOwner = (socket: Socket): Owner => socket.owners[0] ?? UNKNOWN_OWNER;

/** Returns true if the state, an endpoint or the pid of the first owner changed. Such a change makes an event. */
export const isNotable = (before: Socket, now: Socket): boolean =>
  before.state !== now.state ||
  !sameEndpoint(before.local, now.local) ||
  !sameEndpoint(before.remote, now.remote) ||
  // A process that is found late has held the socket all along.
  (firstOwner(before).knowledge !== 'pending' && firstOwner(before).pid !== firstOwner(now).pid);

/**
 * Returns true for a remnant: the kernel has freed the socket and only reserves the endpoints of the closed connection.
 * Its state may be FIN_WAIT2 (net/ipv4/inet_timewait_sock.c, tw_substate); then only its timer identifies it.
 */
export const isRemnant = ({ state, timer }: Socket): boolean =>
  state === 'TIME_WAIT' || timer?.kind === 'timewait';

/** Returns true for a listener: state LISTEN, or a UDP socket without a remote endpoint. */
export const isListening = (socket: Socket): boolean =>
  socket.state === 'LISTEN' ||
  ((socket.protocol === 'udp' || socket.protocol === 'udplite') && socket.remote === null);

/** Returns true for a TCP or connected UDP socket in state ESTABLISHED. */
export const isEstablished = (socket: Socket): boolean => socket.state === 'ESTABLISHED';

/** Returns the namespace of a socket as a query names it; empty if it has none. */
export const namespaceName = ({ netns }: Socket): string =>
  netns ? (netns.name ?? String(netns.inode)) : '';

/** Returns the protocol with its family, as netstat prints it: `tcp`, `tcp6`, `udp`, `udp6`, `raw6`. */
export const protocolName = (socket: Socket): string =>
  socket.family === 'ipv6' ? `${socket.protocol}6` : socket.protocol;
