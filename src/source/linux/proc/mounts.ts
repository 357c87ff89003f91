import { statSync } from 'node:fs';
import { LIMIT, type Proc } from './proc.ts';

/** A network namespace that is mounted on a file, which keeps it alive without a process. */
export interface NamespaceMount {
  readonly inode: number;
  readonly path: string;
}

/** Number of polls after which all mounts are read again, even if the folder of `ip netns` is unchanged. */
const REREAD_POLLS = 5;

/**
 * Matches a line of /proc/PID/mountinfo (proc_pid_mountinfo(5)): id, parent, device, root, mount point, options, any
 * number of tags, `-`, file system type. The root of a namespace mount is the text of its link, not a path.
 */
const MOUNT = /^\d+ \d+ \d+:\d+ net:\[(\d+)\] (\S+) .* - nsfs /gm;

/** Returns all mounted network namespaces from the text of /proc/PID/mountinfo; each path once. */
export function parseNamespaceMounts(text: string): NamespaceMount[] {
  const byPath = new Map<string, NamespaceMount>();
  for (const [, inode, escaped = ''] of text.matchAll(MOUNT)) {
    const path = unescapePath(escaped);
    // A later mount covers an earlier one at the same path.
    byPath.set(path, { inode: Number(inode), path });
  }
  return [...byPath.values()];
}

/**
 * Decodes space, tab, newline and backslash, which the kernel prints as three octal digits (seq_path, fs/seq_file.c).
 */
export const unescapePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));

/**
 * Tracks the mounted network namespaces. Each poll checks the known mounts; the whole list is read only after a change
 * and every REREAD_POLLS polls.
 */
export class NamespaceMounts {
  readonly #proc: Proc;
  readonly #folder: string;
  #poll = 0;
  #readPoll = -Infinity;
  /** Inode and modification time of the folder; empty if it does not exist. */
  #folderState = '';
  #folderChangedPoll = -Infinity;
  #mounts: readonly NamespaceMount[] = [];

  /** @param folder folder where `ip netns` mounts: a change of it makes the next poll read all mounts */
  constructor({ proc, folder }: { proc: Proc; folder: string }) {
    this.#proc = proc;
    this.#folder = folder;
  }

  /** Returns the current mounts. */
  refresh(): readonly NamespaceMount[] {
    this.#poll++;
    const state = stateOf(this.#folder);
    if (state !== this.#folderState) {
      this.#folderState = state;
      this.#folderChangedPoll = this.#poll;
    }
    // `ip netns add` makes the file first and mounts on it later: read again in the poll after a change.
    const isDue = this.#poll - this.#folderChangedPoll <= 1 || this.#poll - this.#readPoll >= REREAD_POLLS;
    const present = isDue ? this.#read() : this.#mounts.filter(isMounted);
    // A mount is missing: it may have moved, or another one may cover it.
    this.#mounts = present.length < this.#mounts.length && !isDue ? this.#read() : present;
    return this.#mounts;
  }

  #read(): readonly NamespaceMount[] {
    this.#readPoll = this.#poll;
    const text = this.#proc.text('self/mountinfo', LIMIT.machine);
    return 'value' in text
      ? parseNamespaceMounts(text.value).filter(isMounted)
      : this.#mounts.filter(isMounted);
  }
}

/** Returns true if the path still opens the namespace. Another mount may cover it, or the path may be inaccessible. */
export const isMounted = ({ path, inode }: NamespaceMount): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino === inode;
  } catch {
    return false;
  }
};

/** Returns the device number of the namespace file system (nsfs); undefined if it cannot be read. */
const namespaceDevice = (): number | undefined =>
  statSync('/proc/self/ns/net', { throwIfNoEntry: false })?.dev;

/**
 * Returns true if a path in a mount namespace of another user opens the namespace. Checks the device too, because that
 * user can make an ordinary file with the same inode number.
 */
export function opensNamespace(path: string, inode: number): boolean {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.ino === inode && stat.dev === namespaceDevice();
  } catch {
    return false;
  }
}

/** Returns inode and modification time of a folder; empty if it does not exist. */
function stateOf(folder: string): string {
  try {
    const stat = statSync(folder, { throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.mtimeMs}` : '';
  } catch {
    return '';
  }
}
