import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { memoryLimit } from '../../src/cli/memory.ts';
import { useFolders } from '../helpers/folder.ts';

/** Memory of the machine, bytes. */
const MACHINE = 8_000_000_000;
const newFolder = useFolders();

/** Returns the limit on a machine with these files. */
function limitWith(files: Readonly<Record<string, string>>): number {
  const root = newFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return memoryLimit(root, MACHINE);
}

/** The limit in cgroup version 1 if none is set: LONG_MAX, reduced to a multiple of the page size. */
const NONE_V1 = '9223372036854771712\n';

test.each<[string, Record<string, string>, number]>([
  ['no control groups', {}, MACHINE],
  [
    'cgroup version 2',
    { 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/memory.max': '209715200\n' },
    209_715_200,
  ],
  [
    'cgroup version 2 without a limit',
    { 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/memory.max': 'max\n' },
    MACHINE,
  ],
  [
    'a lower limit of an outer group',
    {
      'proc/self/cgroup': '0::/user.slice/user-0.slice/s.scope\n',
      'sys/fs/cgroup/user.slice/memory.max': '300000000\n',
      'sys/fs/cgroup/user.slice/user-0.slice/memory.max': 'max\n',
      'sys/fs/cgroup/user.slice/user-0.slice/s.scope/memory.max': '400000000\n',
    },
    300_000_000,
  ],
  [
    'a container with a cgroup namespace: its own group is the root',
    { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': '100000000\n' },
    100_000_000,
  ],
  [
    'cgroup version 1',
    {
      'proc/self/cgroup': '9:name=systemd:/x\n4:cpu,memory:/x\n0::/\n',
      'sys/fs/cgroup/memory/x/memory.limit_in_bytes': '209715200\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': NONE_V1,
    },
    209_715_200,
  ],
  [
    'cgroup version 1 without a limit: a number beyond any memory',
    { 'proc/self/cgroup': '4:memory:/x\n', 'sys/fs/cgroup/memory/x/memory.limit_in_bytes': NONE_V1 },
    MACHINE,
  ],
  [
    'cgroup version 1 in a container that has its own group mounted as the root',
    {
      'proc/self/cgroup': '4:memory:/docker/0123\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '150000000\n',
    },
    150_000_000,
  ],
  [
    'both cgroup versions, with the memory limit in version 2',
    { 'proc/self/cgroup': '1:cpu:/x\n0::/x\n', 'sys/fs/cgroup/unified/x/memory.max': '120000000\n' },
    120_000_000,
  ],
  [
    'files that cannot be parsed',
    { 'proc/self/cgroup': 'x\n0:\n0::/a\n', 'sys/fs/cgroup/a/memory.max': '-1 x' },
    MACHINE,
  ],
])('%s', (_, files, limit) => {
  expect(limitWith(files)).toBe(limit);
});
