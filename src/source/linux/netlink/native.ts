import { SourceUnavailable } from '../../types.ts';

/** A failed call of the C library. */
export class NativeError extends Error {
  readonly errno: number;

  /** @param errno positive (errno(3)) @param name name of the errno */
  constructor(call: string, errno: number, name: string) {
    super(`${call}: ${name}`);
    this.errno = errno;
  }
}

/** Error numbers, include/uapi/asm-generic/errno-base.h and errno.h: equal on every architecture that Node supports. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOSYS: 38,
  ENOBUFS: 105,
} as const;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
const SO_PROTOCOL = 38;
const IPPROTO_TCP = 6;
/** include/uapi/linux/pidfd.h */
const PIDFD_THREAD = 0o200;
/** Opens the network namespace of a socket, include/uapi/linux/sockios.h. */
const SIOCGSKNS = 0x894c;
const SO_MEMINFO = 55;
/** Index of the count of lost messages in SO_MEMINFO: SK_MEMINFO_DROPS, include/uapi/linux/sock_diag.h. */
const MEMINFO_DROPS = 8;
const MSG_DONTWAIT = 0x40;
const CLONE_NEWNET = 0x40000000;
/** include/uapi/asm-generic/resource.h; only MIPS has another number, and Node does not support it. */
const RLIMIT_NOFILE = 7;

/** Numbers of system calls that some C libraries lack: equal on every architecture. */
const SYS = { fsopen: 430, fsconfig: 431, fsmount: 432, pidfd_open: 434, pidfd_getfd: 438 } as const;
/** FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC, include/uapi/linux/mount.h. */
const FS_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

/** Number of kcmp(2) by architecture; KCMP_FILES is in include/uapi/linux/kcmp.h. */
const SYS_KCMP: Readonly<Partial<Record<NodeJS.Architecture, number>>> = {
  x64: 312,
  arm64: 272,
  riscv64: 272,
  loong64: 272,
  arm: 378,
  ia32: 349,
  ppc64: 354,
  s390x: 343,
};
const KCMP_FILES = 2;

/** Netlink families. */
export const NETLINK = { route: 0, sockDiag: 4 } as const;

/** Receive timeout, seconds. Linux answers at once; an emulation of it might never answer. */
const RECEIVE_TIMEOUT_SECONDS = 5;

type Koffi = (typeof import('koffi'))['default'];
type Call = ((...args: readonly unknown[]) => number) & {
  readonly async: (...args: readonly unknown[]) => void;
};

/** Memory at a fixed address, zeroed, until `Native.free`. */
export interface NativeMemory {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What koffi calls it. */
  readonly handle: unknown;
}

/** Calls of the C library that Node lacks. All are synchronous. */
export class Native {
  readonly #koffi: Koffi;
  readonly #socket: Call;
  readonly #send: Call;
  readonly #recv: Call;
  readonly #bind: Call;
  readonly #setsockopt: Call;
  readonly #getsockopt: Call;
  readonly #setns: Call;
  readonly #readlinkat: Call;
  readonly #close: Call;
  readonly #read: Call;
  readonly #poll: Call;
  readonly #prlimit: Call;
  readonly #ioctl: Call;
  readonly #syscallWithText: Call;
  readonly #syscall: Call;
  readonly #syscallWithNumbers: Call;

  private constructor(koffi: Koffi) {
    // The process has its C library loaded already, glibc or musl.
    const library = koffi.load(null);
    const load = (prototype: string) => library.func(prototype) as Call;
    this.#koffi = koffi;
    this.#socket = load('int socket(int, int, int)');
    this.#send = load('long send(int, void *, size_t, int)');
    this.#recv = load('long recv(int, void *, size_t, int)');
    this.#bind = load('int bind(int, void *, unsigned int)');
    this.#getsockopt = load('int getsockopt(int, int, int, void *, void *)');
    this.#setsockopt = load('int setsockopt(int, int, int, void *, unsigned int)');
    this.#setns = load('int setns(int, int)');
    this.#readlinkat = load('long readlinkat(int, void *, void *, size_t)');
    this.#close = load('int close(int)');
    this.#read = load('long read(int, void *, size_t)');
    this.#poll = load('int poll(void *, unsigned long, int)');
    this.#ioctl = load('int ioctl(int, unsigned long, long)');
    this.#prlimit = load('int prlimit(int, int, void *, void *)');
    this.#syscallWithText = load('long syscall(long, void *, long)');
    this.#syscallWithNumbers = load('long syscall(long, long, long, long, long, long)');
    this.#syscall = load('long syscall(long, long, long, void *, void *, long)');
  }

