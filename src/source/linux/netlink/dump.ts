import { type Datagram, eachMessage, type NetlinkBuffer, netlinkBuffer, setSequence } from './wire.ts';

/** A netlink socket, or a fake in a test. */
export interface Channel {
  /** Throws `NativeError`. */
  send(message: Uint8Array): void;
  /** Receives one datagram. @returns its length. Throws `NativeError`. */
  receive(into: Uint8Array): number;
}

/** Outcome of a dump. */
export interface DumpResult {
  /** 0, or the positive errno with which the kernel refused, for example for a protocol it lacks. */
  readonly errno: number;
  /** True if the kernel's table changed during the dump: sockets may be missing or listed twice. */
  readonly interrupted: boolean;
  /** Number of malformed messages. */
  readonly problems: number;
}

/**
 * Bytes of the receive buffer. The kernel sends datagrams of up to 32 KiB once it has seen a receive buffer of that
 * size (net/netlink/af_netlink.c, netlink_dump).
 */
const BUFFER_LENGTH = 64 * 1024;

/** Shared by all dumps: one runs at a time, and callers decode each message before the next one is read. */
const BUFFER = netlinkBuffer(BUFFER_LENGTH);

/** Sequence number of the current request. */
let sequence = 0;

/** Errno of a dump that ends without NLMSG_DONE. */
const EIO = 5;

/** Maximum number of datagrams read for one request; no real dump comes near it. */
const MAX_DATAGRAMS = 1_000_000;

/**
 * Sends a dump request and receives all of the answer. Skips leftovers of an earlier answer that was not read to its
 * end, which have another sequence number.
 * @param onMessage gets the buffer, valid until it returns, and the start and end of the payload
 * @param onDatagram runs after each datagram, for work that cannot wait for the end of the dump
 * @throws NativeError if the socket fails
 */
export function dump(
  channel: Channel,
  request: Uint8Array,
  onMessage: (buffer: NetlinkBuffer, start: number, end: number, type: number) => void,
  onDatagram?: () => void,
): DumpResult {
  let interrupted = false;
  let problems = 0;
  let last: Datagram;
  const take = (type: number, start: number, end: number) => onMessage(BUFFER, start, end, type);
  sequence = (sequence + 1) >>> 0;
  setSequence(request, sequence);
  channel.send(request);
  for (let count = 0; ; count++) {
    const length = channel.receive(BUFFER.bytes);
    last = eachMessage(BUFFER, length, sequence, take);
    interrupted ||= last.interrupted;
    problems += last.problems;
    if (last.done || length === 0 || count > MAX_DATAGRAMS) break;
    onDatagram?.();
  }
  return { errno: last.done ? last.errno : EIO, interrupted, problems };
}

/**
 * Sends a request for a single object; the answer is one message or an error.
 * @param onMessage gets the answer, as for `dump`
 * @returns 0, or the positive errno with which the kernel refused: ENOENT if the object does not exist
 * @throws NativeError if the socket fails
 */
export function getOne(
  channel: Channel,
  request: Uint8Array,
  onMessage: (buffer: NetlinkBuffer, start: number, end: number) => void,
): number {
  let answers = 0;
  const take = (_: number, start: number, end: number) => {
    answers++;
    onMessage(BUFFER, start, end);
  };
  sequence = (sequence + 1) >>> 0;
  setSequence(request, sequence);
  channel.send(request);
  // Leftovers of a dump that was not read to its end may come first.
  for (let count = 0; count < MAX_DATAGRAMS; count++) {
    const length = channel.receive(BUFFER.bytes);
    const { done, errno, problems } = eachMessage(BUFFER, length, sequence, take);
    if (done || answers > 0) return errno;
    // The malformed message may have been the answer: waiting for another one would block.
    if (length === 0 || problems > 0) break;
  }
  return EIO;
}
