import type { Call, CLibrary } from '../netlink/c-library.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import { captureFilter } from './capture-filter.ts';

/** include/linux/socket.h, include/uapi/asm-generic/socket.h, include/uapi/linux/if_ether.h */
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const ETH_P_ALL = 3;

/** Size of the receive buffer, bytes; the kernel doubles it. Some 10,000 answers, each with the kernel's overhead. */
const BUFFER_BYTES = 8 * 2 ** 20;
/** struct sockaddr_ll: family, protocol, index of the interface (0 for all), and more. */
const ADDRESS_LENGTH = 20;

/** Opens capture sockets: packet(7) without the header of the link layer, with the filter of `captureFilter`. */
export class CaptureSockets {
  readonly #library: CLibrary;
  readonly #socket: Call;
  readonly #bind: Call;
  readonly #setsockopt: Call;
  readonly #close: Call;

  constructor(library: CLibrary) {
    this.#library = library;
    this.#socket = library.call('int socket(int, int, int)');
    this.#bind = library.call('int bind(int, void *, unsigned int)');
    this.#setsockopt = library.call('int setsockopt(int, int, int, void *, unsigned int)');
    this.#close = library.call('int close(int)');
  }

  /** Opens a socket in the network namespace of this thread, and returns its descriptor. Throws `NativeError`. */
  open(): number {
    // Without a protocol it receives nothing, until it has its filter and is bound.
    const fd = this.#socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw this.#library.error('a packet socket');
    try {
      this.#attach(fd);
      const size = new Int32Array([BUFFER_BYTES]);
      if (this.#setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) !== 0)
        this.#setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4);
      const address = new DataView(new ArrayBuffer(ADDRESS_LENGTH));
      address.setUint16(0, AF_PACKET, LITTLE_ENDIAN);
      // In network byte order.
      address.setUint16(2, ETH_P_ALL);
      if (this.#bind(fd, new Uint8Array(address.buffer), ADDRESS_LENGTH) !== 0)
        throw this.#library.error('bind');
      return fd;
    } catch (error) {
      this.#close(fd);
      throw error;
    }
  }

  close(descriptor: number): void {
    this.#close(descriptor);
  }

  #attach(fd: number): void {
    const filter = captureFilter();
    // struct sock_fprog: the number of instructions, and at the next word their address.
    const word = this.#library.bytesOfLong;
    const memory = this.#library.allocate(2 * word + filter.length);
    try {
      const start = memory.address + BigInt(2 * word);
      memory.view.setUint16(0, filter.length / 8, LITTLE_ENDIAN);
      if (word === 8) memory.view.setBigUint64(word, start, LITTLE_ENDIAN);
      else memory.view.setUint32(word, Number(start), LITTLE_ENDIAN);
      memory.bytes.set(filter, 2 * word);
      if (this.#setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, memory.handle, 2 * word) !== 0)
        throw this.#library.error('the filter of a packet socket');
    } finally {
      this.#library.free(memory);
    }
  }
}
