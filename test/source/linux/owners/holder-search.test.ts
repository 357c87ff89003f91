import { describe, expect, test } from 'vitest';
import {
  fake,
  IDLE_POLLS,
  isSearched,
  names,
  openOwners,
  owners,
  present,
  proc,
  refresh,
  refreshWithin,
  useOwners,
} from '../../../helpers/owners.ts';

useOwners();

describe('a socket without a known holder', () => {
  test('is reported after the first search and searched for once more', () => {
    refresh(7);
    expect([isSearched(7), owners.isPending(7)]).toEqual([true, false]);
    refresh(7);
    proc.listed.length = 0;
    refresh(7);
    expect(proc.listed).not.toContain('1/fd');
  });

  test('is found at the second search', () => {
    refresh(7);
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    expect(isSearched(7)).toBe(false);
    expect(names(7)).toEqual(['prog-50']);
  });

  test.each([50, 51, 64, 65])(
    'passed to process %i, which had no socket, is found when it is the turn of the process',
    (pid) => {
      refresh(7);
      refresh(7);
      expect(isSearched(7)).toBe(true);
      fake.start(pid, { fds: {} });
      for (let i = 0; i < 3; i++) refresh(7);
      fake.link(`${pid}/fd/3`, 'socket:[7]');
      for (let i = 0; i < IDLE_POLLS; i++) refresh(7);
      expect(names(7)).toEqual([`prog-${pid}`]);
      expect(isSearched(7)).toBe(false);
    },
  );

  test('is found again if its last known holder ends while an unknown one holds it', () => {
    // Process 50 gets the socket unnoticed, since its number of descriptors stays the same.
    fake.start(50, { fds: { 3: 'pipe:[1]' } });
    fake.start(60, { fds: { 3: 7 } });
    refresh(7);
    fake.link('50/fd/3', 'socket:[7]');
    refresh(7);
    expect(names(7)).toEqual(['prog-60']);
    fake.remove('60');
    refresh(7);
    expect(names(7)).toEqual(['prog-50']);
    expect(owners.changed).toContain(7);
  });
});

describe('a limited budget', () => {
  /** Creates owners whose reads take a millisecond each. */
  function slow(): void {
    openOwners({ nowMs: () => proc.reads.length });
  }

  test('leaves sockets pending until later polls find their holders', () => {
    slow();
    const inodes = Array.from({ length: 40 }, (_, i) => 100 + i);
    for (const inode of inodes) fake.start(inode, { fds: { 3: inode } });
    refreshWithin(0, ...inodes);
    const pending = () => inodes.filter((inode) => owners.isPending(inode)).length;
    expect(pending()).toBe(40);
    expect(owners.of(100)).toBeUndefined();
    const counts = [pending()];
    const changed = new Set<number>();
    for (let i = 0; i < 60 && pending() > 0; i++) {
      refreshWithin(100, ...inodes);
      for (const inode of owners.changed) {
        expect(owners.of(inode)).toBeDefined();
        changed.add(inode);
      }
      counts.push(pending());
    }
    // The holders are found over several polls, and each one is reported as a change.
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    expect(counts.length).toBeGreaterThan(3);
    expect(counts.at(-1)).toBe(0);
    expect([...changed].sort()).toEqual(inodes);
    expect(inodes.map((inode) => names(inode))).toEqual(inodes.map((inode) => [`prog-${inode}`]));
  });

  test('keeps a socket pending until all processes are searched', () => {
    slow();
    for (let pid = 100; pid < 140; pid++) fake.start(pid, { fds: { 3: pid } });
    refreshWithin(20, 7);
    expect([owners.isPending(7), isSearched(7)]).toEqual([true, false]);
    for (let i = 0; i < 200 && !isSearched(7); i++) refreshWithin(20, 7);
    expect(isSearched(7)).toBe(true);
    expect(owners.isPending(7)).toBe(false);
  });

  test('lists a process once per search even if that takes longer than the budget', () => {
    let nowMs = 0;
    openOwners({ nowMs: () => nowMs });
    fake.start(50, { fds: { 3: 7, 4: '/dev/null' } });
    refresh(7);
    const list = proc.names.bind(proc);
    proc.names = (path) => {
      if (path === '50/fd') nowMs += 60_000;
      return list(path);
    };
    proc.listed.length = 0;
    for (let i = 0; i < 50; i++) refreshWithin(1000, 7, 8);
    expect(isSearched(8)).toBe(true);
    // Once for each of the two searches.
    expect(proc.listed.filter((path) => path === '50/fd')).toHaveLength(2);
  });

  test('removes a process that ends while its descriptors are read', () => {
    slow();
    // More than are read between two reads of the clock.
    const inodes = Array.from({ length: 600 }, (_, i) => 100 + i);
    fake.start(50, { fds: Object.fromEntries(inodes.map((inode, i) => [i + 3, inode])) });
    refreshWithin(30, ...inodes);
    expect(inodes.some((inode) => owners.isPending(inode))).toBe(true);
    expect(inodes.some((inode) => owners.of(inode) !== undefined)).toBe(true);
    fake.remove('50');
    for (let i = 0; i < 60; i++) refreshWithin(30, ...inodes);
    expect(inodes.every((inode) => owners.of(inode) === undefined && isSearched(inode))).toBe(true);
  });
});

