import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type KnownInodes,
  NamespaceSearch,
} from '../../../../src/source/linux/namespaces/namespace-search.ts';
import type { SocketNamespace } from '../../../../src/source/linux/netlink/system.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import { FakeProc } from '../../../helpers/proc.ts';

/** Number of polls from the start of one pass to the next. */
const PASS_POLLS = 10;

/** Advances its clock by a millisecond for each link that is read. */
class CountingProc extends Proc {
  nowMs = 0;
  /** CPU time of processes, nanoseconds. */
  readonly cpuNs = new Map<number, number>();

  override cpuNsOf(pid: number): number | undefined {
    return this.cpuNs.get(pid);
  }

  /** Paths of folders that cannot be listed now, as when netpane has no descriptor left. */
  readonly failing = new Set<string>();

  override names(path: string): Outcome<string[]> {
    return this.failing.has(path) ? { failed: 'broken', message: 'EMFILE' } : super.names(path);
  }

  override link(path: string): Outcome<string> {
    this.nowMs++;
    return super.link(path);
  }
}

let fake: FakeProc;
let proc: CountingProc;
let search: NamespaceSearch;
let pids: number[];
let probed: number[];
const answers = new Map<number, SocketNamespace>();
const known: KnownInodes = { isNamespace: (inode) => inode < 100, isSocket: (inode) => inode < 1000 };

beforeEach(() => {
  fake = new FakeProc();
  proc = new CountingProc(fake.root);
  fake.link('self/ns/mnt', 'mnt:[1]');
  pids = [];
  probed = [];
  answers.clear();
  const namespaceOfSocket = ({ descriptor }: { descriptor: number }) => {
    probed.push(descriptor);
    return answers.get(descriptor);
  };
  search = new NamespaceSearch(proc, () => proc.nowMs, { namespaceOfSocket });
});
afterEach(() => fake.end());

/** Starts a process whose main thread is in namespace 1. */
function start(pid: number, fds: Record<string, string | number> = {}): void {
  fake.start(pid, { fds });
  fake.link(`${pid}/ns/net`, 'net:[1]');
  fake.link(`${pid}/ns/mnt`, 'mnt:[1]');
  fake.write(`${pid}/task/${pid}/comm`, '');
  pids.push(pid);
}
const thread = (pid: number, tid: number, inode: number) =>
  fake.link(`${pid}/task/${tid}/ns/net`, `net:[${inode}]`);

const step = (budgetMs = Infinity) => search.step(() => pids, known, budgetMs);
const held = () => [...search.held()];

/** Runs the next pass from its first poll to its end. */
function runNextPass(): void {
  for (let poll = 0; poll < PASS_POLLS; poll++) step();
}

test('does not probe a socket that a dump contains since the start of the pass', () => {
  start(20, { 3: 'socket:[2000]' });
  start(21, { 4: 'socket:[2001]' });
  // The first link uses up the budget of the first poll.
  step(1);
  for (let poll = 0; poll < 20; poll++) search.step(() => pids, { ...known, isSocket: () => true }, 1);
  expect([probed, search.result.unboundTcp]).toEqual([[], 0]);
});

test('copies no socket in a pid namespace without a /proc of its own: the pid is that of another process there', () => {
  fake.remove('self');
  fake.link('self', String(process.pid + 1));
  const elsewhere = new CountingProc(fake.root);
  search = new NamespaceSearch(elsewhere, () => 0, { namespaceOfSocket: ({ pid }) => void probed.push(pid) });
  start(20, { 3: 'socket:[2000]' });
  step();
  expect(probed).toEqual([]);
});

