import { type Koffi, loadKoffi } from '../../koffi.ts';
import { insideGate } from '../../native-gate.ts';
import type { MacCalls } from './calls.ts';

/** The library with all calls, in the cache of dyld since macOS 11. */
const LIBRARY = '/usr/lib/libSystem.B.dylib';

/** sys/proc_info.h */
const PROC_ALL_PIDS = 1;
const PROC_PIDFDSOCKETINFO = 3;

/** net/if.h */
const IF_NAMESIZE = 16;

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
    return this.#length(this.#listpids(PROC_ALL_PIDS, 0, into, into.byteLength));
  }

  pidInfo(pid: number, flavor: number, into: Uint8Array): number {
    return this.#length(this.#pidinfo(pid, flavor, 0, into, into.length));
  }

  socketInfo(pid: number, descriptor: number, into: Uint8Array): number {
    return this.#length(this.#pidfdinfo(pid, descriptor, PROC_PIDFDSOCKETINFO, into, into.length));
  }

  pidPath(pid: number, into: Uint8Array): number {
    return this.#length(this.#pidpath(pid, into, into.length));
  }

  clockNs(clock: number): number {
    return Number(this.#clock(clock));
  }

  userName(uid: number): string | undefined {
    // 1: no number as text for a user without a name.
    return this.#userFromUid(uid, 1) ?? undefined;
  }

  interfaceName(index: number): string | undefined {
    return this.#indexToName(index, new Uint8Array(IF_NAMESIZE)) ?? undefined;
  }

  /** Returns the result of a call that returns -1 for an error. */
  #result(result: number): number {
    return result < 0 ? -this.#koffi.errno() : result;
  }

  /** Returns the result of a call of libproc, which returns 0 for an error (libsyscall/wrappers/libproc/libproc.c). */
  #length(length: number): number {
    return length > 0 ? length : -this.#koffi.errno();
  }
}
