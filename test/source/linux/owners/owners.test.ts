import { beforeEach, describe, expect, test } from 'vitest';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { fake, names, owners, proc, refresh, useOwners } from '../../../helpers/owners.ts';

useOwners();

describe('changes of holders', () => {
  test('finds a new descriptor of a known process', () => {
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    fake.link('50/fd/4', 'socket:[8]');
    refresh(7, 8);
    expect([names(7), names(8)]).toEqual([['prog-50'], ['prog-50']]);
  });

  test('drops a holder that closes its descriptor', () => {
    fake.start(50, { fds: { 3: 7, 4: 8 } });
    fake.start(60, { fds: { 3: 8 } });
    refresh(7, 8);
    fake.remove('50/fd/4');
    refresh(7, 8);
    expect([names(7), names(8)]).toEqual([['prog-50'], ['prog-60']]);
  });

  test('drops a holder that reuses the descriptor for another file', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.start(60, { fds: { 3: 7 } });
    refresh(7);
    fake.remove('50/fd/3');
    fake.link('50/fd/3', 'pipe:[9]');
    for (let i = 0; i < 30; i++) refresh(7);
    expect(names(7)).toEqual(['prog-60']);
  });

  test('adds a forked process as a holder', () => {
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    fake.start(51, { comm: 'child', fds: { 3: 7 } });
    refresh(7);
    expect(names(7)).toEqual(['prog-50', 'child']);
  });

  test('updates the program of a young process after execve(2)', () => {
    fake.start(50, { comm: 'sh', fds: { 3: 7 } });
    refresh(7);
    fake.exec(50, 'server');
    refresh(7);
    expect(names(7)).toEqual(['server']);
  });

  test('drops a holder that ends', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.start(60, { fds: { 3: 7 } });
    refresh(7);
    fake.remove('50');
    refresh(7);
    expect(names(7)).toEqual(['prog-60']);
    fake.remove('60');
    refresh(7);
    expect(owners.of(7)).toBeUndefined();
  });

  test('drops the holders of a pid that is reused', () => {
    fake.start(50, { comm: 'first', fds: { 3: 7 } });
    refresh(7);
    fake.start(50, { comm: 'second', fds: { 3: 8 }, startTicks: 900 });
    refresh(7, 8);
    expect([names(7), names(8)]).toEqual([undefined, ['second']]);
  });
});

describe('changes between two reads', () => {
  test('a process that ends before its descriptors are read holds nothing', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.remove('50/fd');
    fake.start(60, { fds: { 3: 8 } });
    refresh(7, 8);
    expect([names(7), names(8)]).toEqual([undefined, ['prog-60']]);
    expect(owners.hasUnseenProcesses).toBe(false);
  });

  test('a descriptor that is closed before it is read is skipped', () => {
    fake.start(50, { fds: { 3: 7 } });
    proc.link = (path) =>
      path === '50/fd/3' ? { failed: 'gone', message: '' } : new Proc(fake.root).link(path);
    refresh(7);
    expect(owners.of(7)).toBeUndefined();
    expect(owners.hasUnseenProcesses).toBe(false);
  });

  test('a process that ends before it is identified is no owner', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.remove('50/stat');
    expect(() => refresh(7)).not.toThrow();
    // No owner, rather than one without fields.
    expect(owners.of(7)).toBeUndefined();
  });

  test('a process with a malformed stat is no owner', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.write('50/stat', ')(');
    expect(() => refresh(7)).not.toThrow();
    expect(owners.of(7)).toBeUndefined();
  });
});

describe('sockets of kinds that are not read', () => {
  test('are never reported as changed', () => {
    fake.start(50, { fds: { 3: 70, 4: 7, 5: 71 } });
    fake.start(60, { fds: { 3: 70, 4: 72 } });
    refresh(7);
    expect(names(7)).toEqual(['prog-50']);
    fake.remove('60/fd/3');
    fake.link('60/fd/5', 'socket:[73]');
    fake.remove('50/fd/5');
    for (let i = 0; i < 40; i++) {
      refresh(7);
      expect([...owners.changed]).toEqual([]);
      expect(names(7)).toEqual(['prog-50']);
    }
  });

  test('have an owner at once if they are added later', () => {
    fake.start(50, { fds: { 3: 70, 4: 7 } });
    refresh(7);
    refresh(7, 70);
    expect(names(70)).toEqual(['prog-50']);
    expect(owners.isPending(70)).toBe(false);
  });
});