  /** Loads koffi. Rejects with `SourceUnavailable` if it is not installed or does not load on this system. */
  static async load(): Promise<Native> {
    try {
      const koffi = await import('koffi');
      return new Native(koffi.default);
    } catch (error) {
      const text = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
      throw new SourceUnavailable(
        isMissing ? 'the package koffi is not installed' : `the package koffi cannot be loaded: ${text}`,
      );
    }
  }

  /** Opens a netlink socket in the network namespace of this thread. Throws `NativeError`. */
  netlinkSocket(family: number): number {
    const fd = this.#socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
    if (fd < 0) throw this.#error('a netlink socket');
    // struct timeval: seconds and microseconds, each a long.
    const timeout =
      this.#koffi.sizeof('long') === 8
        ? new BigInt64Array([BigInt(RECEIVE_TIMEOUT_SECONDS), 0n])
        : new Int32Array([RECEIVE_TIMEOUT_SECONDS, 0]);
    this.#setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.byteLength);
    return fd;
  }

  /**
   * Subscribes a netlink socket to multicast groups. Throws `NativeError`.
   * @param groups one bit per group
   * @param bufferBytes size of the receive buffer; without CAP_NET_ADMIN at most net.core.rmem_max
   */
  join(fd: number, groups: number, bufferBytes: number): void {
    // struct sockaddr_nl: family, padding, port, groups.
    const address = new Uint32Array([0, 0, groups]);
    new Uint16Array(address.buffer)[0] = AF_NETLINK;
    if (this.#bind(fd, address, address.byteLength) !== 0) throw this.#error('bind');
    const size = new Int32Array([bufferBytes]);
    if (this.#setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, size, 4) !== 0)
      this.#setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4);
  }

  /** Receives one datagram without waiting. @returns its length in bytes, or a negative errno: EAGAIN, ENOBUFS */
  receiveNow(fd: number, into: Uint8Array): number {
    const length = this.#recv(fd, into, into.length, MSG_DONTWAIT);
    return length >= 0 ? length : -this.#koffi.errno();
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
    if (this.#send(fd, message, message.length, 0) < 0) throw this.#error('send');
  }

  /** Waits for one datagram. @returns its length in bytes. Throws `NativeError`, with EAGAIN after the timeout. */
  receive(fd: number, into: Uint8Array): number {
    for (;;) {
      const length = this.#recv(fd, into, into.length, 0);
      if (length >= 0) return length;
      if (this.#koffi.errno() !== ERRNO.EINTR) throw this.#error('recv');
    }
  }

  /** Moves only this thread into a network namespace (setns(2)). Throws `NativeError`. */
  enterNetwork(fd: number): void {
    if (this.#setns(fd, CLONE_NEWNET) !== 0) throw this.#error('setns');
  }

  /**
   * Reads a symbolic link in a folder into a buffer.
   * @param name ends with a NUL
   * @returns the length of the link's text in bytes, or a negative errno
   */
  readLinkAt(folder: number, name: Uint8Array, into: Uint8Array): number {
    const length = this.#readlinkat(folder, name, into, into.length);
    return length >= 0 ? length : -this.#koffi.errno();
  }

  /** Returns true if two threads share one table of descriptors (kcmp(2)); undefined if the kernel refuses. */
  shareDescriptors(tid: number, other: number): boolean | undefined {
    const number = SYS_KCMP[process.arch];
    if (number === undefined) return undefined;
    const order = this.#syscallWithNumbers(number, tid, other, KCMP_FILES, 0, 0);
    return order < 0 ? undefined : order === 0;
  }

  close(fd: number): void {
    this.#close(fd);
  }

  /** Reads from a descriptor (read(2)). @returns the number of bytes, 0 at the end, or a negative errno */
  read(fd: number, into: Uint8Array): number {
    const length = this.#read(fd, into, into.length);
    return length >= 0 ? length : -this.#koffi.errno();
  }

  /**
   * Checks which descriptors are ready, without waiting (poll(2)).
   * @param set consecutive `struct pollfd`, two 32-bit numbers each
   * @returns the number of ready descriptors, or a negative errno
   */
  poll(set: Int32Array, count: number): number {
    const ready = this.#poll(set, count, 0);
    return ready >= 0 ? ready : -this.#koffi.errno();
  }

  /**
   * Creates a mount outside of every mount namespace; it ends when its descriptor is closed (fsmount(2), Linux 5.2).
   * Throws `NativeError`.
   * @returns a descriptor of its root
   */
  mountDetached(filesystem: string): number {
    const context = this.#syscallWithText(SYS.fsopen, Buffer.from(`${filesystem}\0`), FS_CLOEXEC);
    if (context < 0) throw this.#error('fsopen');
    try {
      if (this.#syscall(SYS.fsconfig, context, FSCONFIG_CMD_CREATE, null, null, 0) < 0)
        throw this.#error('fsconfig');
      const mount = this.#syscall(SYS.fsmount, context, FS_CLOEXEC, null, null, 0);
      if (mount < 0) throw this.#error('fsmount');
      return mount;
    } finally {
      this.#close(context);
    }
  }

  /**
   * Opens the network namespace of another process's socket (pidfd_getfd(2), Linux 5.6; SIOCGSKNS). Throws
   * `NativeError`.
   * @returns a descriptor of the namespace, and whether the socket is a TCP socket
   */
  networkOfSocket(pid: number, descriptor: number): { readonly fd: number; readonly isTcp: boolean } {
    let process = this.#syscall(SYS.pidfd_open, pid, 0, null, null, 0);
    // The number may be of a thread with its own descriptor table: supported since Linux 6.9.
    if (process < 0) process = this.#syscall(SYS.pidfd_open, pid, PIDFD_THREAD, null, null, 0);
    if (process < 0) throw this.#error('pidfd_open');
    let socket = -1;
    try {
      socket = this.#syscall(SYS.pidfd_getfd, process, descriptor, null, null, 0);
      if (socket < 0) throw this.#error('pidfd_getfd');
      const fd = this.#ioctl(socket, SIOCGSKNS, 0);
      if (fd < 0) throw this.#error('SIOCGSKNS');
      const protocol = new Int32Array(1);
      const length = new Uint32Array([4]);
      const hasProtocol = this.#getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, protocol, length) === 0;
      return { fd, isTcp: hasProtocol && protocol[0] === IPPROTO_TCP };
    } finally {
      this.#close(process);
      if (socket >= 0) this.#closeOnOtherThread(socket);
    }
  }

  /**
   * Closes a copy of another process's socket on another thread. If the process has closed its own meanwhile, this
   * close is the last one, and SO_LINGER may block it for as long as the process chose.
   */
  #closeOnOtherThread(fd: number): void {
    this.#close.async(fd, () => {});
  }

  /**
   * Raises the soft limit of open descriptors to the hard one (getrlimit(2)).
   * @returns the new limit; undefined if it cannot be read, and on 32-bit systems
   */
  raiseDescriptorLimit(): number | undefined {
    // struct rlimit: soft and hard limit, each an unsigned long.
    if (this.#koffi.sizeof('long') !== 8) return undefined;
    const limits = new BigUint64Array(2);
    if (this.#prlimit(0, RLIMIT_NOFILE, null, limits) !== 0) return undefined;
    const [soft = 0n, hard = 0n] = limits;
    if (soft === 0n) return undefined;
    const isRaised =
      soft < hard && this.#prlimit(0, RLIMIT_NOFILE, new BigUint64Array([hard, hard]), null) === 0;
    return Number(isRaised ? hard : soft);
  }

  /** Returns memory whose address can be part of a structure. */
  allocate(length: number): NativeMemory {
    const handle: unknown = this.#koffi.alloc('uint8_t', length);
    const memory = this.#koffi.view(handle, length);
    const bytes = new Uint8Array(memory).fill(0);
    return { address: this.#koffi.address(handle), bytes, view: new DataView(memory), handle };
  }

  free({ handle }: NativeMemory): void {
    this.#koffi.free(handle);
  }

  /** Calls the kernel by the number of a system call. @returns its result, or a negative errno */
  systemCall(number: number, one: number, two: number, three = 0, four = 0, five = 0): number {
    const result = this.#syscallWithNumbers(number, one, two, three, four, five);
    return result >= 0 ? result : -this.#koffi.errno();
  }

  #error(call: string): NativeError {
    const errno = this.#koffi.errno();
    const name = Object.entries(this.#koffi.os.errno).find(([, number]) => number === errno)?.[0];
    return new NativeError(call, errno, name ?? `error ${errno}`);
  }
}
