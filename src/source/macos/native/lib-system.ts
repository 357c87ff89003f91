import { type Koffi, loadKoffi } from '../../koffi.ts';
import { insideGate } from '../../native-gate.ts';
import type { ControlChannel, MacCalls } from './calls.ts';

/** The library with all calls, in the cache of dyld since macOS 11. */
const LIBRARY = '/usr/lib/libSystem.B.dylib';

/** sys/proc_info.h */
const PROC_ALL_PIDS = 1;
const PROC_PIDFDSOCKETINFO = 3;

/** net/if.h */
const IF_NAMESIZE = 16;

/** sys/socket.h, sys/sys_domain.h, sys/kern_control.h */
const PF_SYSTEM = 32;
const SOCK_DGRAM = 2;
const SYSPROTO_CONTROL = 2;
const AF_SYS_CONTROL = 2;
const SOL_SOCKET = 0xffff;
const SO_RCVBUF = 0x1002;
const MSG_DONTWAIT = 0x80;
/** fcntl.h */
const F_SETFD = 2;
const FD_CLOEXEC = 1;
/** Finds the number of a kernel control by its name: struct ctl_info has both. */
const CTLIOCGINFO = 0xc0644e03;
const CTL_INFO_BYTES = 100;
const CTL_NAME_BYTES = 96;
/** struct sockaddr_ctl: length, family, address family of the system, number. */
const SOCKADDR_CTL_BYTES = 32;

/** Size of the receive buffer for closes, bytes: some thousand messages. The kernel may allow less. */
const CLOSES_BUFFER_BYTES = 2 ** 20;

type Call<Result> = (...args: readonly unknown[]) => Result;

/** The calls of libSystem, through koffi. */
export class LibSystem implements MacCalls {
  readonly #koffi: Koffi;
  readonly #sysctlbyname: Call<number>;
  readonly #sysctl: Call<number>;
  readonly #listpids: Call<number>;
  readonly #pidinfo: Call<number>;
  readonly #pidfdinfo: Call<number>;
  readonly #pidpath: Call<number>;
  readonly #clock: Call<number | bigint>;
  readonly #userFromUid: Call<string | null>;
  readonly #indexToName: Call<string | null>;
  readonly #timebase: Call<number>;
  readonly #socket: Call<number>;
  readonly #ioctl: Call<number>;
  readonly #fcntl: Call<number>;
  readonly #connect: Call<number>;
  readonly #setsockopt: Call<number>;
  readonly #send: Call<number>;
  readonly #recv: Call<number>;
  readonly #close: Call<number>;

  private constructor(koffi: Koffi, path: string) {
    this.#koffi = koffi;
    const library = koffi.load(path);
    const call = <Result>(prototype: string): Call<Result> =>
      insideGate(() => library.func(prototype) as Call<Result>);
    this.#sysctlbyname = call('int sysctlbyname(const char *, void *, void *, void *, size_t)');
    this.#sysctl = call('int sysctl(void *, unsigned int, void *, void *, void *, size_t)');
    this.#listpids = call('int proc_listpids(uint32_t, uint32_t, void *, int)');
    this.#pidinfo = call('int proc_pidinfo(int, int, uint64_t, void *, int)');
    this.#pidfdinfo = call('int proc_pidfdinfo(int, int, int, void *, int)');
    this.#pidpath = call('int proc_pidpath(int, void *, uint32_t)');
    this.#clock = call('uint64_t clock_gettime_nsec_np(int)');
    this.#userFromUid = call('const char *user_from_uid(uint32_t, int)');
    this.#indexToName = call('const char *if_indextoname(unsigned int, void *)');
    this.#timebase = call('int mach_timebase_info(void *)');
    this.#socket = call('int socket(int, int, int)');
    // Both are variadic: on arm64 variadic arguments are passed in another way.
    this.#ioctl = call('int ioctl(int, unsigned long, ...)');
    this.#fcntl = call('int fcntl(int, int, ...)');
    this.#connect = call('int connect(int, void *, uint32_t)');
    this.#setsockopt = call('int setsockopt(int, int, int, void *, uint32_t)');
    this.#send = call('long send(int, void *, size_t, int)');
    this.#recv = call('long recv(int, void *, size_t, int)');
    this.#close = call('int close(int)');
  }

