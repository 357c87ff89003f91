/**
 * Layout of net.inet.tcp.pcblist_n and net.inet.udp.pcblist_n, as XNU writes them (bsd/netinet/in_pcblist.c): a header
 * (struct xinpgen), for each socket some records that begin with their length and kind, and a trailer like the header.
 * The structures are packed to 4 bytes, each record is padded to 8, and every Mac is little-endian. All numbers below
 * are indexes of 32-bit words; `test/helpers/macos/layout.c` compares them with the structures.
 */

/** Length of struct xinpgen (bsd/netinet/in_pcb.h), bytes. No record is that short. */
export const XINPGEN_BYTES = 24;
/** Index of the number of sockets in struct xinpgen. */
export const XINPGEN_COUNT = 1;

/** Kinds of records (bsd/sys/socketvar.h, bsd/netinet/in_pcb.h). */
export const KIND = {
  socket: 1,
  receiveBuffer: 2,
  sendBuffer: 4,
  stats: 8,
  inpcb: 0x10,
  tcpcb: 0x20,
} as const;

/** struct xinpcb_n (bsd/netinet/in_pcb.h). */
export const INPCB = {
  /** A hash of the address of the control block, 64 bits. */
  pcb: 2,
  /** Remote port, then local port, each 16 bits in network order. */
  ports: 4,
  /** Number of the control block, 64 bits: never used again for the same protocol. */
  generation: 7,
  /** Its lowest byte has the flags `VFLAG`. */
  vflag: 11,
  /** 128 bits; an IPv4 address is the last 32. */
  remoteAddress: 12,
  localAddress: 16,
} as const;
export const INPCB_WORDS = 20;
export const VFLAG = { ipv4: 1, ipv6: 2 } as const;

/** struct xsocket_n (bsd/sys/socketvar.h); macOS before 13 ends it after `effectivePid`. */
export const SOCKET = {
  /** A hash of the address of the socket, 64 bits: `soi_so` of proc_pidfdinfo; 0 for a user-space flow. */
  socket: 2,
  /** Address family: 0 for a user-space flow (bsd/net/ntstat.c, nstat_userland_to_xsocket_n). */
  family: 10,
  /** Connections not yet accepted, 16 bits. */
  queueLength: 11,
  /** Maximum of these, 16 bits. */
  queueLimit: 12,
  uid: 16,
  /** The last process that used the socket. */
  lastPid: 17,
  /** The process on whose behalf it is used; 0 for none. */
  effectivePid: 18,
} as const;
export const SOCKET_WORDS = 19;

/** struct xsockbuf_n (bsd/sys/socketvar.h): number of bytes in the buffer. */
export const BUFFER_BYTES = 2;
export const BUFFER_WORDS = 3;

/**
 * struct xsockstat_n (bsd/sys/socketvar.h), first traffic class: 64 bits each. The received bytes are no payload: since
 * macOS 15 most kinds of sockets count them twice (bsd/kern/uipc_socket2.c, sb_update_data_stats).
 */
export const STATS = { rxBytes: 4, txBytes: 8 } as const;
export const STATS_WORDS = 10;

/** struct xtcpcb_n (bsd/netinet/tcp_var.h). */
export const TCPCB = {
  state: 9,
  /** First sequence number that the peer has not acknowledged. */
  sndUna: 12,
  /** First sequence numbers of this side and of the peer. */
  iss: 18,
  irs: 19,
  /** Next sequence number expected of the peer. */
  rcvNxt: 20,
  /** Congestion window, bytes. */
  sndCwnd: 25,
  /** End of the handshake on the clock of TCP; 0 before. */
  startTime: 29,
  maxSegment: 33,
  /** Smoothed round-trip time, milliseconds / 32, and its mean deviation, milliseconds / 16. */
  srtt: 34,
  rttvar: 35,
} as const;
export const TCPCB_WORDS = 36;
