import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';

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

/** What a read gave: the thing, or why there is none. */
export type Outcome<T> = { value: T } | { failed: 'gone' | 'forbidden' | 'broken'; message: string };

function attempt<T>(read: () => T): Outcome<T> {
  try {
    return { value: read() };
  } catch (error) {
    const code = codeOf(error);
    const failed = GONE.has(code) ? 'gone' : FORBIDDEN.has(code) ? 'forbidden' : 'broken';
    return { failed, message: error instanceof Error ? error.message : String(error) };
  }
}

/** Reads below a /proc directory, wherever it is mounted. Nothing here throws. */
export class Proc {
  readonly #root: string;
  #buffer = Buffer.allocUnsafe(256 * 1024);

  /** @param root the proc file system: `/proc`, or a fixture */
  constructor(root: string) {
    this.#root = root;
  }

  /** Full path of a file here, for those who open it themselves. */
  pathOf(path: string): string {
    return `${this.#root}/${path}`;
  }

  /** Whole content of a file, each byte a character: what is shown of it is ASCII, or decoded by `text`. */
  latin1(path: string): Outcome<string> {
    return attempt(() => this.#read(path, 'latin1'));
  }

  /** Whole content of a file as UTF-8; invalid bytes become U+FFFD. */
  text(path: string): Outcome<string> {
    return attempt(() => this.#read(path, 'utf8'));
  }

  canOpen(path: string): boolean {
    return 'value' in attempt(() => closeSync(openSync(`${this.#root}/${path}`, 'r')));
  }

  link(path: string): Outcome<string> {
    return attempt(() => readlinkSync(`${this.#root}/${path}`));
  }

  /** Inode of the socket behind a descriptor of a process; 0 for anything else that it may be. */
  socketInode(pid: number, descriptor: number): Outcome<number> {
    const link = this.link(`${pid}/fd/${descriptor}`);
    return 'value' in link ? { value: Number(SOCKET_LINK.exec(link.value)?.[1] ?? 0) } : link;
  }

  /**
   * The same of several descriptors.
   * @returns one outcome for each, in their order
   */
  socketInodes(pid: number, descriptors: readonly number[]): Outcome<number>[] {
    return descriptors.map((descriptor) => this.socketInode(pid, descriptor));
  }

  names(path: string): Outcome<string[]> {
    return attempt(() => readdirSync(`${this.#root}/${path}`));
  }

  /** Inode, size and owner of a file or folder. */
  stat(path: string): Outcome<{ ino: number; size: number; uid: number }> {
    return attempt(() => statSync(`${this.#root}/${path}`));
  }

  #read(path: string, encoding: 'latin1' | 'utf8'): string {
    const length = this.#fill(path);
    return this.#buffer.toString(encoding, 0, length);
  }

  /** Reads a file into the buffer; files of /proc have no size, so it reads to the end. Returns the length. */
  #fill(path: string): number {
    const fd = openSync(`${this.#root}/${path}`, 'r');
    try {
      let length = 0;
      for (;;) {
        if (length === this.#buffer.length) {
          const larger = Buffer.allocUnsafe(this.#buffer.length * 2);
          this.#buffer.copy(larger);
          this.#buffer = larger;
        }
        const room = this.#buffer.length - length;
        const count = readSync(fd, this.#buffer, length, room, null);
        length += count;
        if (count < Math.min(room, SHORT_READ)) return length;
      }
    } finally {
      closeSync(fd);
    }
  }
}
