import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Owners } from '../../../../src/source/linux/owners/owners.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { BOOT_SECONDS, FakeProc } from '../../../helpers/proc.ts';

/** A /proc with threads, some with a descriptor table of their own. */
class ThreadedProc extends Proc {
  readonly ownTables = new Set<number>();
  canCompare = true;
  readonly reads: string[] = [];

  override threadCount(pid: number): number {
    const names = this.names(`${pid}/task`);
    return 'value' in names ? names.value.length : 0;
  }

  override shareDescriptors(tid: number, other: number): boolean | undefined {
    if (!this.canCompare) return undefined;
    return !this.ownTables.has(tid) && !this.ownTables.has(other);
  }

  override names(path: string) {
    this.reads.push(path);
    return super.names(path);
  }

  override latin1(path: string, limit?: number) {
    this.reads.push(path);
    return super.latin1(path, limit);
  }
}

let fake: FakeProc;
let proc: ThreadedProc;
let nowMs: number;
beforeEach(() => {
  fake = new FakeProc();
  proc = new ThreadedProc(fake.root);
  nowMs = 0;
});
afterEach(() => fake.end());

const make = (hasRingPaths?: boolean) =>
  new Owners({
    proc,
    userOf: () => 'ana',
    bootTimeMs: () => BOOT_SECONDS * 1000,
    nowMs: () => nowMs,
    hasRingPaths,
  });

/** Refreshes several times with these sockets, which are new at the first one. */
function poll(owners: Owners, count: number, ...inodes: number[]): void {
  for (let i = 0; i < count; i++) owners.refresh(i === 0 ? inodes : [], [], Infinity);
}

const holders = (owners: Owners, inode: number) =>
  owners.of(inode)?.map(({ pid, process, command, exe, knowledge }) => ({
    pid,
    process,
    command,
    exe,
    knowledge,
  }));

const RING = 'anon_inode:[io_uring]';

describe('a process whose first thread ended', () => {
  test('is the owner, with command line and file of a living thread', () => {
    fake.start(50, { comm: 'server', fds: {} });
    fake.endLeader(50, 'server');
    fake.task(50, 51, { fds: { 3: 7 }, exe: '/usr/bin/server', args: ['server', '-x'] });
    const owners = make();
    poll(owners, 1, 7);
    expect(holders(owners, 7)).toEqual([
      { pid: 50, process: 'server', command: 'server -x', exe: '/usr/bin/server', knowledge: 'exact' },
    ]);
    expect(owners.identityOf(50)).toMatchObject({ command: 'server -x', exe: '/usr/bin/server' });
  });

  test('stays the owner until its last thread ends', () => {
    fake.start(50, { fds: { 3: 7 } });
    const owners = make();
    poll(owners, 1, 7);
    fake.endLeader(50);
    fake.task(50, 51, { fds: { 3: 7 } });
    fake.task(50, 52, { fds: { 3: 7 } });
    for (let i = 0; i < 17; i++) owners.refresh([], [], Infinity);
    expect(holders(owners, 7)).toMatchObject([{ pid: 50, knowledge: 'exact' }]);
    fake.remove('50/task/51');
    owners.refresh([], [], Infinity);
    expect(holders(owners, 7)).toMatchObject([{ pid: 50 }]);
    fake.remove('50');
    owners.refresh([], [], Infinity);
    expect(owners.of(7)).toBeUndefined();
  });
});