describe('the cost', () => {
  const readsOf = (action: () => void) => {
    const { length } = proc.reads;
    action();
    return proc.reads.slice(length);
  };

  test('of a poll without changes is 32 known descriptors, no lists, and the identity of young processes', () => {
    fake.start(50, { fds: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i + 3, 100 + i])) });
    fake.start(60, { fds: { 3: 'pipe:[1]' } });
    const inodes = Array.from({ length: 100 }, (_, i) => 100 + i);
    for (let i = 0; i < 6; i++) refresh(...inodes);
    // An old process is identified in its turn.
    let turn = 0;
    while (turn++ < IDLE_POLLS && !readsOf(() => refresh(...inodes)).includes('50/stat'));
    const polls = Array.from({ length: IDLE_POLLS - 1 }, () => readsOf(() => refresh(...inodes)));
    for (const reads of polls) {
      expect(reads.filter((it) => it.includes('/fd/')).length).toBeLessThanOrEqual(32);
      // The process with sockets at each poll, the other one in its turn, and the folder of processes.
      expect(reads.filter((it) => it === '50/fd')).toHaveLength(1);
      expect(reads).not.toContain('50/stat');
    }
    expect(polls.flat().filter((it) => it === '60/fd')).toHaveLength(1);
    // In turn: each descriptor once in four polls.
    const checked = polls
      .slice(0, 5)
      .flat()
      .filter((it) => it.startsWith('50/fd/'));
    expect(new Set(checked).size).toBe(100);
  });

  test('of new sockets of a large process is a few reads without a list', () => {
    const fds = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [i, 1000 + i]));
    fake.start(50, { fds });
    const inodes = Array.from({ length: 300 }, (_, i) => 1000 + i);
    // After these polls the process is no longer young, and its turn is over.
    for (let i = 0; i < 8; i++) refresh(...inodes);
    proc.listed.length = 0;
    for (let i = 0; i < 5; i++) {
      // Three close, six open: three free descriptors, three above the highest.
      const closed = [10 + i * 3, 11 + i * 3, 12 + i * 3];
      const behind = [300, 301, 302].map((fd) => fd + i * 3);
      const opened = [...closed, ...behind].map((fd) => [fd, 5000 + fd] as const);
      for (const [fd, inode] of opened) fake.link(`50/fd/${fd}`, `socket:[${inode}]`);
      const now = [...present].filter((inode) => !closed.includes(inode - 1000));
      const reads = readsOf(() => refresh(...now, ...opened.map(([, inode]) => inode)));
      expect(opened.map(([, inode]) => names(inode))).toEqual(Array(6).fill(['prog-50']));
      const links = reads.filter((it) => it.startsWith('50/fd/'));
      // 32 checks, three free descriptors, three above the highest.
      expect(links.length).toBeLessThanOrEqual(32 + 6);
      expect(proc.listed).not.toContain('50/fd');
    }
  });

  test('of frequent sockets without a holder is limited by pauses between searches', () => {
    let nowMs = 0;
    let links = 0;
    openOwners({ nowMs: () => nowMs });
    fake.start(50, { fds: { 3: 7 } });
    const list = proc.names.bind(proc);
    const many = Array.from({ length: 10_000 }, (_, i) => String(i));
    proc.names = (path) => (path === '50/fd' ? { value: many } : list(path));
    proc.socketInodes = (_, descriptors) => {
      links += descriptors.length;
      nowMs += descriptors.length / 100;
      return descriptors.map(() => ({ value: 0 }));
    };
    refresh();
    links = 0;
    for (let i = 0; i < 300; i++) refresh(100 + i);
    // A search takes 10 polls of 10 ms, and the next one starts 40 polls later.
    expect(links).toBeGreaterThan(3 * 10_000);
    expect(links).toBeLessThan(9 * 10_000);
  });

  test('excludes kernel threads', () => {
    fake.start(2, { comm: 'kthreadd', flags: 0x00200000 });
    refresh();
    expect(readsOf(() => refresh())).not.toContain('2/fd');
  });
});
