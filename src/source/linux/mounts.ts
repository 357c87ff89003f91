import { statSync } from 'node:fs';
import { LIMIT, type Proc } from './proc.ts';

/** A network namespace that is mounted on a file, so that it lives without a process. */
export interface NamespaceMount {
  readonly inode: number;
  readonly path: string;
}

/** After so many rounds all mounts are read again, whatever the folder of `ip netns` says. */
const READ_ROUNDS = 5;

/**
 * Fields of /proc/PID/mountinfo (proc_pid_mountinfo(5)): id, parent, device, root, mount point, options, any number of
 * tags, `-`, type of file system. The root of a namespace's is its link's text, not a path.
 */
const MOUNT = /^\d+ \d+ \d+:\d+ net:\[(\d+)\] (\S+) .* - nsfs /gm;

/** Every network namespace that is mounted, from the text of /proc/PID/mountinfo; a path once. */
export function parseNamespaceMounts(text: string): NamespaceMount[] {
  const byPath = new Map<string, NamespaceMount>();
  for (const [, inode, escaped = ''] of text.matchAll(MOUNT)) {
    const path = unescapePath(escaped);
    // Of two at one place the later one covers the earlier.
    byPath.set(path, { inode: Number(inode), path });
  }
  return [...byPath.values()];
}

/** The kernel writes space, tab, newline and backslash as three octal digits (seq_path, fs/seq_file.c). */
const unescapePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));

/** The network namespaces mounted now, each looked at in each round; the list of all mounts is read only now and then. */
export class NamespaceMounts {
  readonly #proc: Proc;
  readonly #folder: string;
  #round = 0;
  #readRound = -Infinity;
  /** Time of the last change of the folder, and whether it was there. */
  #folderState = '';
  #folderChangedRound = -Infinity;
  #mounts: readonly NamespaceMount[] = [];

  /** @param folder where `ip netns` mounts: a change there is seen at once */
  constructor({ proc, folder }: { proc: Proc; folder: string }) {
    this.#proc = proc;
    this.#folder = folder;
  }

  refresh(): readonly NamespaceMount[] {
    this.#round++;
    const state = stateOf(this.#folder);
    if (state !== this.#folderState) {
      this.#folderState = state;
      this.#folderChangedRound = this.#round;
    }
    // `ip netns add` makes the file first and mounts on it later: the round after a change may see more.
    const isDue = this.#round - this.#folderChangedRound <= 1 || this.#round - this.#readRound >= READ_ROUNDS;
    const present = isDue ? this.#read() : this.#mounts.filter(isMounted);
    // What was mounted may be mounted elsewhere, or another thing here.
    this.#mounts = present.length < this.#mounts.length && !isDue ? this.#read() : present;
    return this.#mounts;
  }

  #read(): readonly NamespaceMount[] {
    this.#readRound = this.#round;
    const text = this.#proc.text('self/mountinfo', LIMIT.machine);
    return 'value' in text
      ? parseNamespaceMounts(text.value).filter(isMounted)
      : this.#mounts.filter(isMounted);
  }
}

/** A mount may be covered by another one, or out of reach: then nothing there opens this namespace. */
export const isMounted = ({ path, inode }: NamespaceMount): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino === inode;
  } catch {
    return false;
  }
};

/** Device of the file system of namespaces (nsfs), as /proc has it; undefined where it cannot be seen. */
const namespaceDevice = (): number | undefined =>
  statSync('/proc/self/ns/net', { throwIfNoEntry: false })?.dev;

/**
 * True where a path opens the namespace, in a mount namespace that another user may fill: a file with the number of a
 * namespace is none.
 */
export function opensNamespace(path: string, inode: number): boolean {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.ino === inode && stat.dev === namespaceDevice();
  } catch {
    return false;
  }
}

function stateOf(folder: string): string {
  try {
    const stat = statSync(folder, { throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.mtimeMs}` : '';
  } catch {
    return '';
  }
}
