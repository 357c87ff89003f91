import { endianness } from 'node:os';

/** Netlink speaks in the byte order of the machine (netlink(7)). */
export const LITTLE_ENDIAN = endianness() === 'LE';

/** Length of struct nlmsghdr. */
export const HEADER_LENGTH = 16;

/** Types of messages that every family has, include/uapi/linux/netlink.h. */
const NLMSG_NOOP = 1;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP = 0x300;
/** The kernel's table changed while it was dumped: what came may lack something, or hold it twice. */
const NLM_F_DUMP_INTR = 0x10;

/** The same memory seen in the widths that its content has. */
export interface NetlinkBuffer {
  readonly bytes: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly view: DataView;
}

/** @param length bytes, a multiple of 4 */
export function netlinkBuffer(length: number): NetlinkBuffer {
  const memory = new ArrayBuffer(length);
  return {
    bytes: new Uint8Array(memory),
    u16: new Uint16Array(memory),
    u32: new Uint32Array(memory),
    view: new DataView(memory),
  };
}

/** Lengths of messages and attributes are rounded up to this, and so every one of them begins at a multiple of it. */
const align = (length: number): number => (length + 3) & ~3;

/** What one datagram of a dump said of the dump as a whole. */
export interface Datagram {
  /** The dump is over. */
  readonly done: boolean;
  /** Positive errno of the kernel's refusal, or 0. */
  readonly errno: number;
  readonly interrupted: boolean;
  /** Messages whose length makes no sense; what came behind one in its datagram is lost. */
  readonly problems: number;
}

/**
 * Goes over the messages of a datagram (netlink(7)): lengths rule, nothing is read past `length`.
 * @param length bytes of the datagram; beyond it the buffer holds what was there before
 * @param sequence number of the request; an answer to another one is passed over
 * @param onMessage is given the type of a message and where its payload begins and ends
 */
export function eachMessage(
  { u16, u32, view }: NetlinkBuffer,
  length: number,
  sequence: number,
  onMessage: (type: number, start: number, end: number) => void,
): Datagram {
  const last = Math.min(length, view.byteLength);
  let interrupted = false;
  for (let at = 0; at + HEADER_LENGTH <= last;) {
    const size = u32[at >>> 2] ?? 0;
    const type = u16[(at >>> 1) + 2] ?? 0;
    // A size up to 2^32 stays a positive number here: the sum cannot wrap.
    if (size < HEADER_LENGTH || at + size > last) return { done: false, errno: 0, interrupted, problems: 1 };
    if (u32[(at >>> 2) + 2] !== sequence) {
      at += align(size);
      continue;
    }
    if (((u16[(at >>> 1) + 3] ?? 0) & NLM_F_DUMP_INTR) !== 0) interrupted = true;
    const start = at + HEADER_LENGTH;
    if (type === NLMSG_DONE || type === NLMSG_ERROR) {
      // Both carry a negative errno; 0 is success.
      const errno = size >= HEADER_LENGTH + 4 ? Math.abs(view.getInt32(start, LITTLE_ENDIAN)) : 0;
      return { done: true, errno, interrupted, problems: 0 };
    }
    if (type > NLMSG_NOOP) onMessage(type, start, at + size);
    at += align(size);
  }
  return { done: false, errno: 0, interrupted, problems: 0 };
}

/**
 * Goes over attributes (struct nlattr: length, type, payload): a length that makes no sense ends the walk.
 * @param onAttribute is given the type, without its flags, and where the payload begins and ends
 * @returns false when the walk ended at such a length
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
 * A request to dump.
 * @param type of the message
 * @param payload its content
 * @param attributes `[type, u32]` behind it
 */
export function dumpRequest(
  type: number,
  payload: Uint8Array,
  attributes: readonly (readonly [number, number])[] = [],
): Uint8Array {
  return request(type, NLM_F_REQUEST | NLM_F_DUMP, payload, attributes);
}

/** A request for one thing. */
export const singleRequest = (type: number, payload: Uint8Array): Uint8Array =>
  request(type, NLM_F_REQUEST, payload, []);

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

/** Numbers a request, so that its answer is known. */
export const setSequence = (request: Uint8Array, sequence: number): void =>
  new DataView(request.buffer, request.byteOffset).setUint32(8, sequence, LITTLE_ENDIAN);

const decoder = new TextDecoder();

/** Text up to its first NUL or the end. */
export function textAt({ bytes }: NetlinkBuffer, start: number, end: number): string {
  const nul = bytes.indexOf(0, start);
  return decoder.decode(bytes.subarray(start, nul >= 0 && nul < end ? nul : end));
}

/**
 * A 64-bit counter as a number: exact below 2^53, which bytes through one socket do not reach.
 * @returns undefined where the memory that the length covers ends before
 */
export const counterAt = ({ view }: NetlinkBuffer, at: number, end: number): number | undefined =>
  at + 8 <= end
    ? view.getUint32(at + (LITTLE_ENDIAN ? 0 : 4), LITTLE_ENDIAN) +
      view.getUint32(at + (LITTLE_ENDIAN ? 4 : 0), LITTLE_ENDIAN) * 2 ** 32
    : undefined;
