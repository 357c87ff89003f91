import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseNamespaceMounts } from '../../../../src/source/linux/proc/mounts.ts';
import {
  fake,
  proc,
  root,
  namespaces,
  useNamespaces,
  HOST,
  ID,
  start,
  mountPoint,
  mounted,
  others,
  one,
  refreshTimes,
} from './set-up.ts';

useNamespaces();

describe('mounted namespaces', () => {
  test('without a process have the name that ip netns gave them', () => {
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    expect(one(blue.inode)).toEqual({ inode: blue.inode, name: 'blue', path: blue.path, isOwn: false });
  });

  test('are seen at once when they are added', () => {
    refreshTimes(3);
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    expect(others()).toEqual([[blue.inode, 'blue']]);
  });

  test('are seen when the mount follows its file one poll later', () => {
    refreshTimes(3);
    const blue = mountPoint('run/netns/blue');
    expect(others()).toEqual([]);
    mounted(blue);
    expect(others()).toEqual([[blue.inode, 'blue']]);
  });

  test('outside /run/netns are seen within five polls and have no name', () => {
    namespaces.refresh();
    const sandbox = mountPoint('run/docker/netns/1ab2c3d4e5f6');
    mounted(sandbox);
    expect(others(refreshTimes(5))).toEqual([[sandbox.inode, undefined]]);
  });

  test('disappear at once when the mount point is removed', () => {
    const sandbox = mountPoint('run/docker/netns/1ab2c3d4e5f6');
    mounted(sandbox);
    namespaces.refresh();
    rmSync(sandbox.path);
    expect(others()).toEqual([]);
  });

  test('are replaced at once by another mount at the same path', () => {
    const first = mountPoint('run/docker/netns/default');
    mounted(first);
    namespaces.refresh();
    // The old file stays, so that the file system does not reuse its inode.
    renameSync(first.path, join(root, 'aside'));
    const second = mountPoint('run/docker/netns/default');
    mounted(second);
    expect(others()).toEqual([[second.inode, undefined]]);
  });

  test('can change their name', () => {
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    namespaces.refresh();
    const green = { path: join(root, 'run/netns/green'), inode: blue.inode };
    renameSync(blue.path, green.path);
    mounted(green);
    expect(namespaces.refresh()).toContainEqual({ ...green, name: 'green', isOwn: false });
  });

  test('at another path are other namespaces, even with the same inode', () => {
    const first = mountPoint('run/docker/netns/1ab2c3d4e5f6');
    mounted(first);
    start(20, first.inode, '0::/lxc.payload.first');
    expect(others()).toEqual([[first.inode, 'first']]);
    fake.remove('20');
    const second = { path: join(root, 'run/docker/netns/2bc3d4e5f6a1'), inode: first.inode };
    renameSync(first.path, second.path);
    mounted(second);
    start(21, second.inode, '0::/lxc.payload.second');
    expect(others()).toEqual([[second.inode, 'second']]);
  });

  test('can have paths with spaces and non-ASCII letters', () => {
    const blue = mountPoint('run/netns/a b\\c\té');
    mounted(blue);
    expect(others()).toEqual([[blue.inode, 'a b\\c\té']]);
  });

  test('are skipped if the path is inaccessible', () => {
    mounted({ path: join(root, 'run/netns/nothing'), inode: 77 });
    symlinkSync('loop', join(root, 'loop'));
    mounted({ path: join(root, 'loop'), inode: 78 });
    expect(others()).toEqual([]);
  });

  test('stay without a process, and without the mount while a process is in them', () => {
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    start(20, blue.inode);
    namespaces.refresh();
    fake.remove('20');
    expect(one(blue.inode)?.path).toBe(blue.path);
    start(21, blue.inode);
    namespaces.refresh();
    rmSync(blue.path);
    mounted();
    expect(one(blue.inode)).toEqual({ inode: blue.inode, path: `${fake.root}/21/ns/net`, isOwn: false });
  });

  test('have no name in a subfolder of /run/netns', () => {
    const deeper = mountPoint('run/netns/folder/blue');
    mounted(deeper);
    expect(others()).toEqual([[deeper.inode, undefined]]);
  });
});