  /**
   * Loads the library. Rejects with `SourceUnavailable` if koffi is missing, or the library lacks a call.
   * @param path replaces the library in tests
   */
  static load(path = LIBRARY): Promise<LibSystem> {
    return loadKoffi((koffi) => new LibSystem(koffi, path));
  }

  sysctlByName(name: string, into: Uint8Array | undefined, size: BigUint64Array): number {
    return this.#result(this.#sysctlbyname(name, into ?? null, size, null, 0));
  }

  sysctl(numbers: Int32Array, into: Uint8Array, size: BigUint64Array): number {
    return this.#result(this.#sysctl(numbers, numbers.length, into, size, null, 0));
  }

  listPids(into: Int32Array): number {
    return this.#length(() => this.#listpids(PROC_ALL_PIDS, 0, into, into.byteLength));
  }

  pidInfo(pid: number, flavor: number, into: Uint8Array): number {
    return this.#length(() => this.#pidinfo(pid, flavor, 0, into, into.length));
  }

  socketInfo(pid: number, descriptor: number, into: Uint8Array): number {
    return this.#length(() => this.#pidfdinfo(pid, descriptor, PROC_PIDFDSOCKETINFO, into, into.length));
  }

  pidPath(pid: number, into: Uint8Array): number {
    return this.#length(() => this.#pidpath(pid, into, into.length));
  }

  clockNs(clock: number): number {
    return Number(this.#clock(clock));
  }

  userName(uid: number): string | undefined {
    // With 1 the result is null for a user without a name, instead of the uid as text.
    return this.#userFromUid(uid, 1) ?? undefined;
  }

  interfaceName(index: number): string | undefined {
    return this.#indexToName(index, new Uint8Array(IF_NAMESIZE)) ?? undefined;
  }

  tickNs(): number {
    const [numerator = 1, denominator = 1] = this.#timebaseInfo();
    return denominator === 0 ? 1 : numerator / denominator;
  }

  #timebaseInfo(): Uint32Array {
    const fraction = new Uint32Array(2);
    this.#timebase(fraction);
    return fraction;
  }

  openControl(name: string): ControlChannel | number {
    const fd = this.#result(this.#socket(PF_SYSTEM, SOCK_DGRAM, SYSPROTO_CONTROL));
    if (fd < 0) return fd;
    // The programs that netpane runs must not have it.
    this.#fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
    const failure = this.#connectControl(fd, name);
    if (failure < 0) {
      this.#close(fd);
      return failure;
    }
    this.#setsockopt(fd, SOL_SOCKET, SO_RCVBUF, new Int32Array([CLOSES_BUFFER_BYTES]), 4);
    return {
      send: (bytes) => this.#result(this.#send(fd, bytes, bytes.length, MSG_DONTWAIT)),
      receive: (into) => this.#result(this.#recv(fd, into, into.length, MSG_DONTWAIT)),
      close: () => void this.#close(fd),
    };
  }

  #connectControl(fd: number, name: string): number {
    const info = Buffer.alloc(CTL_INFO_BYTES);
    info.write(name, 4, CTL_NAME_BYTES - 1);
    const found = this.#result(this.#ioctl(fd, CTLIOCGINFO, 'void *', info));
    if (found < 0) return found;
    const address = Buffer.alloc(SOCKADDR_CTL_BYTES);
    address.writeUInt8(SOCKADDR_CTL_BYTES, 0);
    address.writeUInt8(PF_SYSTEM, 1);
    address.writeUInt16LE(AF_SYS_CONTROL, 2);
    address.writeUInt32LE(info.readUInt32LE(0), 4);
    return this.#result(this.#connect(fd, address, address.length));
  }

  /** Returns the result of a call that returns -1 for an error. */
  #result(result: number): number {
    return result < 0 ? -this.#koffi.errno() : result;
  }

  /**
   * Returns the result of a call of libproc, or a negative errno. The call returns 0 for an error
   * (libsyscall/wrappers/libproc/libproc.c), and also for an empty answer, such as that of a process without descriptors. Only
   * an error sets errno.
   */
  #length(call: () => number): number {
    this.#koffi.errno(0);
    const length = call();
    return length > 0 ? length : 0 - this.#koffi.errno();
  }
}
