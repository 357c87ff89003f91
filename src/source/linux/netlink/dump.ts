import { type Datagram, eachMessage, type NetlinkBuffer, netlinkBuffer, setSequence } from './wire.ts';

/** A netlink socket, or what plays one in a test. */
export interface Channel {
  /** Throws `NativeError`. */
  send(message: Uint8Array): void;
  /** Receives one datagram. @returns its length. Throws `NativeError`. */
  receive(into: Uint8Array): number;
}

/** How a dump went. */
export interface DumpResult {
  /** 0, or the positive errno with which the kernel refused: a protocol that it does not have, say. */
  readonly errno: number;
  /** The kernel's table changed meanwhile: something may be missing, or there twice. */
  readonly interrupted: boolean;
  /** Messages that made no sense. */
  readonly problems: number;
}

/**
 * The kernel fills datagrams of at most 32 KiB (net/netlink/af_netlink.c, netlink_dump), as soon as it has seen that so
 * much is asked for.
 */
const BUFFER_LENGTH = 64 * 1024;

/** One dump runs at a time, and nothing of it is kept: all share the buffer. */
const BUFFER = netlinkBuffer(BUFFER_LENGTH);

/** Number of the request in hand. */
let sequence = 0;

/** What a dump that ends without saying so gives: EIO. */
const EIO = 5;

/** A dump ends long before this: what goes on has lost its way. */
const MAX_DATAGRAMS = 1_000_000;

/**
 * Sends a request and takes every message of the answer. What is left of the answer to an earlier request, given up
 * half-way, is told by its number and passed over.
 * @param onMessage is given the buffer, valid until it returns, and where the payload begins and ends
 * @param onDatagram is called after each datagram, for what must not wait until the end
 * @throws NativeError when the socket fails
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
 * Asks for one thing, of which the answer is one message or an error.
 * @param onMessage is given the answer, as that of `dump` is
 * @returns 0, or the positive errno of the kernel's refusal: ENOENT where there is no such thing
 * @throws NativeError when the socket fails
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
  // What is left of the answer to a dump that was given up comes before.
  for (let count = 0; count < MAX_DATAGRAMS; count++) {
    const length = channel.receive(BUFFER.bytes);
    const { done, errno, problems } = eachMessage(BUFFER, length, sequence, take);
    if (done || answers > 0) return errno;
    // It may have been the answer, and nothing else comes.
    if (length === 0 || problems > 0) break;
  }
  return EIO;
}
