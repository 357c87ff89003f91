import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type KnownInodes, NamespaceSearch } from '../../../src/source/linux/namespace-search.ts';
import type { SocketNamespace } from '../../../src/source/linux/netlink/system.ts';
import { type Outcome, Proc } from '../../../src/source/linux/proc.ts';
import { FakeProc } from '../../helpers/proc.ts';

/** Rounds from the start of one search to that of the next. */
const PASS_ROUNDS = 10;

/** Counts links that are read, as a clock: each takes a millisecond. A folder of a test has as many links as one of /proc. */
class CountingProc extends Proc {
  nowMs = 0;

  override link(path: string): Outcome<string> {
    this.nowMs++;
    return super.link(path);
  }
}

let fake: FakeProc;
let proc: CountingProc;
let search: NamespaceSearch;
let pids: number[];
let asked: number[];
const answers = new Map<number, SocketNamespace>();
const known: KnownInodes = { isNamespace: (inode) => inode < 100, isSocket: (inode) => inode < 1000 };

beforeEach(() => {
  fake = new FakeProc();
  proc = new CountingProc(fake.root);
  fake.link('self/ns/mnt', 'mnt:[1]');
  pids = [];
  asked = [];
  answers.clear();
  const namespaceOfSocket = ({ descriptor }: { descriptor: number }) => {
    asked.push(descriptor);
    return answers.get(descriptor);
  };
  search = new NamespaceSearch(proc, () => proc.nowMs, { namespaceOfSocket });
});
afterEach(() => fake.end());

/** A process whose main thread is in the namespace 1. */
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

/** The next search, from its first round to its end. */
function searchAgain(): void {
  for (let round = 0; round < PASS_ROUNDS; round++) step();
}

test('a socket that a list tells of since the search began is not asked', () => {
  start(20, { 3: 'socket:[2000]' });
  start(21, { 4: 'socket:[2001]' });
  // The first link takes the whole budget of the first round.
  step(1);
  for (let round = 0; round < 20; round++) search.step(() => pids, { ...known, isSocket: () => true }, 1);
  expect([asked, search.result.unboundTcp]).toEqual([[], 0]);
});

describe('a namespace that no main thread is in', () => {
  test('of another thread', () => {
    start(20);
    thread(20, 21, 500);
    expect(step()).toBe(true);
    expect(held()).toEqual([500]);
    expect(search.holdOf(500)?.path).toBe(`${fake.root}/20/task/21/ns/net`);
    thread(20, 21, 1);
    expect(held()).toEqual([]);
  });

  test('of a thread whose main thread has ended', () => {
    start(20);
    fake.remove('20/ns/net');
    fake.remove('20/task/20');
    thread(20, 21, 500);
    step();
    expect(held()).toEqual([500]);
  });

  test('of a descriptor, until that is closed', () => {
    start(20, { 0: '/dev/null', 7: 'net:[500]' });
    step();
    expect(held()).toEqual([500]);
    expect(search.holdOf(500)?.path).toBe(`${fake.root}/20/fd/7`);
    fake.remove('20/fd/7');
    expect(held()).toEqual([]);
  });

  test('of a descriptor that is another namespace by now', () => {
    start(20, { 7: 'net:[500]' });
    step();
    fake.link('20/fd/7', 'net:[501]');
    expect(held()).toEqual([]);
    searchAgain();
    expect(held()).toEqual([501]);
  });

  test('of a socket that was passed out', () => {
    start(20, { 7: 1234 });
    answers.set(7, { netns: 500, isTcp: true });
    step();
    expect(held()).toEqual([500]);
    expect(search.holdOf(500)).toMatchObject({ socket: { pid: 20, descriptor: 7 } });
    fake.link('20/fd/7', 'socket:[1235]');
    expect(held()).toEqual([]);
  });

  test('of a mount in another mount namespace that is out of reach: counted', () => {
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

  test('a file with the number of a namespace, where another mount namespace says that one is mounted', () => {
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

  test('namespaces and sockets that are known are left alone', () => {
    start(20, { 3: 'net:[1]', 4: 50 });
    thread(20, 21, 2);
    expect(step()).toBe(false);
    expect([held(), asked]).toEqual([[], []]);
  });
});

describe('sockets that no list tells of', () => {
  test('those of TCP in known namespaces are counted as bound to nothing', () => {
    start(20, { 3: 2000, 4: 2001, 5: 2002 });
    answers.set(3, { netns: 1, isTcp: true }).set(4, { netns: 1, isTcp: false });
    expect(search.result.unboundTcp).toBeUndefined();
    step();
    expect(search.result.unboundTcp).toBe(1);
  });

  test('each is asked once, and counted while a process has it', () => {
    start(20, { 3: 2000 });
    answers.set(3, { netns: 1, isTcp: true });
    step();
    searchAgain();
    expect([asked, search.result.unboundTcp]).toEqual([[3], 1]);
    fake.remove('20/fd/3');
    searchAgain();
    expect(search.result.unboundTcp).toBe(0);
  });

  test('one that many descriptors are of, also of several processes, is counted once', () => {
    start(20, { 3: 2000, 4: 2000, 5: 2000 });
    start(21, { 3: 2000 });
    answers.set(3, { netns: 1, isTcp: true });
    step();
    expect(search.result).toMatchObject({ unboundTcp: 1 });
  });
});

describe('cost', () => {
  test('a search is spread over rounds, and says how much is left', () => {
    for (let pid = 100; pid < 200; pid++) start(pid, { 3: 50, 4: 51 });
    step(20);
    const { unsearched } = search.result;
    expect(unsearched).toBeGreaterThan(90);
    let rounds = 0;
    for (; search.result.unsearched > 0; rounds++) step(20);
    // Two links for each process and two descriptors, at 20 a round.
    expect(rounds).toBeGreaterThanOrEqual(15);
    expect(rounds).toBeLessThanOrEqual(30);
  });

  test('a step that takes longer than its round is paid back', () => {
    start(20, Object.fromEntries(Array.from({ length: 64 }, (_, i) => [i + 3, 50])));
    start(21);
    // Within the first round come the 64 descriptors, which is far too many.
    step(10);
    const { nowMs } = proc;
    expect(nowMs).toBeGreaterThan(60);
    for (let round = 0; round < 6; round++) step(10);
    expect(proc.nowMs).toBe(nowMs);
    step(10);
    expect(proc.nowMs).toBeGreaterThan(nowMs);
  });

  test('after one search the next begins ten rounds after it began', () => {
    start(20);
    step();
    const { nowMs } = proc;
    for (let round = 1; round < PASS_ROUNDS; round++) step();
    expect(proc.nowMs).toBe(nowMs);
    step();
    expect(proc.nowMs).toBeGreaterThan(nowMs);
  });
});
