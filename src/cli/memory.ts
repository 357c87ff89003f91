import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { posix } from 'node:path';

/** Mount points of cgroup v2 (cgroups(7)); a hybrid system has it in a directory of its own. */
const UNIFIED = ['sys/fs/cgroup', 'sys/fs/cgroup/unified'];
const VERSION_1 = 'sys/fs/cgroup/memory';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Yields a directory and all its parents: the limit of a group applies to the groups inside it. */
function* upwards(path: string): Generator<string> {
  for (let at = path; ; at = posix.dirname(at)) {
    yield at;
    if (at === '/' || at === '.') return;
  }
}

/** Returns the limits of a group and its parents, bytes. `max` or a missing file means no limit. */
function limits(mount: string, group: string, file: string): number[] {
  // A container may see the path that its group has outside, while its mount starts at the group itself.
  return [...upwards(group)].flatMap((path) => {
    const text = read(posix.join(mount, path, file)).trim();
    return /^\d+$/.test(text) ? [Number(text)] : [];
  });
}

/**
 * Returns the memory that this process may use, bytes: the memory of the machine or the lowest limit of its cgroups (v1
 * or v2). `process.constrainedMemory()` reads only the limit of the innermost group.
 * @param root directory that contains /proc and /sys
 */
export function memoryLimit(root = '/', machineBytes = totalmem()): number {
  let least = machineBytes;
  for (const line of read(posix.join(root, 'proc/self/cgroup')).split('\n')) {
    const [, number, controllers = '', group = ''] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    const found =
      number === '0'
        ? UNIFIED.flatMap((mount) => limits(posix.join(root, mount), group, 'memory.max'))
        : controllers.split(',').includes('memory')
          ? limits(posix.join(root, VERSION_1), group, 'memory.limit_in_bytes')
          : [];
    least = Math.min(least, ...found);
  }
  return least;
}
