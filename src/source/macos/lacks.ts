/*
 * What the lesser sources lack on macOS, each compared with the one before: see `SourceEntry.lacks`.
 */

export const NETTOP_LACKS =
  'each poll runs a program that may take seconds; queues, windows, the age of sockets, connections between two polls and ' +
  'interface counters are not shown, and programs are those that used a socket last';

export const SYSTEMINFORMATION_LACKS =
  'traffic, round-trip times, the interface of sockets and sockets of the user-space network are not shown';