describe('a thread with its own descriptor table', () => {
  test.each([true, false])('is found, whether the kernel compares tables or not (%s)', (canCompare) => {
    proc.canCompare = canCompare;
    fake.start(50, { comm: 'pool', fds: { 3: 6 } });
    fake.task(50, 50, { fds: { 3: 6 } });
    for (let tid = 51; tid < 60; tid++) fake.task(50, tid, { fds: { 3: tid === 57 ? 7 : 6 } });
    proc.ownTables.add(57);
    const owners = make();
    poll(owners, 1, 6, 7);
    expect(holders(owners, 7)).toMatchObject([{ pid: 50, process: 'pool', knowledge: 'exact' }]);
    expect(holders(owners, 6)).toHaveLength(1);
    if (canCompare)
      expect(proc.reads.filter((path) => /task\/\d+\/fd/.test(path))).not.toContain('50/task/52/fd');
    // The thread opens another socket, then ends.
    fake.link('50/task/57/fd/4', 'socket:[8]');
    owners.refresh([8], [], Infinity);
    expect(holders(owners, 8)).toMatchObject([{ pid: 50 }]);
    fake.remove('50/task/57');
    poll(owners, 3);
    expect([owners.of(7), owners.of(8)]).toEqual([undefined, undefined]);
    expect(owners.triedFor(7)).toBeDefined();
  });

  test('is replaced by a process that gets its number', () => {
    fake.start(50, { fds: {} });
    fake.task(50, 57, { fds: { 3: 7 } });
    proc.ownTables.add(57);
    fake.task(50, 50);
    const owners = make();
    poll(owners, 1, 7);
    fake.remove('50');
    fake.start(57, { comm: 'other', fds: { 3: 8 } });
    owners.refresh([8], [], Infinity);
    expect([owners.of(7), holders(owners, 8)]).toMatchObject([undefined, [{ pid: 57, process: 'other' }]]);
  });

  test('is skipped beyond a limit of descriptors, which is reported', () => {
    proc.canCompare = false;
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [i, '/dev/null']));
    fake.start(50, { fds: {} });
    fake.task(50, 50);
    const threads = Array.from({ length: 54 }, (_, i) => String(50 + i));
    const list = proc.names.bind(proc);
    proc.names = (path) => {
      if (path === '50/task') return { value: threads };
      return /task\/\d+\/fd/.test(path) ? { value: Object.keys(many) } : list(path);
    };
    let links = 0;
    proc.socketInodes = (_, descriptors) => {
      links += descriptors.length;
      return descriptors.map(() => ({ value: 0 }));
    };
    const owners = make();
    owners.refresh([7], [], Infinity);
    expect(links).toBe(100_000);
    expect(owners.triedFor(7)).toContain('3 places too large to search');
  });
});

