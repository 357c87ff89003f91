/** By source: what it lacks on Linux compared with the one before it, a clause. */
export const LACKS = {
  proc: 'traffic and round-trip times, interfaces, raw and packet sockets, and other network namespaces are not shown',
  systeminformation: 'polls take much longer, and UDP sockets without a peer are not shown',
} as const;
