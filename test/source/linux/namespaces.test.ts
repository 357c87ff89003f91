import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FoundNamespace, Namespaces } from '../../../src/source/linux/namespaces.ts';
import { parseNamespaceMounts } from '../../../src/source/linux/mounts.ts';
import { type Outcome, Proc } from '../../../src/source/linux/proc.ts';
import { FakeProc } from '../../helpers/proc.ts';

/** A process is looked at again once in so many rounds. */
const LOOK_ROUNDS = 16;

const HOST = 4026531833;
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';
const ID = '3f9a0c6be1d2'.padEnd(64, 'a');

/** Counts what is read, and refuses what a user may not see: a test may run as root. */
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

/** Inode of a file made to stand for a namespace: what the kernel mounts has that of the namespace. */
function mountPoint(name: string): { path: string; inode: number } {
  const path = join(root, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '');
  return { path, inode: statSync(path).ino };
}

/** What is mounted, besides a disk and a namespace of another kind. */
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

/** Inode and name of all but the host's. */
const others = (found = namespaces.refresh()) =>
  found.filter((it) => it.inode !== HOST).map(({ inode, name }) => [inode, name]);

const one = (inode: number, found = namespaces.refresh()): FoundNamespace | undefined =>
  found.find((it) => it.inode === inode);

function refreshTimes(rounds: number): readonly FoundNamespace[] {
  let found = namespaces.refresh();
  for (let round = 1; round < rounds; round++) found = namespaces.refresh();
  return found;
}

