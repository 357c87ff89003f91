import { closeSync, constants, openSync } from 'node:fs';
import { ERRNO, type Native } from './netlink/native.ts';
import { IO_URING, IO_URING_LINK, type Outcome, Proc } from './proc.ts';

const SOCKET = Buffer.from('socket:[');
const RING = Buffer.from(IO_URING_LINK);
const ZERO = 48;
const NINE = 57;

/** So few descriptors are not worth opening their folder. */
const FEW = 4;

/**
 * The proc file system, with the one call that is made for every descriptor of every process done without a path and
 * without a text: that takes half the time.
 */
export class NativeProc extends Proc {
  readonly #native: Native;
  readonly #root: string;
  readonly #name = new Uint8Array(16);
  readonly #link = new Uint8Array(64);

  constructor(root: string, native: Native) {
    super(root);
    this.#root = root;
    this.#native = native;
  }

  override socketInodes(folderPath: string, descriptors: readonly number[]): Outcome<number>[] {
    if (descriptors.length <= FEW) return super.socketInodes(folderPath, descriptors);
    let folder: number;
    try {
      folder = openSync(`${this.#root}/${folderPath}/fd`, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch {
      return super.socketInodes(folderPath, descriptors);
    }
    try {
      return descriptors.map((descriptor) => this.#socketInodeIn(folder, descriptor));
    } finally {
      closeSync(folder);
    }
  }

  override shareDescriptors(tid: number, other: number): boolean | undefined {
    return this.#native.shareDescriptors(tid, other);
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

  /** Writes a number in decimal. @returns the count of its digits */
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

  /** The number in `socket:[number]`, `IO_URING`, or 0 for any other link. */
  #inode(length: number): number {
    if (!this.#begins(SOCKET)) return length === RING.length && this.#begins(RING) ? IO_URING : 0;
    let inode = 0;
    for (let i = SOCKET.length; i < length - 1; i++) {
      const digit = this.#link[i] ?? 0;
      if (digit < ZERO || digit > NINE) return 0;
      inode = inode * 10 + digit - ZERO;
    }
    return inode;
  }

  #begins(text: Buffer): boolean {
    for (let i = 0; i < text.length; i++) if (this.#link[i] !== text[i]) return false;
    return true;
  }
}
