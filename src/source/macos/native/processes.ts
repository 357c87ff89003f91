import { CTL_KERN, FLAVOR, KERN_PROC, KERN_PROC_PID, KERN_PROCARGS2, type MacCalls } from './calls.ts';
import { numberOf } from './kernel-table.ts';

/** struct proc_fdinfo (sys/proc_info.h): number and kind of a descriptor. */
const FDINFO_BYTES = 8;
const PROX_FDTYPE_SOCKET = 2;

/** struct socket_fdinfo (sys/proc_info.h). */
const SOCKET_FDINFO_BYTES = 792;
const SOI_SO = 160;

/** struct proc_bsdshortinfo (sys/proc_info.h). */
const SHORT_INFO_BYTES = 64;
const SHORT_INFO = { parent: 4, group: 8, name: 16, uid: 36 } as const;
const NAME_BYTES = 16;

/** struct kinfo_proc (sys/sysctl.h) on a 64-bit system: seconds and microseconds of the start, then the pid. */
const KINFO_PROC_BYTES = 648;
const KINFO = { startSeconds: 0, startMicros: 8, pid: 40 } as const;

/** PROC_PIDPATHINFO_MAXSIZE (sys/proc_info.h). */
const PATH_BYTES = 4096;

/** Maximum length of a command line, characters. */
const MAX_COMMAND = 8192;
/** Size of the arguments of a process if the kernel does not state its limit, bytes. */
const DEFAULT_ARGUMENTS_BYTES = 2 ** 20;

/** Maximum number of pids or descriptors. */
const MAX_ENTRIES = 2 ** 20;

/** Facts of a process that every user may read. */
export interface ShortInfo {
  /** At most 15 bytes of the name. */
  readonly name: string;
  readonly uid: number;
  readonly parent: number;
  readonly group: number;
}

/** Reads processes and their descriptors. Each answer of the kernel is checked for its length. */
export class MacProcesses {
  readonly #calls: MacCalls;
  #pids = new Int32Array(1024);
  #descriptors = new Uint8Array(256 * FDINFO_BYTES);
  readonly #socket = new DataView(new ArrayBuffer(SOCKET_FDINFO_BYTES));
  readonly #short = new DataView(new ArrayBuffer(SHORT_INFO_BYTES));
  readonly #kinfo = new DataView(new ArrayBuffer(KINFO_PROC_BYTES));
  readonly #path = new Uint8Array(PATH_BYTES);
  #arguments: Uint8Array | undefined;

  constructor(calls: MacCalls) {
    this.#calls = calls;
  }

