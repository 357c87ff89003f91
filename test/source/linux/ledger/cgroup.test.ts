import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { openCgroup } from '../../../../src/source/linux/ledger/cgroup.ts';
import { ERRNO } from '../../../../src/source/linux/netlink/errno.ts';
import { NativeError } from '../../../../src/source/linux/netlink/errno.ts';
import { useFolders } from '../../../helpers/folder.ts';

const newFolder = useFolders();
let folder: string;
beforeEach(() => {
  folder = newFolder();
});

function write(file: string, text = ''): void {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
}

/** Makes a control group; the root has no `cgroup.type`. */
function cgroup(path: string, isRoot: boolean): void {
  write(join(path, 'cgroup.procs'));
  if (!isRoot) write(join(path, 'cgroup.type'));
}

const mounts = (process: string, ...points: string[]) =>
  write(
    `proc/${process}/mounts`,
    ['proc /proc proc rw 0 0', ...points.map((point) => `cgroup2 ${point} cgroup2 rw 0 0`)].join('\n'),
  );

const mounted: string[] = [];
const native = {
  mountDetached: (filesystem: string): number => {
    mounted.push(filesystem);
    throw new NativeError('fsopen', ERRNO.ENODEV, 'ENODEV');
  },
  close: () => undefined,
};

function open(): { isRoot: boolean } | undefined {
  const opened = openCgroup({ native, procRoot: join(folder, 'proc') });
  opened?.close();
  return opened;
}

test('finds the root where cgroup v2 is mounted, also beside the hierarchies of version 1', () => {
  cgroup('cgroup/unified', true);
  write(
    'proc/self/mounts',
    `cgroup ${folder}/cgroup/cpu cgroup rw 0 0\ncgroup2 ${folder}/cgroup/unified cgroup2 rw 0 0\n`,
  );
  expect(open()?.isRoot).toBe(true);
});

test('finds a root whose path has spaces', () => {
  cgroup('a place', true);
  mounts('self', `${folder}/a\\040place`);
  expect(open()?.isRoot).toBe(true);
});

test('finds the root in the mounts of pid 1 if the own mount shows only a part', () => {
  cgroup('part', false);
  mounts('self', join(folder, 'part'));
  mounts('1', '/sys/fs/cgroup');
  cgroup('proc/1/root/sys/fs/cgroup', true);
  expect(open()?.isRoot).toBe(true);
});

test('takes the part of a container if the root is nowhere', () => {
  cgroup('part', false);
  mounts('self', join(folder, 'nowhere'), join(folder, 'part'));
  expect(open()?.isRoot).toBe(false);
});

test('mounts it for itself if it is not mounted', () => {
  mounts('self');
  mounted.length = 0;
  expect(open()).toBeUndefined();
  expect(mounted).toEqual(['cgroup2']);
});
