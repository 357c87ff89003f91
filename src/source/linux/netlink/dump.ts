import type { OnDatagram } from './datagrams.ts';
import { ERRNO } from './errno.ts';
import { type Datagram, eachMessage, type NetlinkBuffer, netlinkBuffer, setSequence } from './wire.ts';

/** A netlink socket, or a fake in a test. */
export interface Channel {
  /** Throws `NativeError`. */
  send(message: Uint8Array): void;
  /** Receives one datagram. @returns its length. Throws `NativeError`. */
  receive(into: Uint8Array): number;
}

/** A channel for many requests at once. */
export interface LookupChannel extends Channel {
  /** Receives up to `max` datagrams without waiting. @returns their number, or a negative errno */
  receiveWaiting(max: number, onDatagram: OnDatagram): number;
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

/** Number of requests sent at once: their answers have to fit into the receive buffer of the socket. */
const REQUESTS_AT_ONCE = 32;

/** Offset of the sequence number in a message, in 32-bit words. */
const SEQUENCE_WORD = 2;

/**
 * Sends requests for single objects, many with one system call, and receives their answers in the same way.
 * @param onMessage gets the index of the request, and the answer as for `dump`; not called if the kernel refused
 * @throws NativeError if the socket fails
 */
export function getMany(
  channel: LookupChannel,
  requests: readonly Uint8Array[],
  onMessage: (index: number, buffer: NetlinkBuffer, start: number, end: number) => void,
): void {
  for (let start = 0; start < requests.length; start += REQUESTS_AT_ONCE) {
    const some = requests.slice(start, start + REQUESTS_AT_ONCE);
    const isAnswered = askAll(channel, some, (i, ...message) => onMessage(start + i, ...message));
    // The kernel answers while it takes the requests. It drops an answer only if the receive buffer is full.
    for (const [i, request] of some.entries())
      if (!isAnswered[i]) getOne(channel, request, (...message) => onMessage(start + i, ...message));
  }
}

/** Sends some requests as one datagram. @returns for each whether it was answered, with an object or an error */
function askAll(
  channel: LookupChannel,
  requests: readonly Uint8Array[],
  onMessage: (index: number, buffer: NetlinkBuffer, start: number, end: number) => void,
): boolean[] {
  const isAnswered = requests.map(() => false);
  const first = (sequence + 1) >>> 0;
  for (const [i, request] of requests.entries()) setSequence(request, (first + i) >>> 0);
  sequence = (sequence + requests.length) >>> 0;
  channel.send(requests.length === 1 && requests[0] ? requests[0] : joinedRequests(requests));
  const take: OnDatagram = (buffer, from, to) => {
    // Answers to earlier requests may come first.
    const index = ((buffer.u32[(from >>> 2) + SEQUENCE_WORD] ?? 0) - first) >>> 0;
    if (index >= requests.length) return;
    isAnswered[index] = true;
    const takeMessage = (_: number, start: number, end: number) => onMessage(index, buffer, start, end);
    eachMessage(buffer, to, (first + index) >>> 0, takeMessage, from);
  };
  for (let left = requests.length; left > 0;) {
    const received = channel.receiveWaiting(left, take);
    if (received === -ERRNO.EINTR) continue;
    if (received <= 0) break;
    left -= received;
  }
  return isAnswered;
}

function joinedRequests(requests: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(requests.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const request of requests) {
    joined.set(request, at);
    at += request.length;
  }
  return joined;
}
