import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Namespaces } from '../../../../src/source/linux/namespaces/namespaces.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import {
  fake,
  proc,
  root,
  namespaces,
  useNamespaces,
  HOST,
  ID,
  enter,
  start,
  mountPoint,
  mounted,
  others,
  one,
  refreshTimes,
} from './set-up.ts';

/** Number of polls after which a process is read again. */
const REREAD_POLLS = 16;

useNamespaces();

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
    expect(new Namespaces({ proc, root }).refresh()).toEqual([
      { inode: HOST, path: `${fake.root}/self/ns/net`, isOwn: true },
    ]);
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

  test('does not read a process again that has not run since, unless it matters now', () => {
    start(20, HOST);
    proc.cpuNs.set(1, 1_234_567).set(20, 1_234_567);
    namespaces.refresh();
    refreshTimes(REREAD_POLLS);
    proc.links.length = 0;
    refreshTimes(REREAD_POLLS);
    expect(proc.links).toEqual([]);
    proc.cpuNs.set(20, 1_234_568);
    enter(20, 500);
    refreshTimes(REREAD_POLLS);
    expect(others()).toEqual([[500, undefined]]);
    proc.links.length = 0;
    expect([namespaces.processOf(500), namespaces.processOf(500, true)]).toEqual([20, 20]);
    expect(proc.links).toEqual(['20/ns/net']);
  });

  test('reads the mount list once in five polls', () => {
    refreshTimes(10);
    proc.texts.length = 0;
    refreshTimes(50);
    expect(proc.texts).toEqual(Array.from({ length: 10 }, () => 'self/mountinfo'));
  });
});
