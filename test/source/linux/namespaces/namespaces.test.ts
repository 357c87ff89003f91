import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FoundNamespace, Namespaces } from '../../../../src/source/linux/namespaces/namespaces.ts';
import { parseNamespaceMounts } from '../../../../src/source/linux/proc/mounts.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import { FakeProc } from '../../../helpers/proc.ts';

/** Number of polls after which a process is read again. */
const REREAD_POLLS = 16;

const HOST = 4026531833;
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';
const ID = '3f9a0c6be1d2'.padEnd(64, 'a');

/** Records reads, and refuses forbidden links, also if the test runs as root. */
class CountingProc extends Proc {
  readonly forbidden = new Set<string>();
  readonly links: string[] = [];
  readonly texts: string[] = [];

  override link(path: string): Outcome<string> {
    this.links.push(path);
    return this.forbidden.has(path) ? { failed: 'forbidden', message: 'EACCES' } : super.link(path);
  }

  override text(path: string): Outcome<string> {
    this.texts.push(path);
    return super.text(path);
  }
}

let fake: FakeProc;
let proc: CountingProc;
let root: string;
let namespaces: Namespaces;
beforeEach(() => {
  fake = new FakeProc();
  root = join(fake.root, '..');
  proc = new CountingProc(fake.root);
  fake.link('self/ns/pid', FIRST_PID_NAMESPACE);
  fake.link('self/ns/net', `net:[${HOST}]`);
  enter(1, HOST);
  mounted();
  namespaces = new Namespaces({ proc, root });
});
afterEach(() => fake.end());

const enter = (pid: number, inode: number): void => fake.link(`${pid}/ns/net`, `net:[${inode}]`);

function start(pid: number, inode: number, cgroup = '0::/user.slice/session-1.scope'): void {
  fake.start(pid);
  enter(pid, inode);
  fake.write(`${pid}/cgroup`, `${cgroup}\n`);
}

/** Makes a file that represents a mounted namespace: its inode stands for that of the namespace. */
function mountPoint(name: string): { path: string; inode: number } {
  const path = join(root, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '');
  return { path, inode: statSync(path).ino };
}

/** Writes mountinfo with these mounts, a disk and a mount namespace. */
function mounted(...mounts: { path: string; inode: number }[]): void {
  const lines = [
    '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '40 27 0:4 mnt:[4026532999] /run/snapd/ns/x.mnt rw - nsfs nsfs rw',
    ...mounts.map(({ path, inode }, i) => {
      const escaped = path.replace(
        /[\\ \t\n]/g,
        (it) => `\\${it.charCodeAt(0).toString(8).padStart(3, '0')}`,
      );
      return `${50 + i} 42 0:4 net:[${inode}] ${escaped} rw shared:2 master:1 - nsfs nsfs rw`;
    }),
  ];
  fake.write('self/mountinfo', `${lines.join('\n')}\n`);
}

/** Returns inode and name of all namespaces except the host's. */
const others = (found = namespaces.refresh()) =>
  found.filter((it) => it.inode !== HOST).map(({ inode, name }) => [inode, name]);

const one = (inode: number, found = namespaces.refresh()): FoundNamespace | undefined =>
  found.find((it) => it.inode === inode);

function refreshTimes(count: number): readonly FoundNamespace[] {
  let found = namespaces.refresh();
  for (let i = 1; i < count; i++) found = namespaces.refresh();
  return found;
}

describe('namespaces of processes', () => {
  test('returns the host alone', () => {
    expect(namespaces.refresh()).toEqual([
      { inode: HOST, name: 'host', path: `${fake.root}/self/ns/net`, isOwn: true },
    ]);
  });

  test('a namespace appears with its first process and disappears with its last', () => {
    namespaces.refresh();
    start(20, 500);
    start(21, 500);
    expect(one(500)).toEqual({ inode: 500, path: `${fake.root}/20/ns/net`, isOwn: false });
    fake.remove('20');
    expect(one(500)).toEqual({ inode: 500, path: `${fake.root}/21/ns/net`, isOwn: false });
    fake.remove('21');
    expect(others()).toEqual([]);
  });

  test('returns the same array and objects while nothing changes', () => {
    start(20, 500);
    const first = namespaces.refresh();
    expect(namespaces.refresh()).toBe(first);
    start(21, 501);
    const second = namespaces.refresh();
    expect(second).not.toBe(first);
    expect(one(500, second)).toBe(one(500, first));
  });

  test('uses the pids of the caller', () => {
    start(20, 500);
    start(21, 501);
    expect(others(namespaces.refresh([1, 20]))).toEqual([[500, undefined]]);
    expect(others(namespaces.refresh([1, 21, 21, 22]))).toEqual([[501, undefined]]);
  });

  test.each([30, 31, 39])('notices within 16 polls that process %i has moved', (pid) => {
    // The path of a namespace is that of its oldest process, 20; pid is another one.
    start(20, 500);
    start(pid, 500);
    namespaces.refresh();
    enter(pid, 700);
    expect(others(refreshTimes(REREAD_POLLS))).toEqual([
      [500, undefined],
      [700, undefined],
    ]);
  });

  test('notices at once that a namespace lost its last process', () => {
    start(20, 500);
    namespaces.refresh();
    enter(20, 700);
    expect(others()).toEqual([[700, undefined]]);
  });

  test('handles two pids that swapped their namespaces', () => {
    start(20, 500);
    start(21, 501);
    namespaces.refresh();
    start(20, 501);
    start(21, 500);
    const found = namespaces.refresh();
    expect(others(found).map(([inode]) => inode)).toEqual(expect.arrayContaining([500, 501]));
    expect(one(500, found)?.path).toBe(`${fake.root}/21/ns/net`);
    expect(one(501, found)?.path).toBe(`${fake.root}/20/ns/net`);
  });

  test('a zombie keeps no namespace alive', () => {
    start(20, 500);
    namespaces.refresh();
    fake.remove('20/ns');
    expect(others()).toEqual([]);
    expect(namespaces.unreadableProcesses).toBe(0);
  });

  test('a reused inode is another namespace', () => {
    start(20, 500, '0::/lxc.payload.first');
    expect(others()).toEqual([[500, 'first']]);
    fake.remove('20');
    start(21, 500, '0::/lxc.payload.second');
    expect(others()).toEqual([[500, 'second']]);
  });

  test('ignores a link that is not to a namespace', () => {
    start(20, 500);
    fake.link('20/ns/net', 'net:[]');
    start(21, 500);
    fake.link('21/ns/net', '/etc/passwd');
    expect(others()).toEqual([]);
  });
});

