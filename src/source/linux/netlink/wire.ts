import { endianness } from 'node:os';

/** Netlink uses the byte order of the machine (netlink(7)). */
export const LITTLE_ENDIAN = endianness() === 'LE';

/** Length of struct nlmsghdr. */
export const HEADER_LENGTH = 16;

/** Message types common to every netlink family, include/uapi/linux/netlink.h. */
const NLMSG_NOOP = 1;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

const NLM_F_REQUEST = 0x1;
/** Asks for an answer also if there is nothing to report but success. */
const NLM_F_ACK = 0x4;
const NLM_F_DUMP = 0x300;
/** The kernel's table changed during the dump: sockets may be missing or listed twice. */
const NLM_F_DUMP_INTR = 0x10;

/** One block of memory, readable as bytes, 16-bit and 32-bit numbers in the byte order of the machine. */
export interface NetlinkBuffer {
  readonly bytes: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly view: DataView;
}

/** Returns a zeroed buffer. @param length bytes, a multiple of 4 */
export function netlinkBuffer(length: number): NetlinkBuffer {
  const memory = new ArrayBuffer(length);
  return {
    bytes: new Uint8Array(memory),
    u16: new Uint16Array(memory),
    u32: new Uint32Array(memory),
    view: new DataView(memory),
  };
}

/** Returns a length, increased to a multiple of 4: every message and attribute starts at one (NLMSG_ALIGN, NLA_ALIGN). */
const align = (length: number): number => (length + 3) & ~3;

/** State of a dump after one of its datagrams. */
export interface Datagram {
  /** True if this datagram ends the dump. */
  readonly done: boolean;
  /** 0, or the positive errno with which the kernel refused. */
  readonly errno: number;
  /** True if the kernel's table changed during the dump. */
  readonly interrupted: boolean;
  /** Number of messages with an invalid length; the rest of their datagram is lost. */
  readonly problems: number;
}

/**
 * Calls a function for each message of a datagram (netlink(7)). Never reads beyond its end.
 * @param end end of the datagram in the buffer, which beyond holds an older one
 * @param sequence number of the request; messages with another one are skipped
 * @param onMessage gets the message type and the start and end of its payload, byte offsets into the buffer
 * @param from start of the datagram, a multiple of 4
 */
export function eachMessage(
  { u16, u32, view }: NetlinkBuffer,
  end: number,
  sequence: number,
  onMessage: (type: number, start: number, end: number) => void,
  from = 0,
): Datagram {
  const last = Math.min(end, view.byteLength);
  let interrupted = false;
  for (let at = from; at + HEADER_LENGTH <= last;) {
    const size = u32[at >>> 2] ?? 0;
    const type = u16[(at >>> 1) + 2] ?? 0;
    // Sizes are JavaScript numbers up to 2^32: the sum cannot wrap.
    if (size < HEADER_LENGTH || at + size > last) return { done: false, errno: 0, interrupted, problems: 1 };
    if (u32[(at >>> 2) + 2] !== sequence) {
      at += align(size);
      continue;
    }
    if (((u16[(at >>> 1) + 3] ?? 0) & NLM_F_DUMP_INTR) !== 0) interrupted = true;
    const start = at + HEADER_LENGTH;
    if (type === NLMSG_DONE || type === NLMSG_ERROR) {
      // The payload of both starts with a negative errno, 0 for success.
      const errno = size >= HEADER_LENGTH + 4 ? Math.abs(view.getInt32(start, LITTLE_ENDIAN)) : 0;
      return { done: true, errno, interrupted, problems: 0 };
    }
    if (type > NLMSG_NOOP) onMessage(type, start, at + size);
    at += align(size);
  }
  return { done: false, errno: 0, interrupted, problems: 0 };
}

/**
 * Calls a function for each attribute (struct nlattr: length, type, payload). Stops at an invalid length.
 * @param onAttribute gets the type without its flags, and the start and end of the payload
 * @returns false if an invalid length was found
 */
export function eachAttribute(
  { u16 }: NetlinkBuffer,
  start: number,
  end: number,
  onAttribute: (type: number, start: number, end: number) => void,
): boolean {
  for (let at = start; at + 4 <= end;) {
    const size = u16[at >>> 1] ?? 0;
    if (size < 4 || at + size > end) return false;
    onAttribute((u16[(at >>> 1) + 1] ?? 0) & 0x3fff, at + 4, at + size);
    at += align(size);
  }
  return true;
}

/**
 * Returns a request for a dump.
 * @param attributes `[type, u32]` appended to the payload
 */
export function dumpRequest(
  type: number,
  payload: Uint8Array,
  attributes: readonly (readonly [number, number])[] = [],
): Uint8Array {
  return request(type, NLM_F_REQUEST | NLM_F_DUMP, payload, attributes);
}

/** Returns a request for a single object. */
export const singleRequest = (type: number, payload: Uint8Array): Uint8Array =>
  request(type, NLM_F_REQUEST, payload, []);

/** Returns a request for a change, which the kernel answers with an errno or success. */
export const changeRequest = (type: number, payload: Uint8Array): Uint8Array =>
  request(type, NLM_F_REQUEST | NLM_F_ACK, payload, []);

function request(
  type: number,
  flags: number,
  payload: Uint8Array,
  attributes: readonly (readonly [number, number])[],
): Uint8Array {
  const body = align(payload.length);
  const bytes = new Uint8Array(HEADER_LENGTH + body + attributes.length * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, LITTLE_ENDIAN);
  view.setUint16(4, type, LITTLE_ENDIAN);
  view.setUint16(6, flags, LITTLE_ENDIAN);
  bytes.set(payload, HEADER_LENGTH);
  for (const [i, [attribute, value]] of attributes.entries()) {
    const at = HEADER_LENGTH + body + i * 8;
    view.setUint16(at, 8, LITTLE_ENDIAN);
    view.setUint16(at + 2, attribute, LITTLE_ENDIAN);
    view.setUint32(at + 4, value, LITTLE_ENDIAN);
  }
  return bytes;
}

/** Sets the sequence number of a request; the kernel repeats it in the answer. */
export const setSequence = (request: Uint8Array, sequence: number): void =>
  new DataView(request.buffer, request.byteOffset).setUint32(8, sequence, LITTLE_ENDIAN);

const decoder = new TextDecoder();

/** Returns the UTF-8 text up to its first NUL or the end. */
export function textAt({ bytes }: Pick<NetlinkBuffer, 'bytes'>, start: number, end: number): string {
  const nul = bytes.indexOf(0, start);
  return decoder.decode(bytes.subarray(start, nul >= 0 && nul < end ? nul : end));
}

/**
 * Returns a 64-bit counter as a number, exact below 2^53: no socket transfers that many bytes.
 * @returns undefined if the counter does not end before `end`
 */
export const counterAt = ({ view }: NetlinkBuffer, at: number, end: number): number | undefined =>
  at + 8 <= end
    ? view.getUint32(at + (LITTLE_ENDIAN ? 0 : 4), LITTLE_ENDIAN) +
      view.getUint32(at + (LITTLE_ENDIAN ? 4 : 0), LITTLE_ENDIAN) * 2 ** 32
    : undefined;