describe('finds a namespace without a main thread', () => {
  test('of another thread', () => {
    start(20);
    thread(20, 21, 500);
    expect(step()).toBe(true);
    expect(held()).toEqual([500]);
    expect(search.holdOf(500)?.path).toBe(`${fake.root}/20/task/21/ns/net`);
    thread(20, 21, 1);
    expect(held()).toEqual([]);
  });

  test('of a thread in a process whose main thread has ended', () => {
    start(20);
    fake.remove('20/ns/net');
    fake.remove('20/task/20');
    thread(20, 21, 500);
    step();
    expect(held()).toEqual([500]);
  });

  test('of a descriptor, until it is closed', () => {
    start(20, { 0: '/dev/null', 7: 'net:[500]' });
    step();
    expect(held()).toEqual([500]);
    expect(search.holdOf(500)?.path).toBe(`${fake.root}/20/fd/7`);
    fake.remove('20/fd/7');
    expect(held()).toEqual([]);
  });

  test('of a descriptor that was reused for another namespace', () => {
    start(20, { 7: 'net:[500]' });
    step();
    fake.link('20/fd/7', 'net:[501]');
    expect(held()).toEqual([]);
    runNextPass();
    expect(held()).toEqual([501]);
  });

  test('of a socket that was passed to another process', () => {
    start(20, { 7: 1234 });
    answers.set(7, { netns: 500, isTcp: true });
    step();
    expect(held()).toEqual([500]);
    expect(search.holdOf(500)).toMatchObject({ socket: { pid: 20, descriptor: 7 } });
    fake.link('20/fd/7', 'socket:[1235]');
    expect(held()).toEqual([]);
  });

  test('of an inaccessible mount in another mount namespace, and counts it', () => {
    start(20);
    start(21);
    for (const pid of [20, 21]) {
      fake.link(`${pid}/ns/mnt`, 'mnt:[2]');
      fake.write(`${pid}/mountinfo`, '50 42 0:4 net:[500] /nowhere rw - nsfs nsfs rw\n');
    }
    step();
    expect(held()).toEqual([]);
    expect([...search.result.unreachable]).toEqual([500]);
  });

  test('of a descriptor, and does not count its inaccessible mount', () => {
    start(20);
    start(21, { 7: 'net:[500]' });
    fake.link('20/ns/mnt', 'mnt:[2]');
    fake.write('20/mountinfo', '50 42 0:4 net:[500] /nowhere rw - nsfs nsfs rw\n');
    step();
    expect(held()).toEqual([500]);
    expect([...search.result.unreachable]).toEqual([]);
  });

  test('but not if the mount point is an ordinary file with the same inode number', () => {
    start(20);
    fake.link('20/ns/mnt', 'mnt:[2]');
    fake.write('20/root/trap', '');
    const ino = proc.stat('20/root/trap');
    if (!('value' in ino)) throw new Error(ino.message);
    fake.write('20/mountinfo', `50 42 0:4 net:[${ino.value.ino}] /trap rw - nsfs nsfs rw\n`);
    step();
    expect(held()).toEqual([]);
    expect([...search.result.unreachable]).toEqual([ino.value.ino]);
  });

  test('but skips known namespaces and sockets', () => {
    start(20, { 3: 'net:[1]', 4: 50 });
    thread(20, 21, 2);
    expect(step()).toBe(false);
    expect([held(), probed]).toEqual([[], []]);
  });
});

describe('sockets that no dump contains', () => {
  test('are counted as unbound if they are TCP sockets in known namespaces', () => {
    start(20, { 3: 2000, 4: 2001, 5: 2002 });
    answers.set(3, { netns: 1, isTcp: true }).set(4, { netns: 1, isTcp: false });
    expect(search.result.unboundTcp).toBeUndefined();
    step();
    expect(search.result.unboundTcp).toBe(1);
  });

  test('are probed once, and counted while a process holds them', () => {
    start(20, { 3: 2000 });
    answers.set(3, { netns: 1, isTcp: true });
    step();
    runNextPass();
    expect([probed, search.result.unboundTcp]).toEqual([[3], 1]);
    fake.remove('20/fd/3');
    runNextPass();
    expect(search.result.unboundTcp).toBe(0);
  });

  test('are counted once, however many descriptors and processes hold them', () => {
    start(20, { 3: 2000, 4: 2000, 5: 2000 });
    start(21, { 3: 2000 });
    answers.set(3, { netns: 1, isTcp: true });
    step();
    expect(search.result).toMatchObject({ unboundTcp: 1 });
  });
});

