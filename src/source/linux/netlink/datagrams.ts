import type { Call, CLibrary, NativeMemory } from './c-library.ts';
import { LITTLE_ENDIAN, type NetlinkBuffer } from './wire.ts';

/** Maximum number of datagrams that one call receives. */
export const MAX_AT_ONCE = 64;

/** Bytes for each datagram: far more than a message about one socket has. */
export const DATAGRAM_LENGTH = 4096;

/**
 * Length of the sender of a netlink message (struct sockaddr_nl), and offset of its port, which is 0 for the kernel. In a network
 * namespace of its own, any user may send messages to every netlink socket there (net/netlink/af_netlink.c, netlink_allowed).
 */
export const SENDER = { length: 12, port: 4 } as const;

const MSG_DONTWAIT = 0x40;

/** Takes a datagram: bytes `start` to `end` of a buffer, which is valid until it returns. */
export type OnDatagram = (buffer: NetlinkBuffer, start: number, end: number) => void;

/**
 * Receives several datagrams with one system call (recvmmsg(2)), each of one or a few messages. A call costs as much as to
 * decode several messages. All sockets of a thread share the memory.
 */
export class Datagrams {
  readonly #library: CLibrary;
  readonly #recvmmsg: Call;
  /** Bytes of a pointer, a size and a long in the structures below. */
  readonly #word: number;
  /** Array of struct mmsghdr: struct msghdr, with one part of `#buffer`, and the length that was received. */
  readonly #headers: NativeMemory;
  readonly #buffer: NetlinkBuffer;
  /** Array of `SENDER`; undefined if datagrams of every sender are wanted. */
  readonly #senders: NativeMemory | undefined;

  /** @param isNetlink true to leave out messages that are not from the kernel */
  constructor(library: CLibrary, isNetlink = false) {
    this.#library = library;
    this.#recvmmsg = library.call('int recvmmsg(int, void *, unsigned int, int, void *)');
    this.#word = library.bytesOfLong;
    this.#headers = library.allocate(MAX_AT_ONCE * this.#headerLength);
    const { address, bytes, view } = library.allocate(MAX_AT_ONCE * DATAGRAM_LENGTH);
    const { buffer } = bytes;
    this.#buffer = { bytes, view, u16: new Uint16Array(buffer), u32: new Uint32Array(buffer) };
    // Array of struct iovec: address and length.
    const parts = library.allocate(MAX_AT_ONCE * 2 * this.#word);
    this.#senders = isNetlink ? library.allocate(MAX_AT_ONCE * SENDER.length) : undefined;
    for (let i = 0; i < MAX_AT_ONCE; i++) {
      const at = i * 2 * this.#word;
      this.#setWord(parts, at, address + BigInt(i * DATAGRAM_LENGTH));
      this.#setWord(parts, at + this.#word, BigInt(DATAGRAM_LENGTH));
      if (this.#senders) {
        const sender = this.#senders.address + BigInt(i * SENDER.length);
        this.#setWord(this.#headers, i * this.#headerLength, sender);
        // The kernel sets it to the same length.
        this.#headers.view.setUint32(i * this.#headerLength + this.#word, SENDER.length, LITTLE_ENDIAN);
      }
      // msg_iov and msg_iovlen, after msg_name and msg_namelen.
      this.#setWord(this.#headers, i * this.#headerLength + 2 * this.#word, parts.address + BigInt(at));
      this.#setWord(this.#headers, i * this.#headerLength + 3 * this.#word, 1n);
    }
  }

  /** struct msghdr has seven words (with padding), and struct mmsghdr one more for the length. */
  get #headerLength(): number {
    return 8 * this.#word;
  }

  #setWord({ view }: NativeMemory, at: number, value: bigint): void {
    if (this.#word === 8) view.setBigUint64(at, value, LITTLE_ENDIAN);
    else view.setUint32(at, Number(value), LITTLE_ENDIAN);
  }

  /**
   * Receives waiting datagrams without waiting.
   * @param max maximum number
   * @returns their number, fewer than `max` and `MAX_AT_ONCE` if no other waits or an error follows, which the next call
   * returns; or a negative errno: EAGAIN, ENOBUFS
   */
  receive(descriptor: number, max: number, onDatagram: OnDatagram): number {
    const count = this.#recvmmsg(
      descriptor,
      this.#headers.handle,
      Math.min(max, MAX_AT_ONCE),
      MSG_DONTWAIT,
      null,
    );
    if (count < 0) return -this.#library.errno;
    for (let i = 0; i < count; i++) {
      if (this.#senders && this.#senders.view.getUint32(i * SENDER.length + SENDER.port) !== 0) continue;
      const length = this.#headers.view.getUint32((i * 8 + 7) * this.#word, LITTLE_ENDIAN);
      onDatagram(this.#buffer, i * DATAGRAM_LENGTH, i * DATAGRAM_LENGTH + length);
    }
    return count;
  }
}