describe('a socket without a descriptor', () => {
  const ringText = (...files: string[]) =>
    `pos:\t0\nUserFiles:\t${files.length}\n${files.map((file, i) => `${String(i).padStart(5)}: ${file}\n`).join('')}UserBufs:\t0\n`;
  const mapsText = (path: string) =>
    `7fac1d3ac000-7fac1d3b0000 r--p 00000000 fe:00 29751      /lib/libc.so\n` +
    `7fac1e20c000-7fac1e20e000 rw-s 00000000 00:09 1095117                    ${path}\n`;

  test('in an io_uring belongs to the process of the ring until that removes it', () => {
    fake.start(50, { comm: 'ring', fds: { 4: RING } });
    fake.write('50/fdinfo/4', ringText('/dev/null', 'socket:[7]'));
    const owners = make();
    poll(owners, 1, 7);
    expect(holders(owners, 7)).toMatchObject([{ pid: 50, process: 'ring', knowledge: 'exact' }]);
    poll(owners, 40);
    expect(holders(owners, 7)).toMatchObject([{ pid: 50 }]);
    fake.write('50/fdinfo/4', ringText());
    poll(owners, 40);
    expect(owners.of(7)).toBeUndefined();
    expect(owners.triedFor(7)).not.toContain('io_uring of');
  });

  test('in an io_uring gives only a candidate if the kernel does not print paths', () => {
    fake.start(50, { comm: 'liar', fds: { 4: RING } });
    // A file with this name.
    fake.write('50/fdinfo/4', ringText('socket:[7]'));
    const owners = make(false);
    poll(owners, 1, 7);
    expect(owners.of(7)).toBeUndefined();
    expect(owners.triedFor(7)).toContain('liar (pid 50) has 1 file in an io_uring');
  });

  test('mapped into memory belongs to the process that mapped it', () => {
    fake.start(50, { comm: 'sniffer', fds: {} });
    fake.write('50/maps', mapsText('socket:[7]'));
    const owners = make();
    poll(owners, 1, 7);
    expect(holders(owners, 7)).toMatchObject([{ pid: 50, process: 'sniffer', knowledge: 'exact' }]);
    fake.write('50/maps', '');
    poll(owners, 40);
    expect(owners.of(7)).toBeUndefined();
  });

  test.each(['/tmp/socket:[7]', '/tmp/ socket:[7]', '/tmp/ 0: socket:[7]', '/tmp/x\\012socket:[7]'])(
    'is not confused with a file named %j',
    (path) => {
      fake.start(50, { fds: { 4: RING } });
      fake.write('50/maps', mapsText(path));
      fake.write('50/fdinfo/4', ringText(path.replaceAll(' ', '\\040')));
      const owners = make();
      poll(owners, 1, 7);
      expect(owners.of(7)).toBeUndefined();
    },
  );

  test('in flight over a Unix socket gives the processes with descriptors in flight as candidates', () => {
    fake.start(50, { comm: 'sender', fds: { 3: 100, 4: 101 } });
    fake.write('50/fdinfo/3', 'pos:\t0\nscm_fds: 0\n');
    fake.write('50/fdinfo/4', 'pos:\t0\nscm_fds: 2\n');
    const owners = make();
    poll(owners, 1, 7);
    expect(owners.of(7)).toBeUndefined();
    expect(owners.triedFor(7)).toBe(
      'not found in the descriptors, mappings and io_urings of 2 processes and their threads; ' +
        '2 descriptors in flight over a Unix socket to sender (pid 50)',
    );
  });

  test('names three candidates and counts the others', () => {
    for (let pid = 50; pid < 60; pid++) {
      fake.start(pid, { fds: { 4: 100 + pid } });
      fake.write(`${pid}/fdinfo/4`, 'scm_fds: 1\n');
    }
    const owners = make();
    poll(owners, 1, 7);
    expect(owners.triedFor(7)?.match(/in flight/g)).toHaveLength(3);
    expect(owners.triedFor(7)).toContain('7 more processes have files in such places');
  });

  test('is searched in part of the mappings of many megabytes, which is reported', () => {
    fake.start(50, { fds: {} });
    fake.write('50/maps', mapsText('/lib/x').repeat(20_000));
    const owners = make();
    poll(owners, 1, 7);
    expect(owners.triedFor(7)).toContain('1 place too large to search');
  });
});

test('reads no other places while every socket has an owner', () => {
  fake.start(50, { fds: { 3: 7, 4: RING } });
  fake.task(50, 50, { fds: { 3: 7 } });
  fake.task(50, 51, { fds: { 3: 7 } });
  const owners = make();
  poll(owners, 1, 7);
  poll(owners, 20);
  expect(proc.reads.filter((path) => /maps|fdinfo|task/.test(path))).toEqual([]);
});

test('stops the search at the end of the budget and continues at the next poll', () => {
  fake.start(50, { fds: {} });
  fake.task(50, 50);
  const list = proc.names.bind(proc);
  const threads = Array.from({ length: 1000 }, (_, i) => String(50 + i));
  proc.names = (path) => (path === '50/task' ? { value: threads } : list(path));
  proc.shareDescriptors = () => {
    nowMs += 0.1;
    return true;
  };
  const owners = make();
  poll(owners, 1);
  owners.refresh([7], [], 1000);
  expect(owners.isPending(7)).toBe(true);
  let count = 0;
  while (owners.isPending(7) && count < 100) {
    owners.refresh([], [], 1000);
    count++;
  }
  // A search has 10 ms per poll and reads the clock once per 256 threads.
  expect(count).toBeGreaterThan(2);
  expect(count).toBeLessThan(20);
  expect(owners.triedFor(7)).toBeDefined();
});
