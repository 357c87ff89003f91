/** By source: what it lacks on macOS compared with the one before it, a clause. */
export const LACKS = {
  nettop:
    'each poll runs a program that may take seconds; queues, windows, the age of sockets, connections between two polls and ' +
    'interface counters are not shown, and programs are those that used a socket last',
  systeminformation:
    'traffic, round-trip times, the interface of sockets and sockets of the user-space network are not shown',
} as const;
