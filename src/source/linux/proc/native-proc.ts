import { closeSync, constants, openSync } from 'node:fs';
import type { Progress } from '../../../model/progress.ts';
import { ERRNO } from '../netlink/errno.ts';
import type { Native } from '../netlink/native.ts';
import type { Target } from './descriptor-target.ts';
import { isNetpane } from './netpane.ts';
import { IO_URING, IO_URING_LINK, type Outcome, Proc } from './proc.ts';

const SOCKET = Buffer.from('socket:[');
const NETWORK = Buffer.from('net:[');
const RING = Buffer.from(IO_URING_LINK);
const ZERO = 48;
const NINE = 57;

/** Nanoseconds of which the tick of a clock is a multiple. */
const TICK_NS = 1e6;

/** Maximum number of descriptors that are read by their full paths: opening their folder would cost more for so few. */
const MAX_DESCRIPTORS_BY_PATH = 4;

const NO_SOCKET: Outcome<number> = { value: 0 };

/**
 * The proc file system, with readlinkat(2) for descriptors, which are read most often: without full paths and strings this
 * takes half the time.
 */
export class NativeProc extends Proc {
  readonly #native: Native;
  readonly #root: string;
  readonly #name = new Uint8Array(16);
  readonly #link = new Uint8Array(64);

  constructor(root: string, native: Native, progress?: Progress) {
    super(root, progress);
    this.#root = root;
    this.#native = native;
  }

  override socketInode(folder: string, descriptor: number): Outcome<number> {
    return this.#isCopy(folder, descriptor) ? NO_SOCKET : super.socketInode(folder, descriptor);
  }

  override socketInodes(folder: string, descriptors: readonly number[]): Outcome<number>[] {
    const results = this.#mapInFolder(folder, descriptors, (fd, it) =>
      this.#isCopy(folder, it) ? NO_SOCKET : this.#socketInodeIn(fd, it),
    );
    return results ?? super.socketInodes(folder, descriptors);
  }

  override targets(folder: string, descriptors: readonly number[]): (Target | undefined)[] {
    const results = this.#mapInFolder(folder, descriptors, (fd, it) =>
      this.#isCopy(folder, it) ? undefined : this.#targetIn(fd, it),
    );
    return results ?? super.targets(folder, descriptors);
  }

  override target(folder: string, descriptor: number): Target | undefined {
    return this.#isCopy(folder, descriptor) ? undefined : super.target(folder, descriptor);
  }

  override shareDescriptors(tid: number, other: number): boolean | undefined {
    return this.hasOwnPids ? this.#native.shareDescriptors(tid, other) : super.shareDescriptors(tid, other);
  }

  /** Returns true for a descriptor by which netpane itself holds the socket of another process for a moment. */
  #isCopy(folder: string, descriptor: number): boolean {
    return this.#native.copies.has(descriptor) && isNetpane(Number.parseInt(folder, 10));
  }

  override cpuNsOf(pid: number): number | undefined {
    const cpuNs = this.hasOwnPids ? this.#native.cpuNsOf(pid) : undefined;
    // A clock of whole ticks, as of an emulated kernel, does not count short runs.
    return cpuNs === undefined || cpuNs % TICK_NS === 0 ? undefined : cpuNs;
  }

  /**
   * Returns the results of `read` for each descriptor, with the opened folder. Undefined if there are too few descriptors, or
   * the folder cannot be opened.
   */
  #mapInFolder<T>(
    folder: string,
    descriptors: readonly number[],
    read: (fd: number, descriptor: number) => T,
  ): T[] | undefined {
    if (descriptors.length <= MAX_DESCRIPTORS_BY_PATH) return undefined;
    let fd: number;
    try {
      fd = openSync(`${this.#root}/${folder}/fd`, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch {
      return undefined;
    }
    try {
      return descriptors.map((descriptor) => read(fd, descriptor));
    } finally {
      closeSync(fd);
    }
  }

  #targetIn(folder: number, descriptor: number): Target | undefined {
    this.#name[this.#writeDigits(descriptor)] = 0;
    const length = this.#native.readLinkAt(folder, this.#name, this.#link);
    if (length > 0 && this.#linkStartsWith(SOCKET))
      return { kind: 'socket', inode: this.#parseNumber(SOCKET.length, length) };
    if (length > 0 && this.#linkStartsWith(NETWORK))
      return { kind: 'net', inode: this.#parseNumber(NETWORK.length, length) };
    return undefined;
  }

  #socketInodeIn(folder: number, descriptor: number): Outcome<number> {
    this.#name[this.#writeDigits(descriptor)] = 0;
    const length = this.#native.readLinkAt(folder, this.#name, this.#link);
    if (length >= 0) return { value: this.#inode(length) };
    const isForbidden = length === -ERRNO.EACCES || length === -ERRNO.EPERM;
    return {
      failed: isForbidden ? 'forbidden' : length === -ERRNO.ENOENT ? 'gone' : 'broken',
      message: `error ${-length}`,
    };
  }

  /** Writes a number in decimal. @returns the number of digits */
  #writeDigits(number: number): number {
    let count = 1;
    for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) count++;
    let rest = number;
    for (let i = count - 1; i >= 0; i--) {
      this.#name[i] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return count;
  }

  /** Returns the number in `socket:[number]`, `IO_URING`, or 0 for any other link. */
  #inode(length: number): number {
    if (this.#linkStartsWith(SOCKET)) return this.#parseNumber(SOCKET.length, length);
    return length === RING.length && this.#linkStartsWith(RING) ? IO_URING : 0;
  }

  /** Returns the number from `start` to the closing bracket, which is the last byte; 0 if it is not a number. */
  #parseNumber(start: number, length: number): number {
    let number = 0;
    for (let i = start; i < length - 1; i++) {
      const digit = this.#link[i] ?? 0;
      if (digit < ZERO || digit > NINE) return 0;
      number = number * 10 + digit - ZERO;
    }
    return number;
  }

  #linkStartsWith(text: Buffer): boolean {
    for (let i = 0; i < text.length; i++) if (this.#link[i] !== text[i]) return false;
    return true;
  }
}