describe('reused inodes and descriptors', () => {
  test('gives a reused inode its new owner', () => {
    fake.start(50, { fds: { 3: 7, 4: 8 } });
    fake.start(60, { fds: { 3: 9 } });
    refresh(7, 8, 9);
    // 50 closed 7 and opened a file; 60 has a new socket with that inode.
    fake.link('50/fd/3', '/dev/null');
    fake.link('60/fd/4', 'socket:[7]');
    owners.refresh([7], [7], Infinity);
    expect(names(7)).toEqual(['prog-60']);
  });

  test('reads the descriptor of a closed socket for a new one', () => {
    fake.start(50, { fds: { 3: 7, 4: 8 } });
    refresh(7, 8);
    fake.link('50/fd/3', 'socket:[9]');
    proc.reads.length = proc.listed.length = 0;
    refresh(8, 9);
    expect(names(9)).toEqual(['prog-50']);
    expect(owners.of(7)).toBeUndefined();
    // Only the freed descriptor is read.
    expect(proc.reads).toContain('50/fd/3');
    expect(proc.listed).not.toContain('50/fd');
  });
});

describe('a new socket whose process is likely known', () => {
  const refreshLikely = (pid: number, inode: number) =>
    owners.refresh([inode], [], Infinity, new Map([[pid, [inode]]]));

  test('is found there without a read of the other processes', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.start(60);
    refresh(7);
    fake.link('50/fd/4', 'socket:[8]');
    proc.reads.length = 0;
    refreshLikely(50, 8);
    expect(names(8)).toEqual(['prog-50']);
    expect(proc.reads).not.toContain('60/fd');
    expect(proc.listed).toContain('50/fd');
  });

  test('is found in a new process, whatever its descriptor', () => {
    refresh();
    fake.start(50, { fds: { 3: '/dev/null', 900: 8 } });
    refreshLikely(50, 8);
    expect(names(8)).toEqual(['prog-50']);
  });

  test('is found elsewhere if it was passed on, also if that process has ended', () => {
    fake.start(50);
    fake.start(60);
    refresh();
    fake.link('60/fd/3', 'socket:[8]');
    fake.link('60/fd/4', 'socket:[9]');
    refreshLikely(50, 8);
    refreshLikely(51, 9);
    expect([names(8), names(9)]).toEqual([['prog-60'], ['prog-60']]);
  });

  test('is searched for later if there is no time', () => {
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    fake.link('50/fd/4', 'socket:[8]');
    owners.refresh([8], [], -1, new Map([[50, [8]]]));
    expect(owners.isPending(8)).toBe(true);
    refresh(7, 8);
    expect(names(8)).toEqual(['prog-50']);
  });
});

describe('sockets of descriptors that were read before', () => {
  const read = new Map([['50', { cpuNs: 1_234_567, inodes: [7, 8] }]]);
  beforeEach(() => proc.cpuNs.set(50, 1_234_567));

  test('have their owner without another read of these descriptors', () => {
    fake.start(50, { fds: { 0: 7, 1: 8, 2: 9 } });
    owners.refresh([7, 8, 9], [], Infinity, undefined, read);
    expect([names(7), names(8), names(9)]).toEqual([['prog-50'], ['prog-50'], ['prog-50']]);
    expect(proc.reads.filter((path) => path.startsWith('50/fd/'))).toEqual(['50/fd/2']);
  });

  test('have no owner if the descriptor is closed since', () => {
    fake.start(50, { fds: { 0: 7 } });
    owners.refresh([7, 8], [], Infinity, undefined, read);
    expect([names(7), names(8)]).toEqual([['prog-50'], undefined]);
  });

  test('have another owner if the process has run since, and replaced the descriptor', () => {
    fake.start(50, { fds: { 0: 9, 1: 8 } });
    fake.start(60, { fds: { 0: 7 } });
    proc.cpuNs.set(50, 1_234_568);
    owners.refresh([7, 8, 9], [], Infinity, undefined, read);
    expect([names(7), names(8), names(9)]).toEqual([['prog-60'], ['prog-50'], ['prog-50']]);
  });
});