  /** Returns the pids of all processes; undefined if the kernel does not list them. */
  pids(): Int32Array | undefined {
    for (;;) {
      const bytes = this.#calls.listPids(this.#pids);
      if (bytes <= 0) return undefined;
      // The kernel fills the list and does not say that it is too short.
      if (bytes < this.#pids.byteLength || this.#pids.length >= MAX_ENTRIES)
        return this.#pids.slice(0, Math.min(bytes >>> 2, this.#pids.length));
      this.#pids = new Int32Array(this.#pids.length * 2);
    }
  }

  /** Returns the descriptors of the sockets of a process; a negative errno if they may not be read. */
  socketDescriptors(pid: number): Int32Array | number {
    for (;;) {
      const bytes = this.#calls.pidInfo(pid, FLAVOR.descriptors, this.#descriptors);
      if (bytes <= 0) return bytes;
      const isFull = bytes > this.#descriptors.length - FDINFO_BYTES;
      if (!isFull || this.#descriptors.length >= MAX_ENTRIES * FDINFO_BYTES)
        return socketsAmong(this.#descriptors, bytes);
      this.#descriptors = new Uint8Array(this.#descriptors.length * 2);
    }
  }

  /** Returns the handle of a socket, as `xso_so` has it; undefined if the descriptor is no socket any more. */
  socketHandle(pid: number, descriptor: number): bigint | undefined {
    const bytes = this.#calls.socketInfo(pid, descriptor, new Uint8Array(this.#socket.buffer));
    return bytes >= SOI_SO + 8 ? this.#socket.getBigUint64(SOI_SO, true) : undefined;
  }

  /** Returns the facts of a process that every user may read; undefined if it has ended. */
  shortInfo(pid: number): ShortInfo | undefined {
    const bytes = this.#calls.pidInfo(pid, FLAVOR.shortInfo, new Uint8Array(this.#short.buffer));
    if (bytes < SHORT_INFO_BYTES) return undefined;
    const number = (at: number): number => this.#short.getUint32(at, true);
    return {
      name: textIn(new Uint8Array(this.#short.buffer), SHORT_INFO.name, SHORT_INFO.name + NAME_BYTES),
      uid: number(SHORT_INFO.uid),
      parent: number(SHORT_INFO.parent),
      group: number(SHORT_INFO.group),
    };
  }

  /** Returns the start of a process, milliseconds since 1970; undefined if it has ended. */
  startedAtMs(pid: number): number | undefined {
    const size = new BigUint64Array([BigInt(KINFO_PROC_BYTES)]);
    const numbers = new Int32Array([CTL_KERN, KERN_PROC, KERN_PROC_PID, pid]);
    const result = this.#calls.sysctl(numbers, new Uint8Array(this.#kinfo.buffer), size);
    // No process with this pid: the length is 0.
    if (result < 0 || Number(size[0]) < KINFO_PROC_BYTES) return undefined;
    if (this.#kinfo.getInt32(KINFO.pid, true) !== pid) return undefined;
    const seconds = Number(this.#kinfo.getBigInt64(KINFO.startSeconds, true));
    return seconds * 1000 + Math.floor(this.#kinfo.getInt32(KINFO.startMicros, true) / 1000);
  }

  /** Returns the path of the program of a process; undefined if it has none. */
  path(pid: number): string | undefined {
    const bytes = this.#calls.pidPath(pid, this.#path);
    return bytes > 0 ? textIn(this.#path, 0, Math.min(bytes, PATH_BYTES)) : undefined;
  }

  /** Returns the command line of a process, at most 8,192 characters and `…`; undefined if it may not be read. */
  command(pid: number): string | undefined {
    // With a shorter buffer the kernel would return the end of the arguments (bsd/kern/kern_sysctl.c, sysctl_procargsx).
    this.#arguments ??= new Uint8Array(numberOf(this.#calls, 'kern.argmax') ?? DEFAULT_ARGUMENTS_BYTES);
    const size = new BigUint64Array([BigInt(this.#arguments.length)]);
    const numbers = new Int32Array([CTL_KERN, KERN_PROCARGS2, pid]);
    if (this.#calls.sysctl(numbers, this.#arguments, size) < 0) return undefined;
    return parseArguments(this.#arguments.subarray(0, Number(size[0])));
  }
}

function socketsAmong(bytes: Uint8Array, length: number): Int32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, Math.min(length, bytes.length));
  const found: number[] = [];
  for (let at = 0; at + FDINFO_BYTES <= view.byteLength; at += FDINFO_BYTES)
    if (view.getUint32(at + 4, true) === PROX_FDTYPE_SOCKET) found.push(view.getInt32(at, true));
  return Int32Array.from(found);
}

/**
 * Parses the arguments of a process: their number, the path of the program, NULs, then each argument and a NUL.
 * @returns undefined for a process without arguments, and for a malformed text
 */
export function parseArguments(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4) return undefined;
  const count = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  let at = bytes.indexOf(0, 4);
  if (at < 0) return undefined;
  while (at < bytes.length && bytes[at] === 0) at++;
  const words: string[] = [];
  for (let length = 0; words.length < count && at < bytes.length && length <= MAX_COMMAND;) {
    const end = bytes.indexOf(0, at);
    const word = textIn(bytes, at, Math.min(end < 0 ? bytes.length : end, at + 4 * MAX_COMMAND));
    words.push(word);
    length += word.length + 1;
    at = end < 0 ? bytes.length : end + 1;
  }
  if (words.length === 0) return undefined;
  const text = words.join(' ');
  return text.length > MAX_COMMAND ? `${text.slice(0, MAX_COMMAND)}…` : text;
}

const UTF8 = new TextDecoder();

/** Returns the text between two places, up to the first NUL. */
function textIn(bytes: Uint8Array, start: number, end: number): string {
  const part = bytes.subarray(start, end);
  const nul = part.indexOf(0);
  return UTF8.decode(nul < 0 ? part : part.subarray(0, nul));
}
