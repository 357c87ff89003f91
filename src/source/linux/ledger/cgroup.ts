import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { NativeError } from '../netlink/errno.ts';
import type { Native } from '../netlink/native.ts';
import { unescapePath } from '../proc/mounts.ts';

/** The control group to which the programs are attached. */
export interface Cgroup {
  readonly descriptor: number;
  /** False if it is the root of a container: the sockets of other control groups are not recorded. */
  readonly isRoot: boolean;
  close(): void;
}

export interface CgroupOptions {
  readonly native: Pick<Native, 'mountDetached' | 'close'>;
  /** Path of proc(5). */
  readonly procRoot: string;
}

/** A file of every control group except the root (Documentation/admin-guide/cgroup-v2.rst). */
const FILE_BELOW_ROOT = 'cgroup.type';

/** A file of every control group of version 2. */
const FILE_OF_ALL = 'cgroup.procs';

/**
 * Opens the root of cgroup v2, wherever it is mounted; also if the other hierarchies are those of version 1 (hybrid).
 * Inside a cgroup namespace every own mount shows only a part, so the mounts of pid 1 are tried too.
 * @returns the root, else the highest control group that can be opened; undefined if there is none
 */
export function openCgroup({ native, procRoot }: CgroupOptions): Cgroup | undefined {
  let part: Cgroup | undefined;
  for (const open of candidates(native, procRoot)) {
    const cgroup = open();
    if (cgroup?.isRoot) {
      part?.close();
      return cgroup;
    }
    if (part === undefined) part = cgroup;
    else cgroup?.close();
  }
  return part;
}

function* candidates(native: CgroupOptions['native'], procRoot: string): Generator<() => Cgroup | undefined> {
  for (const path of mountsOf(`${procRoot}/self/mounts`)) yield () => openFolder(path);
  yield () => mount(native, procRoot);
  for (const path of mountsOf(`${procRoot}/1/mounts`)) yield () => openFolder(`${procRoot}/1/root${path}`);
}

/** Returns the mount points of cgroup v2 in a list of mounts (proc_pid_mounts(5)); none if it cannot be read. */
function mountsOf(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [, path, type] = line.split(' ');
    return type === 'cgroup2' && path !== undefined ? [unescapePath(path)] : [];
  });
}

function openFolder(path: string): Cgroup | undefined {
  if (!existsSync(`${path}/${FILE_OF_ALL}`)) return undefined;
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    const isRoot = !existsSync(`${path}/${FILE_BELOW_ROOT}`);
    return { descriptor, isRoot, close: () => closeSync(descriptor) };
  } catch {
    return undefined;
  }
}

/** Mounts cgroup v2 without a mount point. */
function mount(native: CgroupOptions['native'], procRoot: string): Cgroup | undefined {
  try {
    const descriptor = native.mountDetached('cgroup2');
    const isRoot = !existsSync(`${procRoot}/self/fd/${descriptor}/${FILE_BELOW_ROOT}`);
    return { descriptor, isRoot, close: () => native.close(descriptor) };
  } catch (error) {
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}