describe('names', () => {
  const DOCKER_FILE = `../var/lib/docker/containers/${ID}/config.v2.json`;
  const DOCKER = `0::/system.slice/docker-${ID}.scope`;

  test('are those of the container of the oldest process', () => {
    fake.write(DOCKER_FILE, '{"Name":"/web"}');
    start(20, 500, DOCKER);
    start(21, 500, '0::/lxc.payload.guest');
    expect(others()).toEqual([[500, 'web']]);
  });

  test('are those of a later process if the oldest is in no container', () => {
    start(20, 500);
    start(21, 500, '0::/lxc.payload.guest');
    expect(others()).toEqual([[500, 'guest']]);
  });

  test('are a label until the container has a name; the number of searches is limited', () => {
    start(20, 500, DOCKER);
    expect(others()).toEqual([[500, 'docker:3f9a0c6be1d2']]);
    fake.write(DOCKER_FILE, '{"Name":"/web"}');
    expect(others(refreshTimes(3))).toEqual([[500, 'web']]);
    proc.texts.length = 0;
    refreshTimes(500);
    expect(proc.texts.filter((path) => path.endsWith('/cgroup'))).toEqual([]);
  });

  test('are searched for at most five times', () => {
    start(20, 500);
    refreshTimes(1000);
    expect(proc.texts.filter((path) => path.endsWith('/cgroup'))).toHaveLength(5);
  });

  test('stay when the process ends', () => {
    const sandbox = mountPoint('run/docker/netns/1ab2c3d4e5f6');
    mounted(sandbox);
    fake.write(DOCKER_FILE, '{"Name":"/web"}');
    start(20, sandbox.inode, DOCKER);
    namespaces.refresh();
    fake.remove('20');
    expect(others()).toEqual([[sandbox.inode, 'web']]);
  });

  test('are those of ip netns, unless they are generated and a container has one', () => {
    const blue = mountPoint('run/netns/blue');
    const made = mountPoint('run/netns/cni-6bb33079-68ea-e203-35d3-4569613ebc79');
    const bare = mountPoint('run/netns/netns-6bb33079-68ea-e203-35d3-4569613ebc80');
    mounted(made, blue, bare);
    fake.write(DOCKER_FILE, '{"Name":"/web"}');
    start(20, blue.inode, DOCKER);
    start(21, made.inode, DOCKER);
    expect(others()).toEqual(
      expect.arrayContaining([
        [blue.inode, 'blue'],
        [made.inode, 'web'],
        [bare.inode, 'netns-6bb33079-68ea-e203-35d3-4569613ebc80'],
      ]),
    );
  });

  test('can be those of a service with its own network', () => {
    start(20, 500, '0::/system.slice/systemd-hostnamed.service');
    expect(others()).toEqual([[500, 'systemd-hostnamed.service']]);
  });

  test('change from the service that creates a container to that container', () => {
    start(20, 500, '0::/system.slice/containerd.service');
    namespaces.refresh();
    fake.write('20/cgroup', '0::/lxc.payload.web\n');
    expect(others(refreshTimes(3))).toEqual([[500, 'web']]);
  });

  test('are host for the host namespace, whatever runs there', () => {
    fake.write('1/cgroup', '0::/lxc.payload.web\n');
    start(20, HOST, DOCKER);
    expect(one(HOST)?.name).toBe('host');
    expect(proc.texts).not.toContain('20/cgroup');
  });
});

describe('parseNamespaceMounts', () => {
  test('finds each namespace once in real lines', () => {
    const text =
      '42 27 254:0 /run/netns /run/netns rw,relatime shared:1 - ext4 /dev/vda rw,discard\n' +
      '43 42 0:4 net:[4026532245] /run/netns/npprobe rw shared:2 - nsfs nsfs rw\n' +
      '44 42 0:4 net:[4026532245] /run/netns/npprobe rw - nsfs nsfs rw\n' +
      '45 42 0:4 net:[4026532300] /run/docker/netns/default rw shared:3 - nsfs nsfs rw\n';
    expect(parseNamespaceMounts(text)).toEqual([
      { inode: 4026532245, path: '/run/netns/npprobe' },
      { inode: 4026532300, path: '/run/docker/netns/default' },
    ]);
  });

  test.each([
    '',
    '\n\n',
    'net:[1] /x - nsfs',
    '1 2 0:4 net:[x] /x rw - nsfs nsfs rw',
    '1 2 0:4 net:[1] /x rw - ext4 x rw',
  ])('finds none in %j', (text) => expect(parseNamespaceMounts(text)).toEqual([]));
});
