import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import { codeOf } from '../../../model/error.ts';
import type { Progress } from '../../../model/progress.ts';
import { parseTarget, type Target } from './descriptor-target.ts';
import { ownPidIn } from './netpane.ts';
import { wholeLength } from './utf8.ts';

/** Errors of a missing file: a process may end between any two reads. */
const GONE = new Set(['ENOENT', 'ESRCH', 'ENOTDIR']);

const FORBIDDEN = new Set(['EACCES', 'EPERM']);

/**
 * Number of bytes below which a read(2) with room for more is the last one of a socket table. The kernel returns up to
 * a page of 4,096 bytes, without the line that did not fit (fs/seq_file.c), and these lines have fewer than 512 bytes.
 * One more read to confirm the end is expensive: for /proc/net/tcp the kernel walks its whole hash table again.
 */
const SHORT_TABLE_READ = 3584;

/**
 * The same for any other file: only a read of 0 bytes is the last one, because lines may be longer than a page (paths in maps
 * and mountinfo).
 */
const EMPTY_READ = 1;

/**
 * The same for a file that the kernel prints as one record, such as `stat` of a process and `net/sockstat`: one read with
 * room for more returns all of it (single_open, fs/seq_file.c).
 */
export const ONE_RECORD = Infinity;

const SOCKET_LINK = /^socket:\[(\d+)\]$/;

/** Returned in place of an inode for a descriptor of an io_uring(7). */
export const IO_URING = -1;
export const IO_URING_LINK = 'anon_inode:[io_uring]';

/** Maximum number of bytes read of a file, by kind of file. The described program often controls its length. */
export const LIMIT = {
  /** Files of a process: its status, its control groups (a path of PATH_MAX for each of a dozen hierarchies). */
  process: 64 * 1024,
  /** A command line: up to 6 MB in the kernel; 8,192 characters of it are shown. */
  commandLine: 16 * 1024,
  /** Files of the machine: statistics, mounts, addresses, passwd(5). */
  machine: 16 * 2 ** 20,
  /** A socket table: 400,000 sockets of about 150 bytes. */
  table: 64 * 2 ** 20,
} as const;

/**
 * The result of a read: the value, or why it failed.
 * `isCut`: the file is longer than the limit.
 */
export type Outcome<T> =
  | { value: T; isCut?: boolean }
  | { failed: 'gone' | 'forbidden' | 'broken'; message: string };

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

/** Reads files below a proc file system, mounted anywhere. No method throws. */
export class Proc {
  /** False in a pid namespace without a /proc of its own: system calls must not get pids of /proc there (`ownPidIn`). */
  readonly hasOwnPids: boolean;
  readonly #root: string;
  readonly #progress: Progress | undefined;
  #buffer = Buffer.allocUnsafe(256 * 1024);

  /**
   * @param root the proc file system: `/proc`, or a fixture
   * @param progress records which process is read: the read may wait long for a lock of that process
   */
  constructor(root: string, progress?: Progress) {
    this.#root = root;
    this.hasOwnPids = ownPidIn(root) === process.pid;
    this.#progress = progress;
  }

  /** Returns the full path of a file, for callers that open it themselves. */
  pathOf(path: string): string {
    return `${this.#root}/${path}`;
  }