describe('namespaces of processes', () => {
  test('the host alone', () => {
    expect(namespaces.refresh()).toEqual([
      { inode: HOST, name: 'host', path: `${fake.root}/self/ns/net`, isOwn: true },
    ]);
  });

  test('one comes with its first process and goes with its last', () => {
    namespaces.refresh();
    start(20, 500);
    start(21, 500);
    expect(one(500)).toEqual({ inode: 500, path: `${fake.root}/20/ns/net`, isOwn: false });
    fake.remove('20');
    expect(one(500)).toEqual({ inode: 500, path: `${fake.root}/21/ns/net`, isOwn: false });
    fake.remove('21');
    expect(others()).toEqual([]);
  });

  test('the same array with the same objects while nothing changes', () => {
    start(20, 500);
    const first = namespaces.refresh();
    expect(namespaces.refresh()).toBe(first);
    start(21, 501);
    const second = namespaces.refresh();
    expect(second).not.toBe(first);
    expect(one(500, second)).toBe(one(500, first));
  });

  test('the caller may bring the pids', () => {
    start(20, 500);
    start(21, 501);
    expect(others(namespaces.refresh([1, 20]))).toEqual([[500, undefined]]);
    expect(others(namespaces.refresh([1, 21, 21, 22]))).toEqual([[501, undefined]]);
  });

  test.each([30, 31, 39])('a process that moves is noticed within so many rounds: %i', (pid) => {
    // The path of a namespace is that of its oldest process: this one is not.
    start(20, 500);
    start(pid, 500);
    namespaces.refresh();
    enter(pid, 700);
    expect(others(refreshTimes(LOOK_ROUNDS))).toEqual([
      [500, undefined],
      [700, undefined],
    ]);
  });

  test('a process that leaves its namespace empty is noticed at once', () => {
    start(20, 500);
    namespaces.refresh();
    enter(20, 700);
    expect(others()).toEqual([[700, undefined]]);
  });

  test('all of a pid that is another process now, which came back to the first one', () => {
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

  test('a process that has ended and is not waited for holds nothing', () => {
    start(20, 500);
    namespaces.refresh();
    fake.remove('20/ns');
    expect(others()).toEqual([]);
    expect(namespaces.unreadableProcesses).toBe(0);
  });

  test('one with the inode of one that is gone is another one', () => {
    start(20, 500, '0::/lxc.payload.first');
    expect(others()).toEqual([[500, 'first']]);
    fake.remove('20');
    start(21, 500, '0::/lxc.payload.second');
    expect(others()).toEqual([[500, 'second']]);
  });

  test('a link that is no link to a namespace', () => {
    start(20, 500);
    fake.link('20/ns/net', 'net:[]');
    start(21, 500);
    fake.link('21/ns/net', '/etc/passwd');
    expect(others()).toEqual([]);
  });
});

describe('not root', () => {
  test('processes that do not let themselves be seen are counted', () => {
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

  test('no service names a namespace that may be the host', () => {
    proc.forbidden.add('1/ns/net');
    start(20, 500, '0::/system.slice/ssh.service');
    expect(others()).toEqual([[500, undefined]]);
  });
});

describe('where this program is', () => {
  test('in a container nothing is the host', () => {
    fake.link('self/ns/pid', 'pid:[4026532111]');
    namespaces = new Namespaces({ proc, root });
    expect(namespaces.refresh()).toEqual([{ inode: HOST, path: `${fake.root}/self/ns/net`, isOwn: true }]);
  });

  test('in a namespace beside the host, as with ip netns exec', () => {
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    fake.link('self/ns/net', `net:[${blue.inode}]`);
    expect(namespaces.refresh()).toEqual([
      { inode: blue.inode, name: 'blue', path: `${fake.root}/self/ns/net`, isOwn: true },
      { inode: HOST, name: 'host', path: `${fake.root}/1/ns/net`, isOwn: false },
    ]);
  });

  test('in that of a container, as with nsenter -n', () => {
    start(20, 500, '0::/lxc.payload.web');
    fake.link('self/ns/net', 'net:[500]');
    expect(one(500)).toMatchObject({ name: 'web', isOwn: true });
  });

  test('no /proc at all', () => {
    expect(new Namespaces({ proc: new Proc(join(root, 'nowhere')), root }).refresh()).toEqual([]);
  });
});

describe('namespaces that are mounted', () => {
  test('one without a process, by its name of ip netns', () => {
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    expect(one(blue.inode)).toEqual({ inode: blue.inode, name: 'blue', path: blue.path, isOwn: false });
  });

  test('one that is added later is seen at once', () => {
    refreshTimes(3);
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    expect(others()).toEqual([[blue.inode, 'blue']]);
  });

  test('a mount that follows its file by a round', () => {
    refreshTimes(3);
    const blue = mountPoint('run/netns/blue');
    expect(others()).toEqual([]);
    mounted(blue);
    expect(others()).toEqual([[blue.inode, 'blue']]);
  });

  test('a mount elsewhere is seen within five rounds, and has no name', () => {
    namespaces.refresh();
    const sandbox = mountPoint('run/docker/netns/1ab2c3d4e5f6');
    mounted(sandbox);
    expect(others(refreshTimes(5))).toEqual([[sandbox.inode, undefined]]);
  });

  test('one is gone at once with its mount, before any list says so', () => {
    const sandbox = mountPoint('run/docker/netns/1ab2c3d4e5f6');
    mounted(sandbox);
    namespaces.refresh();
    rmSync(sandbox.path);
    expect(others()).toEqual([]);
  });

  test('what is mounted in its place is found at once', () => {
    const first = mountPoint('run/docker/netns/default');
    mounted(first);
    namespaces.refresh();
    // The old one is moved aside, so that no file system gives its inode to the new one.
    renameSync(first.path, join(root, 'aside'));
    const second = mountPoint('run/docker/netns/default');
    mounted(second);
    expect(others()).toEqual([[second.inode, undefined]]);
  });

  test('a name that changes', () => {
    const blue = mountPoint('run/netns/blue');
    mounted(blue);
    namespaces.refresh();
    const green = { path: join(root, 'run/netns/green'), inode: blue.inode };
    renameSync(blue.path, green.path);
    mounted(green);
    expect(namespaces.refresh()).toContainEqual({ ...green, name: 'green', isOwn: false });
  });

  test('one mounted elsewhere with the inode of one that is gone is another one', () => {
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

  test('a path with spaces and letters of other scripts', () => {
    const blue = mountPoint('run/netns/a b\\c\té');
    mounted(blue);
    expect(others()).toEqual([[blue.inode, 'a b\\c\té']]);
  });

  test('a mount that is out of reach opens nothing', () => {
    mounted({ path: join(root, 'run/netns/nothing'), inode: 77 });
    symlinkSync('loop', join(root, 'loop'));
    mounted({ path: join(root, 'loop'), inode: 78 });
    expect(others()).toEqual([]);
  });

  test('its last process gone, the mount holds it, and the other way round', () => {
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

  test('a name is an entry of the folder itself', () => {
    const deeper = mountPoint('run/netns/folder/blue');
    mounted(deeper);
    expect(others()).toEqual([[deeper.inode, undefined]]);
  });
});

describe('names', () => {
  const DOCKER_FILE = `../var/lib/docker/containers/${ID}/config.v2.json`;
  const DOCKER = `0::/system.slice/docker-${ID}.scope`;

  test('the container of its oldest process', () => {
    fake.write(DOCKER_FILE, '{"Name":"/web"}');
    start(20, 500, DOCKER);
    start(21, 500, '0::/lxc.payload.guest');
    expect(others()).toEqual([[500, 'web']]);
  });

  test('a later process where the oldest is in none', () => {
    start(20, 500);
    start(21, 500, '0::/lxc.payload.guest');
    expect(others()).toEqual([[500, 'guest']]);
  });

  test('its id until there is a name, which is searched for but a few times', () => {
    start(20, 500, DOCKER);
    expect(others()).toEqual([[500, 'docker:3f9a0c6be1d2']]);
    fake.write(DOCKER_FILE, '{"Name":"/web"}');
    expect(others(refreshTimes(3))).toEqual([[500, 'web']]);
    proc.texts.length = 0;
    refreshTimes(500);
    expect(proc.texts.filter((path) => path.endsWith('/cgroup'))).toEqual([]);
  });

  test('one that never gets a name is asked at most five times', () => {
    start(20, 500);
    refreshTimes(1000);
    expect(proc.texts.filter((path) => path.endsWith('/cgroup'))).toHaveLength(5);
  });

  test('a name that was found stays when its process goes', () => {
    const sandbox = mountPoint('run/docker/netns/1ab2c3d4e5f6');
    mounted(sandbox);
    fake.write(DOCKER_FILE, '{"Name":"/web"}');
    start(20, sandbox.inode, DOCKER);
    namespaces.refresh();
    fake.remove('20');
    expect(others()).toEqual([[sandbox.inode, 'web']]);
  });

  test('ip netns has the better name, but not one that a program made up', () => {
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

  test('a service with a network of its own', () => {
    start(20, 500, '0::/system.slice/systemd-hostnamed.service');
    expect(others()).toEqual([[500, 'systemd-hostnamed.service']]);
  });

  test('a container that was still of the service that makes it', () => {
    start(20, 500, '0::/system.slice/containerd.service');
    namespaces.refresh();
    fake.write('20/cgroup', '0::/lxc.payload.web\n');
    expect(others(refreshTimes(3))).toEqual([[500, 'web']]);
  });

  test('the host is the host, whatever runs there', () => {
    fake.write('1/cgroup', '0::/lxc.payload.web\n');
    start(20, HOST, DOCKER);
    expect(one(HOST)?.name).toBe('host');
    expect(proc.texts).not.toContain('20/cgroup');
  });
});

describe('cost', () => {
  test('of 300 known processes one in sixteen is looked at a round', () => {
    for (let pid = 100; pid < 400; pid++) start(pid, pid < 390 ? HOST : 500);
    namespaces.refresh();
    expect(proc.links.length).toBeLessThanOrEqual(304);
    const costs = Array.from({ length: 64 }, () => {
      proc.links.length = 0;
      namespaces.refresh();
      return proc.links.length;
    });
    // 301 / 16, and one for the namespace whose path is that of a process.
    expect(Math.max(...costs)).toBeLessThanOrEqual(20);
    expect(Math.min(...costs)).toBeGreaterThan(0);
  });

  test('each known process is looked at once in sixteen rounds', () => {
    for (let pid = 100; pid < 200; pid++) start(pid, HOST);
    namespaces.refresh();
    proc.links.length = 0;
    refreshTimes(LOOK_ROUNDS);
    expect(proc.links.toSorted()).toEqual(
      [1, ...Array.from({ length: 100 }, (_, i) => 100 + i)].map((pid) => `${pid}/ns/net`).toSorted(),
    );
  });

  test('the list of mounts is read once in five rounds', () => {
    refreshTimes(10);
    proc.texts.length = 0;
    refreshTimes(50);
    expect(proc.texts).toEqual(Array.from({ length: 10 }, () => 'self/mountinfo'));
  });
});

describe('mounts in /proc/self/mountinfo', () => {
  test('as a kernel wrote them', () => {
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
  ])('nothing in %j', (text) => expect(parseNamespaceMounts(text)).toEqual([]));
});
