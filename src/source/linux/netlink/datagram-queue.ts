import { DATAGRAM_LENGTH } from './datagrams.ts';
import { type NetlinkBuffer, netlinkBuffer } from './wire.ts';

/** Bytes of a block of memory: that of some 150 close messages, and more than the longest datagram. */
const BLOCK_LENGTH = 16 * DATAGRAM_LENGTH;

/** Three times and the length of the datagram, 64 bits each, before its bytes. */
const HEADER = { atMs: 0, wallMs: 8, sinceMs: 16, size: 24, length: 32 } as const;

/** When a datagram was received, see `ClosedSocket`. */
export interface ReceiptTimes {
  readonly atMs: number;
  readonly wallMs: number;
  readonly sinceMs: number;
}

/** Takes a datagram: bytes `start` to `end` of a buffer, which is valid until it returns. */
export type OnQueued = (buffer: NetlinkBuffer, start: number, end: number, times: ReceiptTimes) => void;

/** Returns a length, increased to a multiple of 8: messages are read as 32-bit numbers, which must be aligned. */
const aligned = (length: number): number => (length + 7) & ~7;

interface Block {
  readonly buffer: NetlinkBuffer;
  end: number;
}

/** Datagrams that wait to be decoded, first in, first out, in blocks of memory. */
export class DatagramQueue {
  readonly #maxLength: number;
  readonly #blocks: Block[] = [];
  /** An empty block to use again: usually one datagram at a time waits. */
  #spare: Block | undefined;
  /** Offset of the first datagram in the first block. */
  #start = 0;
  #length = 0;

  /** @param maxLength maximum number of datagrams */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Number of datagrams. */
  get length(): number {
    return this.#length;
  }

  /** Copies a datagram to the end. @returns false if the queue is full, or the datagram too long */
  add({ bytes }: NetlinkBuffer, from: number, to: number, { atMs, wallMs, sinceMs }: ReceiptTimes): boolean {
    const size = to - from;
    if (this.#length >= this.#maxLength || size > DATAGRAM_LENGTH) return false;
    const block = this.#blockFor(HEADER.length + size);
    const { buffer, end: at } = block;
    buffer.view.setFloat64(at + HEADER.atMs, atMs);
    buffer.view.setFloat64(at + HEADER.wallMs, wallMs);
    buffer.view.setFloat64(at + HEADER.sinceMs, sinceMs);
    buffer.view.setFloat64(at + HEADER.size, size);
    buffer.bytes.set(bytes.subarray(from, to), at + HEADER.length);
    block.end = at + HEADER.length + aligned(size);
    this.#length++;
    return true;
  }

  /** Removes the first datagram and passes it on. @returns false if there is none */
  take(onDatagram: OnQueued): boolean {
    const [block] = this.#blocks;
    if (block === undefined) return false;
    const { buffer } = block;
    const { view } = buffer;
    const at = this.#start;
    const size = view.getFloat64(at + HEADER.size);
    const start = at + HEADER.length;
    onDatagram(buffer, start, start + size, {
      atMs: view.getFloat64(at + HEADER.atMs),
      wallMs: view.getFloat64(at + HEADER.wallMs),
      sinceMs: view.getFloat64(at + HEADER.sinceMs),
    });
    this.#length--;
    this.#start = start + aligned(size);
    if (this.#start < block.end) return true;
    this.#blocks.shift();
    this.#start = 0;
    block.end = 0;
    this.#spare = block;
    return true;
  }

  #blockFor(length: number): Block {
    const last = this.#blocks.at(-1);
    if (last && last.end + length <= BLOCK_LENGTH) return last;
    const block = this.#spare ?? { buffer: netlinkBuffer(BLOCK_LENGTH), end: 0 };
    this.#spare = undefined;
    this.#blocks.push(block);
    return block;
  }
}