  /**
   * Returns the content of a file, one character per byte, for files that are ASCII where it matters.
   * @param endsBelow a read of fewer bytes, with room for more, is the last one: `ONE_RECORD` saves a read
   */
  latin1(path: string, limit: number = LIMIT.process, endsBelow: number = EMPTY_READ): Outcome<string> {
    return attemptOutcome(() => this.#read(path, 'latin1', limit, endsBelow));
  }

  /**
   * Returns the content of a file as UTF-8; invalid bytes become U+FFFD, a character cut by the limit is dropped.
   * @param endsBelow see `latin1`
   */
  text(path: string, limit: number = LIMIT.process, endsBelow: number = EMPTY_READ): Outcome<string> {
    return attemptOutcome(() => this.#read(path, 'utf8', limit, endsBelow));
  }

  /** Returns the content of a socket table, one character per byte. @param path `net/tcp`, `PID/net/unix` and so on */
  table(path: string): Outcome<string> {
    return attemptOutcome(() => this.#read(path, 'latin1', LIMIT.table, SHORT_TABLE_READ));
  }

  /** Returns true if a file can be opened for reading. */
  canOpen(path: string): boolean {
    return 'value' in attempt(() => closeSync(openSync(`${this.#root}/${path}`, 'r')));
  }

  /** Returns the target of a symbolic link. */
  link(path: string): Outcome<string> {
    this.#progress?.noteFile(path);
    return attempt(() => readlinkSync(`${this.#root}/${path}`));
  }

  /**
   * Returns the inode of the socket that a descriptor refers to, `IO_URING`, or 0 for any other file.
   * @param folder folder of a process or thread: `PID`, `PID/task/TID`
   */
  socketInode(folder: string, descriptor: number): Outcome<number> {
    const link = this.link(`${folder}/fd/${descriptor}`);
    if (!('value' in link)) return link;
    return {
      value: link.value === IO_URING_LINK ? IO_URING : Number(SOCKET_LINK.exec(link.value)?.[1] ?? 0),
    };
  }

  /** Returns `socketInode` of several descriptors, in their order. */
  socketInodes(folder: string, descriptors: readonly number[]): Outcome<number>[] {
    return descriptors.map((descriptor) => this.socketInode(folder, descriptor));
  }

  /** Returns the socket or network namespace of each descriptor, in their order; undefined for any other file. */
  targets(folder: string, descriptors: readonly number[]): (Target | undefined)[] {
    return descriptors.map((descriptor) => this.target(folder, descriptor));
  }

  /** Returns the socket or network namespace that a descriptor refers to; undefined for any other file. */
  target(folder: string, descriptor: number): Target | undefined {
    const link = this.link(`${folder}/fd/${descriptor}`);
    return 'value' in link ? parseTarget(link.value) : undefined;
  }

  /** Returns true if two threads share a descriptor table; undefined if unknown. */
  shareDescriptors(tid: number, other: number): boolean | undefined {
    return tid === other ? true : undefined;
  }

  /**
   * Returns the CPU time of all threads of a process, also of those that have ended, nanoseconds; undefined if unknown. It
   * changes whenever one of them runs.
   */
  cpuNsOf(pid: number): number | undefined {
    void pid;
    return undefined;
  }

  /**
   * Returns the number of threads of a process, 0 if unknown: links of its folder `task` minus 2 (fs/proc/base.c,
   * proc_task_getattr).
   */
  threadCount(pid: number): number {
    const folder = attempt(() => statSync(`${this.#root}/${pid}/task`));
    return 'value' in folder ? folder.value.nlink - 2 : 0;
  }

  /** Returns the names in a folder. */
  names(path: string): Outcome<string[]> {
    this.#progress?.noteFile(path);
    return attempt(() => readdirSync(`${this.#root}/${path}`));
  }

  /** Returns inode, size and uid of a file or folder. */
  stat(path: string): Outcome<{ ino: number; size: number; uid: number }> {
    this.#progress?.noteFile(path);
    return attempt(() => statSync(`${this.#root}/${path}`));
  }

  #read(path: string, encoding: 'latin1' | 'utf8', limit: number, endsBelow: number): Outcome<string> {
    // One byte above the limit shows that the file is longer.
    const length = this.#fill(path, limit + 1, endsBelow);
    if (length <= limit) return { value: this.#buffer.toString(encoding, 0, length) };
    const end = encoding === 'utf8' ? wholeLength(this.#buffer, limit) : limit;
    return { value: this.#buffer.toString(encoding, 0, end), isCut: true };
  }

  /**
   * Reads up to `limit` bytes of a file into the buffer; files in /proc have size 0 in stat(2).
   * @param endsBelow a read of fewer bytes, with room for more, is the last one
   * @returns the length
   */
  #fill(path: string, limit: number, endsBelow: number): number {
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
        const room = Math.min(this.#buffer.length, limit) - length;
        const count = readSync(fd, this.#buffer, length, room, null);
        length += count;
        if (length === limit || count < Math.min(room, endsBelow)) return length;
      }
    } finally {
      closeSync(fd);
    }
  }
}
