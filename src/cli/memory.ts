import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { posix } from 'node:path';

/** Where control groups are mounted (cgroups(7)); a hybrid system has version 2 in a folder of its own. */
const UNIFIED = ['sys/fs/cgroup', 'sys/fs/cgroup/unified'];
const VERSION_1 = 'sys/fs/cgroup/memory';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A folder and all above it: the limit of each group binds those inside. */
function* upwards(path: string): Generator<string> {
  for (let at = path; ; at = posix.dirname(at)) {
    yield at;
    if (at === '/' || at === '.') return;
  }
}

/** The limits of a group and of those around it; `max` stands for none, as does a file that is not there. */
function limits(mount: string, group: string, file: string): number[] {
  // A container may see its group under the name that it has outside, and its mount begin at the group itself.
  return [...upwards(group)].flatMap((path) => {
    const text = read(posix.join(mount, path, file)).trim();
    return /^\d+$/.test(text) ? [Number(text)] : [];
  });
}

/**
 * The memory that this process may use, bytes: that of the machine, or the least limit of its control groups, version 1
 * or 2. `process.constrainedMemory()` reads the limit of the innermost group only.
 * @param root where /proc and /sys are
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
