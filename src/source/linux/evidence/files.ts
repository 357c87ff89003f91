import { close, constants, open as openFile, read as readFile } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { promisify } from 'node:util';

/** Maximum time for one step, milliseconds: a read of a stuck process or file system may never return. */
const STEP_MS = 2000;

/** Maximum number of steps that are too late and still hold a thread of libuv's pool, which has four. */
const MAX_STUCK = 2;

/** Maximum number of bytes read of a file whose length another user controls. */
const TEXT_LIMIT = 64 * 1024;

/**
 * Opens a path without opening the file: to open a device may have effects (open(2); the value is that of
 * include/uapi/asm-generic/fcntl.h).
 */
const O_PATH = 0o10000000;

/** Opening a pipe must not block, and an opened terminal must not become the controlling terminal of netpane. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Bytes of the first read of a file of a package database; most files are shorter. */
const FIRST_READ = 32 * 1024;

const openOnce = promisify(openFile);
const readOnce = promisify(readFile);

/**
 * Reads files for the evidence, on the threads of libuv. A method resolves to undefined if it fails or takes too long,
 * and never rejects. Paths begin at a root: `/`, that of a container, or a fixture. Only regular files are opened,
 * because a user may have put a pipe or a device in their place. `bytes` omits this check for the files of the machine (root `/`).
 */
export class Files {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** Returns a path below the root as netpane opens it. */
  pathOf(path: string): string {
    return this.#root === '/' ? path : this.#root + path;
  }

  /**
   * Returns the start of a regular file as UTF-8: a pipe or a device could block, or never end.
   * @param limit maximum number of bytes
   */
  text(path: string, limit = TEXT_LIMIT): Promise<string | undefined> {
    return withinTime(async () => {
      const file = await this.#open(path);
      if (file === undefined) return undefined;
      try {
        const buffer = Buffer.allocUnsafe(limit);
        let length = 0;
        // A file of /proc has size 0 in stat(2), and is read until a read returns nothing.
        for (let count = -1; count !== 0 && length < limit; length += count)
          count = (await file.read(buffer, length, limit - length)).bytesRead;
        return buffer.toString('utf8', 0, length);
      } finally {
        await file.close();
      }
    });
  }

  /**
   * Returns the start of a file of a package database. A search reads thousands of them: each takes few system calls.
   * @param limit maximum number of bytes
   */
  async bytes(path: string, limit: number): Promise<Buffer | undefined> {
    // Only root writes the databases of this machine; those of a container may be anything.
    if (this.#root !== '/') {
      const text = await this.text(path, limit);
      return text === undefined ? undefined : Buffer.from(text);
    }
    return withinTime(async () => {
      const fd = await openOnce(this.pathOf(path), FLAGS);
      try {
        let buffer = Buffer.allocUnsafe(FIRST_READ);
        for (let length = 0; ;) {
          const { bytesRead } = await readOnce(fd, buffer, length, buffer.length - length, null);
          length += bytesRead;
          // A regular file ends with a short read.
          if (length < buffer.length || length >= limit) return buffer.subarray(0, Math.min(length, limit));
          buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
        }
      } finally {
        close(fd);
      }
    });
  }

  /** Opens a regular file for reading; the caller closes it. Resolves to undefined for anything else. */
  async regular(path: string): Promise<FileHandle | undefined> {
    let opening: Promise<FileHandle | undefined> | undefined;
    const file = await withinTime(() => (opening = this.#open(path)));
    // No caller gets a file that is opened too late: close it.
    if (file === undefined) opening?.then((late) => late?.close()).catch(() => {});
    return file;
  }

  link(path: string): Promise<string | undefined> {
    return withinTime(() => readlink(this.pathOf(path)));
  }

  names(path: string): Promise<readonly string[] | undefined> {
    return withinTime(() => readdir(this.pathOf(path)));
  }

  /** Returns the result of stat(2). @param isLink true for lstat(2), which does not follow a link */
  stat(path: string, isLink = false): Promise<Stats | undefined> {
    return withinTime(() => (isLink ? lstat : stat)(this.pathOf(path)));
  }

  /** Opens a regular file; undefined for anything else. The name is checked and then opened by its descriptor. */
  async #open(path: string): Promise<FileHandle | undefined> {
    const name = await open(this.pathOf(path), O_PATH);
    try {
      return (await name.stat()).isFile() ? await open(`/proc/self/fd/${name.fd}`, FLAGS) : undefined;
    } finally {
      await name.close();
    }
  }
}

/** Number of steps that are too late and have not ended yet. */
let stuck = 0;

/** Resolves to the result of a step; undefined if it fails or takes too long, or if too many others are stuck. */
export async function withinTime<T>(act: () => Promise<T>): Promise<T | undefined> {
  if (stuck >= MAX_STUCK) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const step = act();
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      stuck++;
      const release = (): void => void stuck--;
      step.then(release, release);
      resolve(undefined);
    }, STEP_MS).unref();
  });
  try {
    return await Promise.race([step, tooLate]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
