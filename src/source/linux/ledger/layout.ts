/**
 * Layout of the values in the maps, bytes. Keys are cookies, 64 bits. All numbers are in the byte order of the machine.
 */

/** Entry of a socket: its creation, its release and its endpoints. */
export const ENTRY = {
  /** Result of bpf_get_current_pid_tgid: thread in the low 32 bits, process in the high ones; 0 for an accepted socket. */
  creator: 0,
  /** User in the low 32 bits. */
  creatorUser: 8,
  /** Time of socket(2), or of the end of the handshake for an accepted socket, ns of CLOCK_MONOTONIC. */
  bornNs: 16,
  creatorName: 24,
  /** Time at which the last descriptor was closed, ns; 0 before. */
  releasedNs: 40,
  /** Thread and process that closed the last descriptor. */
  releaser: 48,
  releaserName: 56,
  /** The TCP operation that set the endpoints (`TCP_OPERATION`); 0 before. */
  operation: 72,
  /** AF_INET or AF_INET6. */
  family: 76,
  /** Copy of struct bpf_sock_ops from `remote_ip4` to `local_port`. */
  endpoints: 80,
  /** TCP state (include/net/tcp_states.h) at the time of `releasedNs`. */
  releasedState: 128,
  length: 136,
} as const;

/** Parts of `ENTRY.endpoints`. Addresses and the remote port are in network byte order, the local port is not. */
export const ENDPOINTS = {
  remote4: 0,
  local4: 4,
  remote6: 8,
  local6: 24,
  remotePort: 40,
  localPort: 44,
  length: 48,
} as const;

/** Bytes of a thread name, TASK_COMM_LEN. */
export const NAME_LENGTH = 16;

/** Operations of BPF_PROG_TYPE_SOCK_OPS that the ledger records, include/uapi/linux/bpf.h. */
export const TCP_OPERATION = { connect: 3, accepted: 5, listen: 11 } as const;

/**
 * Counters of a socket that is not TCP, 64 bits each, and its last peers if it is not connected. The peers are in a ring:
 * the number of those written so far is at `peerCount`.
 */
export const COUNTERS = {
  rxPackets: 0,
  rxBytes: 8,
  txPackets: 16,
  txBytes: 24,
  peerCount: 32,
  peers: 40,
  length: 136,
} as const;

/**
 * Slot of an array: the counters of one UDP socket from its creation, or the start of netpane, to its release, and its cookie. The
 * last bits of a cookie are the index of its slot. The programs find a slot without a call of the kernel: the hash map takes some
 * 90 ns more for a packet in each direction.
 */
export const SLOT = { cookie: COUNTERS.length, length: COUNTERS.length + 8 } as const;

/** The cookie in a slot of no socket: free, or while it is being cleared for one. */
export const NO_SOCKET = { free: 0, taken: -1 } as const;

/** Number of slots, a power of two. A socket whose slot is taken has its counters in the hash map. */
export const SLOTS = 1024;

/** Number of peers kept for a socket, a power of two. */
export const MAX_PEERS = 4;

/**
 * A peer: its address, and a 64-bit number made of port, IP version and check, which is 0 until a peer is written. Address
 * and port are in network byte order, an IPv4 address is in the lower half. The check is the four 32-bit words of the
 * address combined by exclusive or: two processors may write a peer at once, and then check and address do not match.
 */
export const PEER = {
  upper: 0,
  lower: 8,
  number: 16,
  /** The first part of the number. The parts fill it but for a byte of 0, so two peers are compared by one number. */
  port: 16,
  /** 4 or 6, one byte. */
  version: 18,
  check: 20,
  length: 24,
} as const;

/**
 * Keys of the array with what the programs count: the entries that they have made and not removed, and how often the kernel
 * had no room for an entry or for counters.
 */
export const COUNT = { entries: 0, refused: 1, length: 2 } as const;
