import { type Call, CLibrary, type NativeMemory } from './c-library.ts';
import { EventWaiter } from './event-waiter.ts';
import { NetlinkCalls } from './netlink-calls.ts';
import { LITTLE_ENDIAN } from './wire.ts';

const SOL_SOCKET = 1;
const SO_PROTOCOL = 38;
const IPPROTO_TCP = 6;
/** include/uapi/linux/pidfd.h */
const PIDFD_THREAD = 0o200;
/** Opens the network namespace of a socket, include/uapi/linux/sockios.h. */
const SIOCGSKNS = 0x894c;
const CLONE_NEWNET = 0x40000000;
/** include/uapi/asm-generic/resource.h; only MIPS has another number, and Node does not support it. */
const RLIMIT_NOFILE = 7;

/** Numbers of system calls that some C libraries lack: equal on every architecture. */
const SYS = {
  pidfd_send_signal: 424,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  pidfd_open: 434,
  pidfd_getfd: 438,
} as const;
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

/** Maximum number of descriptors that are closed on other threads at once. koffi allows 256 asynchronous calls. */
const MAX_CLOSING = 64;

/** Kind of a clock of CPU time: that of the scheduler, for all threads of a process (include/linux/posix-timers_types.h). */
const CPUCLOCK_SCHED = 2;

/** Calls of the C library that Node lacks. All are synchronous. */
export class Native {
  readonly #library: CLibrary;
  readonly netlink: NetlinkCalls;
  readonly #getsockopt: Call;
  readonly #setns: Call;
  readonly #readlinkat: Call;
  readonly #close: Call;
  readonly #read: Call;
  readonly #poll: Call;
  readonly #prlimit: Call;
  readonly #ioctl: Call;
  readonly #clockGettime: Call;
  /** Undefined with musl. */
  readonly #mallocTrim: Call | undefined;
  /** A struct timespec of two 64-bit numbers. */
  readonly #timeBytes = new Uint8Array(16);
  readonly #time = new DataView(this.#timeBytes.buffer);
  readonly #syscallWithText: Call;
  readonly #syscall: Call;
  readonly #syscallWithNumbers: Call;
  /** Number of descriptors that other threads are closing, and the descriptors that wait until one of these is closed. */
  #closing = 0;
  readonly #toClose: number[] = [];
  readonly #copies = new Set<number>();

  private constructor(library: CLibrary) {
    this.#library = library;
    this.netlink = new NetlinkCalls(library);
    this.#getsockopt = library.call('int getsockopt(int, int, int, void *, void *)');
    this.#setns = library.call('int setns(int, int)');
    this.#readlinkat = library.call('long readlinkat(int, void *, void *, size_t)');
    this.#close = library.call('int close(int)');
    this.#read = library.call('long read(int, void *, size_t)');
    this.#poll = library.call('int poll(void *, unsigned long, int)');
    this.#ioctl = library.call('int ioctl(int, unsigned long, long)');
    this.#prlimit = library.call('int prlimit(int, int, void *, void *)');
    this.#mallocTrim = library.optionalCall('int malloc_trim(size_t)');
    this.#clockGettime = library.call('int clock_gettime(int, void *)');
    this.#syscallWithText = library.call('long syscall(long, void *, long)');
    this.#syscallWithNumbers = library.call('long syscall(long, long, long, long, long, long)');
    this.#syscall = library.call('long syscall(long, long, long, void *, void *, long)');
  }

  /** Loads the C library. Rejects with `SourceUnavailable` if koffi is not installed or does not load on this system. */
  static async load(): Promise<Native> {
    return new Native(await CLibrary.load());
  }

