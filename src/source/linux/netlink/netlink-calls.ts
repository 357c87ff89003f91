import type { Call, CLibrary } from './c-library.ts';
import { Datagrams, type OnDatagram, SENDER } from './datagrams.ts';
import { ERRNO, NativeError } from './errno.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
const SO_MEMINFO = 55;
/** Index of the count of lost messages in SO_MEMINFO: SK_MEMINFO_DROPS, include/uapi/linux/sock_diag.h. */
const MEMINFO_DROPS = 8;

/** Netlink families. */
export const NETLINK = { route: 0, sockDiag: 4 } as const;

/** Receive timeout, seconds. Linux answers at once; an emulation of it might never answer. */
const RECEIVE_TIMEOUT_SECONDS = 5;

/** Maximum number of messages of other senders before one of the kernel: more than fit into a receive buffer. */
const MAX_SKIPPED = 1000;

/** Calls of the C library for netlink sockets. All are synchronous. */
export class NetlinkCalls {
  readonly #library: CLibrary;
  readonly #socket: Call;
  readonly #bind: Call;
  readonly #send: Call;
  readonly #recvfrom: Call;
  readonly #setsockopt: Call;
  readonly #getsockopt: Call;
  /** The sender of the last message, struct sockaddr_nl. */
  readonly #sender = new Uint32Array(SENDER.length / 4);
  readonly #senderLength = new Uint32Array(1);
  /** Made when it is first needed. */
  #datagrams: Datagrams | undefined;

  constructor(library: CLibrary) {
    this.#library = library;
    this.#socket = library.call('int socket(int, int, int)');
    this.#bind = library.call('int bind(int, void *, unsigned int)');
    this.#send = library.call('long send(int, void *, size_t, int)');
    this.#recvfrom = library.call('long recvfrom(int, void *, size_t, int, void *, void *)');
    this.#setsockopt = library.call('int setsockopt(int, int, int, void *, unsigned int)');
    this.#getsockopt = library.call('int getsockopt(int, int, int, void *, void *)');
  }

  /** Opens a netlink socket in the network namespace of this thread. Throws `NativeError`. */
  open(family: number): number {
    const fd = this.#socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
    if (fd < 0) throw this.#library.error('a netlink socket');
    // struct timeval: seconds and microseconds, each a long.
    const timeout =
      this.#library.bytesOfLong === 8
        ? new BigInt64Array([BigInt(RECEIVE_TIMEOUT_SECONDS), 0n])
        : new Int32Array([RECEIVE_TIMEOUT_SECONDS, 0]);
    this.#setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.byteLength);
    return fd;
  }

  /**
   * Subscribes a netlink socket to multicast groups. Throws `NativeError`.
   * @param groups one bit per group
   * @param bufferBytes size of the receive buffer; without CAP_NET_ADMIN at most net.core.rmem_max
   * @returns whether the buffer has this size
   */
  join(fd: number, groups: number, bufferBytes: number): boolean {
    // struct sockaddr_nl: family, padding, port, groups.
    const address = new Uint32Array([0, 0, groups]);
    new Uint16Array(address.buffer)[0] = AF_NETLINK;
    if (this.#bind(fd, address, address.byteLength) !== 0) throw this.#library.error('bind');
    const size = new Int32Array([bufferBytes]);
    if (this.#setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) === 0) return true;
    this.#setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4);
    return false;
  }

  /** Receives several datagrams without waiting. See `Datagrams`. */
  receiveWaiting(fd: number, max: number, onDatagram: OnDatagram): number {
    this.#datagrams ??= new Datagrams(this.#library, true);
    return this.#datagrams.receive(fd, max, onDatagram);
  }

  /**
   * Returns the number of messages that did not fit into a socket's buffer, modulo 2^32; undefined before Linux 4.12.
   */
  dropsOf(fd: number): number | undefined {
    const info = new Uint32Array(MEMINFO_DROPS + 1);
    const length = new Uint32Array([info.byteLength]);
    return this.#getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, length) === 0 ? info[MEMINFO_DROPS] : undefined;
  }

  /** Sends a message. Throws `NativeError`. */
  send(fd: number, message: Uint8Array): void {
    if (this.#send(fd, message, message.length, 0) < 0) throw this.#library.error('send');
  }

  /**
   * Waits for one datagram of the kernel, see `SENDER`. @returns its length in bytes. Throws `NativeError`, with EAGAIN after the
   * timeout, or if a program sends without end.
   */
  receive(fd: number, into: Uint8Array): number {
    for (let skipped = 0; ;) {
      this.#senderLength[0] = SENDER.length;
      const length = this.#recvfrom(fd, into, into.length, 0, this.#sender, this.#senderLength);
      if (length >= 0) {
        if (this.#sender[SENDER.port / 4] === 0) return length;
        if (++skipped > MAX_SKIPPED)
          throw new NativeError('recv', ERRNO.EAGAIN, 'too many messages of a program');
      } else if (this.#library.errno !== ERRNO.EINTR) throw this.#library.error('recv');
    }
  }
}