describe('not root', () => {
  test('counts processes whose namespace cannot be read', () => {
    start(20, 500);
    start(21, 501);
    proc.forbidden.add('1/ns/net').add('20/ns/net');
    const found = namespaces.refresh();
    expect(found).toEqual([
      { inode: HOST, path: `${fake.root}/self/ns/net`, isOwn: true },
      { inode: 501, path: `${fake.root}/21/ns/net`, isOwn: false },
    ]);
    expect(namespaces.unreadableProcesses).toBe(2);
    fake.remove('20');
    namespaces.refresh();
    expect(namespaces.unreadableProcesses).toBe(1);
  });

  test('a container that shares the network of the host does not name it', () => {
    proc.forbidden.add('1/ns/net');
    start(20, HOST, `0::/docker/${ID}`);
    expect(one(HOST)).not.toHaveProperty('name');
  });

  test('a service does not name a namespace that may be the host', () => {
    proc.forbidden.add('1/ns/net');
    start(20, 500, '0::/system.slice/ssh.service');
    expect(others()).toEqual([[500, undefined]]);
  });
});

describe('netpane’s own namespace', () => {
  test('no namespace is the host inside a container', () => {
    fake.link('self/ns/pid', 'pid:[4026532111]');
    namespaces = new Namespaces({ proc, root });
    expect(namespaces.refresh()).toEqual([{ inode: HOST, path: `${fake.root}/self/ns/net`, isOwn: true }]);
  });

  test('can be one of ip netns exec, with the host listed too', () => {
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    fake.link('self/ns/net', `net:[${blue.inode}]`);
    expect(namespaces.refresh()).toEqual([
      { inode: blue.inode, name: 'blue', path: `${fake.root}/self/ns/net`, isOwn: true },
      { inode: HOST, name: 'host', path: `${fake.root}/1/ns/net`, isOwn: false },
    ]);
  });

  test('can be that of a container, as with nsenter -n', () => {
    start(20, 500, '0::/lxc.payload.web');
    fake.link('self/ns/net', 'net:[500]');
    expect(one(500)).toMatchObject({ name: 'web', isOwn: true });
  });

  test('is missing without /proc', () => {
    expect(new Namespaces({ proc: new Proc(join(root, 'nowhere')), root }).refresh()).toEqual([]);
  });
});

describe('mounted namespaces', () => {
  test('without a process have their name in ip netns', () => {
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

  test('elsewhere are seen within five polls and have no name', () => {
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

  test('with a reused inode at another path are other namespaces', () => {
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

  test('live on without processes, and processes keep them without the mount', () => {
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

  test('have no name in a subfolder of ip netns', () => {
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

  test('are a label until a name is found, within a limited number of searches', () => {
    start(20, 500, DOCKER);
    expect(others()).toEqual([[500, 'docker:3f9a0c6be1d2']]);
    fake.write(DOCKER_FILE, '{"Name":"/web"}');
    expect(others(refreshTimes(3))).toEqual([[500, 'web']]);
    proc.texts.length = 0;
    refreshTimes(500);
    expect(proc.texts.filter((path) => path.endsWith('/cgroup'))).toEqual([]);
  });

  test('are searched at most five times', () => {
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

  test('come from ip netns first, except for generated names', () => {
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

describe('cost', () => {
  test('reads one in sixteen of 300 known processes per poll', () => {
    for (let pid = 100; pid < 400; pid++) start(pid, pid < 390 ? HOST : 500);
    namespaces.refresh();
    expect(proc.links.length).toBeLessThanOrEqual(304);
    const costs = Array.from({ length: 64 }, () => {
      proc.links.length = 0;
      namespaces.refresh();
      return proc.links.length;
    });
    // 301 / 16, plus one for the namespace that is opened by the path of a process.
    expect(Math.max(...costs)).toBeLessThanOrEqual(20);
    expect(Math.min(...costs)).toBeGreaterThan(0);
  });

  test('reads each known process once in sixteen polls', () => {
    for (let pid = 100; pid < 200; pid++) start(pid, HOST);
    namespaces.refresh();
    proc.links.length = 0;
    refreshTimes(REREAD_POLLS);
    expect(proc.links.toSorted()).toEqual(
      [1, ...Array.from({ length: 100 }, (_, i) => 100 + i)].map((pid) => `${pid}/ns/net`).toSorted(),
    );
  });

  test('reads the mount list once in five polls', () => {
    refreshTimes(10);
    proc.texts.length = 0;
    refreshTimes(50);
    expect(proc.texts).toEqual(Array.from({ length: 10 }, () => 'self/mountinfo'));
  });
});

describe('mounts in /proc/self/mountinfo', () => {
  test('parses real lines', () => {
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