  /** Returns a waiter for events of the kernel; undefined if no descriptor is free for it. */
  openWaiter(): EventWaiter | undefined {
    return EventWaiter.open(this.#library);
  }

  /** Moves only this thread into a network namespace (setns(2)). Throws `NativeError`. */
  enterNetwork(fd: number): void {
    if (this.#setns(fd, CLONE_NEWNET) !== 0) throw this.#library.error('setns');
  }

  /**
   * Reads a symbolic link in a folder into a buffer.
   * @param name ends with a NUL
   * @returns the length of the link's text in bytes, or a negative errno
   */
  readLinkAt(folder: number, name: Uint8Array, into: Uint8Array): number {
    const length = this.#readlinkat(folder, name, into, into.length);
    return length >= 0 ? length : -this.#library.errno;
  }

  /** Returns true if two threads share one table of descriptors (kcmp(2)); undefined if the kernel refuses. */
  shareDescriptors(tid: number, other: number): boolean | undefined {
    const number = SYS_KCMP[process.arch];
    if (number === undefined) return undefined;
    const order = this.#syscallWithNumbers(number, tid, other, KCMP_FILES, 0, 0);
    return order < 0 ? undefined : order === 0;
  }

  /**
   * Returns the CPU time of a process, nanoseconds; undefined if it cannot be read. The time of a running thread is counted
   * with the next tick of its processor, or when it stops. Any user may read it (pid_for_clock in
   * kernel/time/posix-cpu-timers.c).
   */
  cpuNsOf(pid: number): number | undefined {
    if (this.#library.bytesOfLong !== 8) return undefined;
    if (this.#clockGettime((~pid << 3) | CPUCLOCK_SCHED, this.#timeBytes) !== 0) return undefined;
    const low = LITTLE_ENDIAN ? 0 : 4;
    const seconds = this.#time.getUint32(low, LITTLE_ENDIAN);
    return seconds * 1e9 + this.#time.getUint32(8 + low, LITTLE_ENDIAN);
  }

  /** Gives the memory that all threads have freed back to the kernel (malloc_trim(3)): glibc keeps most of it. */
  releaseMemory(): void {
    this.#mallocTrim?.(0);
  }

  close(fd: number): void {
    this.#close(fd);
  }

  /** Reads from a descriptor (read(2)). @returns the number of bytes, 0 at the end, or a negative errno */
  read(fd: number, into: Uint8Array): number {
    const length = this.#read(fd, into, into.length);
    return length >= 0 ? length : -this.#library.errno;
  }

  /**
   * Checks which descriptors are ready, without waiting (poll(2)).
   * @param set consecutive `struct pollfd`, two 32-bit numbers each
   * @returns the number of ready descriptors, or a negative errno
   */
  poll(set: Int32Array, count: number): number {
    const ready = this.#poll(set, count, 0);
    return ready >= 0 ? ready : -this.#library.errno;
  }

  /**
   * Creates a mount outside of every mount namespace; it ends when its descriptor is closed (fsmount(2), Linux 5.2).
   * Throws `NativeError`.
   * @returns a descriptor of its root
   */
  mountDetached(filesystem: string): number {
    const context = this.#syscallWithText(SYS.fsopen, Buffer.from(`${filesystem}\0`), FS_CLOEXEC);
    if (context < 0) throw this.#library.error('fsopen');
    try {
      if (this.#syscall(SYS.fsconfig, context, FSCONFIG_CMD_CREATE, null, null, 0) < 0)
        throw this.#library.error('fsconfig');
      const mount = this.#syscall(SYS.fsmount, context, FS_CLOEXEC, null, null, 0);
      if (mount < 0) throw this.#library.error('fsmount');
      return mount;
    } finally {
      this.#close(context);
    }
  }

  /**
   * Opens a process (pidfd_open(2), Linux 5.3): the descriptor means this process for ever, unlike its number. Throws
   * `NativeError`.
   */
  openProcess(pid: number): number {
    const fd = this.#syscall(SYS.pidfd_open, pid, 0, null, null, 0);
    if (fd < 0) throw this.#library.error('pidfd_open');
    return fd;
  }

  /** Sends a signal to an open process (pidfd_send_signal(2)). Throws `NativeError`. */
  signalProcess(fd: number, signal: number): void {
    if (this.#syscall(SYS.pidfd_send_signal, fd, signal, null, null, 0) < 0)
      throw this.#library.error('pidfd_send_signal');
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
    if (process < 0) throw this.#library.error('pidfd_open');
    let socket = -1;
    try {
      socket = this.#syscall(SYS.pidfd_getfd, process, descriptor, null, null, 0);
      if (socket < 0) throw this.#library.error('pidfd_getfd');
      const fd = this.#ioctl(socket, SIOCGSKNS, 0);
      if (fd < 0) throw this.#library.error('SIOCGSKNS');
      const protocol = new Int32Array(1);
      const length = new Uint32Array([4]);
      const hasProtocol = this.#getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, protocol, length) === 0;
      return { fd, isTcp: hasProtocol && protocol[0] === IPPROTO_TCP };
    } finally {
      this.#close(process);
      if (socket >= 0) this.#closeOnOtherThread(socket);
    }
  }

  /** Descriptors of this process that are copies of other processes' sockets, until they are closed. */
  get copies(): ReadonlySet<number> {
    return this.#copies;
  }

  /**
   * Closes a copy of another process's socket on another thread. If the process has closed its own meanwhile, this
   * close is the last one, and SO_LINGER may block it for as long as the process chose.
   */
  #closeOnOtherThread(fd: number): void {
    this.#copies.add(fd);
    // koffi queues a limited number of calls, and throws beyond it.
    if (this.#closing === MAX_CLOSING) {
      this.#toClose.push(fd);
      return;
    }
    this.#closing++;
    this.#close.async(fd, () => {
      this.#closing--;
      this.#copies.delete(fd);
      const next = this.#toClose.pop();
      if (next !== undefined) this.#closeOnOtherThread(next);
    });
  }

  /**
   * Raises the soft limit of open descriptors to the hard one (getrlimit(2)).
   * @returns the new limit; undefined if it cannot be read, and on 32-bit systems
   */
  raiseDescriptorLimit(): number | undefined {
    // struct rlimit: soft and hard limit, each an unsigned long.
    if (this.#library.bytesOfLong !== 8) return undefined;
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
    return this.#library.allocate(length);
  }

  free(memory: NativeMemory): void {
    this.#library.free(memory);
  }

  /** Calls the kernel by the number of a system call. @returns its result, or a negative errno */
  systemCall(number: number, one: number, two: number, three = 0, four = 0, five = 0): number {
    const result = this.#syscallWithNumbers(number, one, two, three, four, five);
    return result >= 0 ? result : -this.#library.errno;
  }
}
