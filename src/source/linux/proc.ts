import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import type { Progress } from '../../model/progress.ts';
import { parseTarget, type Target } from './descriptor-target.ts';
import { wholeLength } from './utf8.ts';

/** Errors that mean "not there (any more)": a process may die between any two reads. */
const GONE = new Set(['ENOENT', 'ESRCH', 'ENOTDIR']);

const FORBIDDEN = new Set(['EACCES', 'EPERM']);

const codeOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
};

/**
 * A read of a file of /proc gives a page of 4,096 bytes, less the line that did not fit (fs/seq_file.c); one that gives
 * less than this, and had the room, was the last. To be told so by one more read is not free: for /proc/net/tcp the
 * kernel then walks its whole hash table once more.
 */
const SHORT_READ = 3584;

const SOCKET_LINK = /^socket:\[(\d+)\]$/;

/** Stands for the inode of a descriptor that is no socket but an io_uring(7). */
export const IO_URING = -1;
export const IO_URING_LINK = 'anon_inode:[io_uring]';

/** Maximum number of bytes read of a file, by what it is about. Its length is often up to the program that it describes. */
export const LIMIT = {
  /** One process: its status, its control groups (a path of PATH_MAX for each of a dozen hierarchies). */
  process: 64 * 1024,
  /** A command line: up to 6 MB in the kernel, of which 8,192 characters are shown. */
  commandLine: 16 * 1024,
  /** The machine or its users: its statistics, mounts, addresses, passwd(5). */
  machine: 16 * 2 ** 20,
  /** A table of sockets, about 150 bytes each: 400,000 of them. */
  table: 64 * 2 ** 20,
} as const;

/**
 * The result of a read: the value, or why there is none.
 * `isCut`: there is more of it than the limit that it was read with.
 */
export type Outcome<T> =
  { value: T; isCut?: boolean } | { failed: 'gone' | 'forbidden' | 'broken'; message: string };

function attempt<T>(read: () => T): Outcome<T> {
  return attemptOutcome(() => ({ value: read() }));
}

function attemptOutcome<T>(read: () => Outcome<T>): Outcome<T> {
  try {
    return read();
  } catch (error) {
    const code = codeOf(error);
    const failed = GONE.has(code) ? 'gone' : FORBIDDEN.has(code) ? 'forbidden' : 'broken';
    return { failed, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Reads below a /proc directory, wherever it is mounted. Nothing here throws. */
export class Proc {
  readonly #root: string;
  readonly #progress: Progress | undefined;
  #buffer = Buffer.allocUnsafe(256 * 1024);

  /**
   * @param root the proc file system: `/proc`, or a fixture
   * @param progress notes which process is read: such a read may wait for a lock of that process for long
   */
  constructor(root: string, progress?: Progress) {
    this.#root = root;
    this.#progress = progress;
  }

  /** Full path of a file here, for those who open it themselves. */
  pathOf(path: string): string {
    return `${this.#root}/${path}`;
  }

  /** Content of a file, each byte a character: what is shown of it is ASCII, or decoded by `text`. */
  latin1(path: string, limit: number = LIMIT.process): Outcome<string> {
    return attemptOutcome(() => this.#read(path, 'latin1', limit));
  }

  /** Content of a file as UTF-8; invalid bytes become U+FFFD, and a character that the limit cuts is left out. */
  text(path: string, limit: number = LIMIT.process): Outcome<string> {
    return attemptOutcome(() => this.#read(path, 'utf8', limit));
  }

  canOpen(path: string): boolean {
    return 'value' in attempt(() => closeSync(openSync(`${this.#root}/${path}`, 'r')));
  }

  link(path: string): Outcome<string> {
    this.#progress?.noteFile(path);
    return attempt(() => readlinkSync(`${this.#root}/${path}`));
  }

  /**
   * Inode of the socket behind a descriptor; `IO_URING`, or 0 for anything else that it may be.
   * @param folder of a process or a thread: `PID`, `PID/task/TID`
   */
  socketInode(folder: string, descriptor: number): Outcome<number> {
    const link = this.link(`${folder}/fd/${descriptor}`);
    if (!('value' in link)) return link;
    return {
      value: link.value === IO_URING_LINK ? IO_URING : Number(SOCKET_LINK.exec(link.value)?.[1] ?? 0),
    };
  }

  /**
   * The same of several descriptors.
   * @returns one outcome for each, in their order
   */
  socketInodes(folder: string, descriptors: readonly number[]): Outcome<number>[] {
    return descriptors.map((descriptor) => this.socketInode(folder, descriptor));
  }

  /** Returns the sockets and network namespaces that descriptors refer to, in their order; undefined for anything else. */
  targets(folder: string, descriptors: readonly number[]): (Target | undefined)[] {
    return descriptors.map((descriptor) => {
      const link = this.link(`${folder}/fd/${descriptor}`);
      return 'value' in link ? parseTarget(link.value) : undefined;
    });
  }

  /** True when two threads have one table of descriptors; undefined where that cannot be told. */
  shareDescriptors(tid: number, other: number): boolean | undefined {
    return tid === other ? true : undefined;
  }

  /** Count of the threads of a process: the links of its folder `task` beside two (fs/proc/base.c, proc_task_getattr). */
  threadCount(pid: number): number {
    const folder = attempt(() => statSync(`${this.#root}/${pid}/task`));
    return 'value' in folder ? folder.value.nlink - 2 : 0;
  }

  names(path: string): Outcome<string[]> {
    this.#progress?.noteFile(path);
    return attempt(() => readdirSync(`${this.#root}/${path}`));
  }

  /** Inode, size and owner of a file or folder. */
  stat(path: string): Outcome<{ ino: number; size: number; uid: number }> {
    this.#progress?.noteFile(path);
    return attempt(() => statSync(`${this.#root}/${path}`));
  }

  #read(path: string, encoding: 'latin1' | 'utf8', limit: number): Outcome<string> {
    // One byte more than the limit tells whether there is more.
    const length = this.#fill(path, limit + 1);
    if (length <= limit) return { value: this.#buffer.toString(encoding, 0, length) };
    const end = encoding === 'utf8' ? wholeLength(this.#buffer, limit) : limit;
    return { value: this.#buffer.toString(encoding, 0, end), isCut: true };
  }

  /** Reads at most `most` bytes of a file into the buffer; files of /proc have no size. Returns how many there were. */
  #fill(path: string, most: number): number {
    this.#progress?.noteFile(path);
    const fd = openSync(`${this.#root}/${path}`, 'r');
    try {
      let length = 0;
      for (;;) {
        if (length === this.#buffer.length) {
          const larger = Buffer.allocUnsafe(this.#buffer.length * 2);
          this.#buffer.copy(larger);
          this.#buffer = larger;
        }
        const room = Math.min(this.#buffer.length, most) - length;
        const count = readSync(fd, this.#buffer, length, room, null);
        length += count;
        if (length === most || count < Math.min(room, SHORT_READ)) return length;
      }
    } finally {
      closeSync(fd);
    }
  }
}
