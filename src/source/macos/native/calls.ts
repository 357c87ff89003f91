import { constants } from 'node:os';

/** Numbers of errors; they differ between systems. */
export const ERRNO = constants.errno;

/** sys/sysctl.h */
export const CTL_KERN = 1;
export const KERN_PROC = 14;
export const KERN_PROC_PID = 1;
export const KERN_PROCARGS2 = 49;

/** Flavors of proc_pidinfo (sys/proc_info.h). */
export const FLAVOR = { descriptors: 1, shortInfo: 13 } as const;

/** Clocks of clock_gettime_nsec_np (time.h): `awake` stops while the machine sleeps, `continuous` does not. */
export const CLOCK = { awake: 8, continuous: 4 } as const;

/** Calls of libSystem: `LibSystem`, or a fake in tests. A result below 0 is a negative errno. */
export interface MacCalls {
  /**
   * Reads a value of the kernel by its name (sysctlbyname(3)).
   * @param into undefined to ask for its size only
   * @param size one number: before the call the size of `into`, after it the length of the value
   */
  sysctlByName(name: string, into: Uint8Array | undefined, size: BigUint64Array): number;
  /** Reads a value of the kernel by its numbers (sysctl(3)). */
  sysctl(numbers: Int32Array, into: Uint8Array, size: BigUint64Array): number;
  /** Lists the pids of all processes (proc_listpids). @returns the number of bytes */
  listPids(into: Int32Array): number;
  /** Reads about a process (proc_pidinfo). @returns the number of bytes */
  pidInfo(pid: number, flavor: number, into: Uint8Array): number;
  /** Reads about a socket of a process (proc_pidfdinfo, PROC_PIDFDSOCKETINFO). @returns the number of bytes */
  socketInfo(pid: number, descriptor: number, into: Uint8Array): number;
  /** Reads the path of the program of a process (proc_pidpath). @returns its length, bytes */
  pidPath(pid: number, into: Uint8Array): number;
  /** Returns a clock, nanoseconds (clock_gettime_nsec_np). */
  clockNs(clock: number): number;
  /** Returns the name of a user; undefined if it has none. The system may ask a directory. */
  userName(uid: number): string | undefined;
  /** Returns the name of an interface by its number. */
  interfaceName(index: number): string | undefined;
  /** Returns the length of a tick of mach_continuous_time, nanoseconds (mach_timebase_info). */
  tickNs(): number;
  /** Connects to a kernel control by its name. @returns a negative errno if it cannot */
  openControl(name: string): ControlChannel | number;
}

/** A connection to a kernel control (sys/kern_control.h). Neither call waits. */
export interface ControlChannel {
  /** Sends a datagram. @returns its length, or a negative errno */
  send(bytes: Uint8Array): number;
  /** Receives a datagram. @returns its length, or a negative errno: EAGAIN if there is none, ENOBUFS after a loss */
  receive(into: Uint8Array): number;
  close(): void;
}

/** Returns the name of an error, such as `EPERM`. @param result a negative errno */
export const errnoName = (result: number): string =>
  Object.entries(ERRNO).find(([, number]) => number === -result)?.[0] ?? `error ${-result}`;