describe('cost', () => {
  test('a pass is spread over polls and reports how many processes are left', () => {
    for (let pid = 100; pid < 200; pid++) start(pid, { 3: 50, 4: 51 });
    step(20);
    const { unsearched } = search.result;
    expect(unsearched).toBeGreaterThan(90);
    let polls = 0;
    for (; search.result.unsearched > 0; polls++) step(20);
    // Two links and two descriptors per process, 20 per poll.
    expect(polls).toBeGreaterThanOrEqual(15);
    expect(polls).toBeLessThanOrEqual(30);
  });

  test('after a step that exceeds the budget, polls are skipped', () => {
    start(20, Object.fromEntries(Array.from({ length: 64 }, (_, i) => [i + 3, 50])));
    start(21);
    // The first poll reads 64 descriptors at once, which exceeds the budget.
    step(10);
    const { nowMs } = proc;
    expect(nowMs).toBeGreaterThan(60);
    for (let poll = 0; poll < 6; poll++) step(10);
    expect(proc.nowMs).toBe(nowMs);
    step(10);
    expect(proc.nowMs).toBeGreaterThan(nowMs);
  });

  test('a pass starts ten polls after the start of the previous one', () => {
    start(20);
    step();
    const { nowMs } = proc;
    for (let poll = 1; poll < PASS_POLLS; poll++) step();
    expect(proc.nowMs).toBe(nowMs);
    step();
    expect(proc.nowMs).toBeGreaterThan(nowMs);
  });
});

describe('sockets for the owners of the first poll', () => {
  test('are those of the first step, by folder and descriptor, once', () => {
    start(20, { 0: '/dev/null', 1: 'socket:[7]', 3: 'socket:[2000]' });
    proc.cpuNs.set(20, 1_234_567);
    start(21, { 1: 'socket:[8]' });
    step();
    // None of a process whose CPU time is unknown.
    expect(search.takeSockets()).toEqual(
      new Map([['20', { cpuNs: 1_234_567, inodes: Object.assign([], { 1: 7, 3: 2000 }) }]]),
    );
    expect(search.takeSockets().size).toBe(0);
  });

  test('do not include those of later passes', () => {
    start(20, { 1: 'socket:[7]' });
    proc.cpuNs.set(20, 1_234_567);
    step();
    search.takeSockets();
    runNextPass();
    expect(search.takeSockets().size).toBe(0);
  });
});

describe('a process that has not run since it was searched', () => {
  beforeEach(() => {
    answers.set(8, { netns: 1, isTcp: true });
    start(20, { 0: '/dev/null', 6: 50, 7: 'net:[90]', 8: 2000 });
    thread(20, 21, 91);
    proc.cpuNs.set(20, 1_234_567);
    step();
  });

  test('is not read again', () => {
    const { nowMs } = proc;
    runNextPass();
    // The link of netpane's own mount namespace.
    expect(proc.nowMs).toBe(nowMs + 1);
    proc.cpuNs.set(20, 1_234_568);
    runNextPass();
    expect(proc.nowMs).toBeGreaterThan(nowMs + 5);
  });

  test.each([
    { name: 'descriptor', inode: 90, path: '20/fd/7' },
    { name: 'thread', inode: 91, path: '20/task/21/ns/net' },
  ])('holds a namespace that is no longer known otherwise: by a $name', ({ inode, path }) => {
    const isNamespace = (it: number) => it < 100 && it !== inode;
    for (let poll = 0; poll < PASS_POLLS; poll++) search.step(() => pids, { ...known, isNamespace });
    expect(held()).toEqual([inode]);
    expect(search.holdOf(inode)?.path).toBe(`${fake.root}/${path}`);
  });

  test('still has its unbound sockets, and those that dumps no longer contain', () => {
    answers.set(6, { netns: 1, isTcp: true });
    runNextPass();
    expect(search.result.unboundTcp).toBe(1);
    for (let poll = 0; poll < PASS_POLLS; poll++)
      search.step(() => pids, { ...known, isSocket: () => false });
    expect(search.result.unboundTcp).toBe(2);
  });

  test('shows the mounts that other processes have made in its mount namespace', () => {
    fake.link('20/ns/mnt', 'mnt:[2]');
    proc.cpuNs.set(20, 1_234_568);
    runNextPass();
    fake.write('20/mountinfo', '50 42 0:4 net:[500] /nowhere rw - nsfs nsfs rw\n');
    const { nowMs } = proc;
    runNextPass();
    expect([...search.result.unreachable]).toEqual([500]);
    expect(proc.nowMs).toBe(nowMs + 1);
  });
});

test.each(['20/fd', '20/task'])(
  'a process whose folder %s could not be listed is read by the next pass, even if it has not run since',
  (folder) => {
    start(20, { 7: 'net:[500]' });
    thread(20, 21, 501);
    proc.cpuNs.set(20, 1_234_567);
    proc.failing.add(folder);
    step();
    expect(held()).toHaveLength(1);
    proc.failing.clear();
    runNextPass();
    expect(held().toSorted()).toEqual([500, 501]);
  },
);
