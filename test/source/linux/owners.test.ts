import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Owner } from '../../../src/model/socket.ts';
import { Owners } from '../../../src/source/linux/owners.ts';
import { type Outcome, Proc } from '../../../src/source/linux/proc.ts';
import { BOOT_SECONDS, FakeProc } from '../../helpers/proc.ts';

/** The permissions and folder sizes of a real /proc, which no other file system has: even root may be refused. */
class StrictProc extends Proc {
  readonly forbidden = new Set<string>();
  readonly reads: string[] = [];
  /** Folders that were listed. */
  readonly listed: string[] = [];

  #unlessForbidden<T>(path: string, read: () => Outcome<T>): Outcome<T> {
    this.reads.push(path);
    return this.forbidden.has(path) ? { failed: 'forbidden', message: `EACCES ${path}` } : read();
  }

  override text(path: string) {
    return this.#unlessForbidden(path, () => super.text(path));
  }

  override names(path: string) {
    this.listed.push(path);
    return this.#unlessForbidden(path, () => super.names(path));
  }

  override link(path: string) {
    return this.#unlessForbidden(path, () => super.link(path));
  }

  override stat(path: string): ReturnType<Proc['stat']> {
    return this.#unlessForbidden(path, () => {
      const stat = super.stat(path);
      // The count of descriptors, as since Linux 6.2.
      const names = super.names(path);
      if (!('value' in stat) || !('value' in names) || !path.endsWith('/fd')) return stat;
      return { value: { ino: stat.value.ino, uid: stat.value.uid, size: names.value.length } };
    });
  }
}

let fake: FakeProc;
let proc: StrictProc;
let owners: Owners;
let present: Set<number>;
beforeEach(() => {
  fake = new FakeProc();
  proc = new StrictProc(fake.root);
  owners = new Owners({ proc, userOf: () => 'ana', bootTimeMs: BOOT_SECONDS * 1000, nowMs: () => 0 });
  present = new Set();
});
afterEach(() => fake.end());

/** One round in which these inodes are there; those that were not there before are new. */
const refresh = (...inodes: number[]): void => refreshWithin(Infinity, ...inodes);

/** The same, in so many milliseconds. */
function refreshWithin(budgetMs: number, ...inodes: number[]): void {
  const before = present;
  present = new Set(inodes);
  const added = inodes.filter((inode) => !before.has(inode));
  const removed = [...before].filter((inode) => !present.has(inode));
  owners.refresh(added, removed, budgetMs);
}

/** A process without sockets is looked at once in so many rounds. */
const IDLE_ROUNDS = 16;

/** Returns true when a search through all processes found no holder of the socket. */
const isSearched = (inode: number): boolean => owners.triedFor(inode) !== undefined;

const names = (inode: number) => owners.of(inode)?.map((owner: Owner) => owner.process);

describe('who holds a socket', () => {
  test('everything that /proc tells of the process', () => {
    fake.start(50, {
      comm: 'web (main) 1',
      args: ['web', '--port', '80'],
      exe: '/usr/bin/web',
      fds: { 3: 7, 4: '/dev/null' },
      startTicks: 250,
    });
    refresh(7);
    expect(owners.of(7)).toEqual([
      {
        knowledge: 'exact',
        pid: 50,
        process: 'web (main) 1',
        command: 'web --port 80',
        exe: '/usr/bin/web',
        user: 'ana',
        startedAtMs: BOOT_SECONDS * 1000 + 2500,
      },
    ]);
    expect(owners.of(8)).toBeUndefined();
  });

  test('what is not told is absent', () => {
    owners = new Owners({ proc, userOf: () => undefined, bootTimeMs: undefined, nowMs: () => 0 });
    fake.start(50, { comm: 'bare', fds: { 3: 7 } });
    refresh(7);
    expect(owners.of(7)).toEqual([{ knowledge: 'exact', pid: 50, process: 'bare' }]);
  });

  test('several processes: the oldest pid first, and pid 1 last', () => {
    fake.start(1, { comm: 'init', fds: { 3: 7 } });
    fake.start(60, { fds: { 3: 7 } });
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    expect(names(7)).toEqual(['prog-50', 'prog-60', 'init']);
  });

  test('two descriptors of one process are one holder', () => {
    fake.start(50, { fds: { 3: 7, 4: 7 } });
    refresh(7);
    expect(names(7)).toEqual(['prog-50']);
  });

  test('the same array while nothing changes', () => {
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    const before = owners.of(7);
    for (let i = 0; i < 100; i++) refresh(7);
    expect(owners.of(7)).toBe(before);
  });
});

describe('as time goes on', () => {
  test('a descriptor that comes later', () => {
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    fake.link('50/fd/4', 'socket:[8]');
    refresh(7, 8);
    expect([names(7), names(8)]).toEqual([['prog-50'], ['prog-50']]);
  });

  test('a descriptor that is closed', () => {
    fake.start(50, { fds: { 3: 7, 4: 8 } });
    fake.start(60, { fds: { 3: 8 } });
    refresh(7, 8);
    fake.remove('50/fd/4');
    refresh(7, 8);
    expect([names(7), names(8)]).toEqual([['prog-50'], ['prog-60']]);
  });

  test('one closed as another opens, the count being the same: found at the next full search', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.start(60, { fds: { 3: 7 } });
    refresh(7);
    fake.remove('50/fd/3');
    fake.link('50/fd/3', 'pipe:[9]');
    for (let i = 0; i < 30; i++) refresh(7);
    expect(names(7)).toEqual(['prog-60']);
  });

  test('a fork holds it too', () => {
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    fake.start(51, { comm: 'child', fds: { 3: 7 } });
    refresh(7);
    expect(names(7)).toEqual(['prog-50', 'child']);
  });

  test('a young process becomes another program (execve)', () => {
    fake.start(50, { comm: 'sh', fds: { 3: 7 } });
    refresh(7);
    fake.exec(50, 'server');
    refresh(7);
    expect(names(7)).toEqual(['server']);
  });

  test('a process ends', () => {
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

  test('another process under the same pid', () => {
    fake.start(50, { comm: 'first', fds: { 3: 7 } });
    refresh(7);
    fake.start(50, { comm: 'second', fds: { 3: 8 }, startTicks: 900 });
    refresh(7, 8);
    expect([names(7), names(8)]).toEqual([undefined, ['second']]);
  });
});

describe('between two reads', () => {
  test('a process dies before its descriptors are read', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.remove('50/fd');
    fake.start(60, { fds: { 3: 8 } });
    refresh(7, 8);
    expect([names(7), names(8)]).toEqual([undefined, ['prog-60']]);
    expect(owners.hasUnseenProcesses).toBe(false);
  });

  test('a descriptor is closed before it is looked at', () => {
    fake.start(50, { fds: { 3: 7 } });
    proc.link = (path) =>
      path === '50/fd/3' ? { failed: 'gone', message: '' } : new Proc(fake.root).link(path);
    refresh(7);
    expect(owners.of(7)).toBeUndefined();
    expect(owners.hasUnseenProcesses).toBe(false);
  });

  test('a process dies before it says who it is', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.remove('50/stat');
    expect(() => refresh(7)).not.toThrow();
    // Nobody known, not a holder of whom nothing is known.
    expect(owners.of(7)).toBeUndefined();
  });

  test('a stat that is garbage', () => {
    fake.start(50, { fds: { 3: 7 } });
    fake.write('50/stat', ')(');
    expect(() => refresh(7)).not.toThrow();
    expect(owners.of(7)).toBeUndefined();
  });
});

describe('what may not be seen', () => {
  test.each(['50/fd', '50/fd/3'])('%s', (path) => {
    fake.start(50, { fds: { 3: 7 } });
    fake.start(60, { fds: { 3: 8 } });
    proc.forbidden.add(path);
    refresh(7, 8);
    expect(owners.hasUnseenProcesses).toBe(true);
    expect([owners.of(7), names(8)]).toEqual([undefined, ['prog-60']]);
    // It is not tried again at every round, and stays known as unseen.
    const { length } = proc.reads;
    refresh(7, 8);
    expect(proc.reads.slice(length)).not.toContain('50/fd/3');
    expect(owners.hasUnseenProcesses).toBe(true);
  });

  test('it ends with the process', () => {
    fake.start(50, { fds: { 3: 7 } });
    proc.forbidden.add('50/fd/3');
    refresh(7);
    fake.remove('50');
    refresh(7);
    expect(owners.hasUnseenProcesses).toBe(false);
  });

  test('no pid 1 in sight (hidepid)', () => {
    fake.remove('1');
    refresh();
    expect(owners.hasUnseenProcesses).toBe(true);
  });
});

describe('held by nobody', () => {
  test('told after the first search, and searched for once more', () => {
    refresh(7);
    expect([isSearched(7), owners.isPending(7)]).toEqual([true, false]);
    refresh(7);
    proc.listed.length = 0;
    refresh(7);
    expect(proc.listed).not.toContain('1/fd');
  });

  test('found at the second search', () => {
    refresh(7);
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    expect(isSearched(7)).toBe(false);
    expect(names(7)).toEqual(['prog-50']);
  });

  test.each([50, 51, 64, 65])(
    'one passed on to process %i, which had no socket, is found when its turn comes',
    (pid) => {
      refresh(7);
      refresh(7);
      expect(isSearched(7)).toBe(true);
      fake.start(pid, { fds: {} });
      for (let i = 0; i < 3; i++) refresh(7);
      fake.link(`${pid}/fd/3`, 'socket:[7]');
      for (let i = 0; i < IDLE_ROUNDS; i++) refresh(7);
      expect(names(7)).toEqual([`prog-${pid}`]);
      expect(isSearched(7)).toBe(false);
    },
  );

  test('one whose last known holder dies while another, unknown, holds it', () => {
    // Not seen as it gets the socket: the count of its descriptors stays the same.
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

describe('sockets of kinds that are not read', () => {
  test('their inodes are never told, and do no harm', () => {
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

  test('one whose inode is told later has its owner at once', () => {
    fake.start(50, { fds: { 3: 70, 4: 7 } });
    refresh(7);
    refresh(7, 70);
    expect(names(70)).toEqual(['prog-50']);
    expect(owners.isPending(70)).toBe(false);
  });
});

describe('inodes that are given anew', () => {
  test('the new socket has the new owner, though the old one never changed its count', () => {
    fake.start(50, { fds: { 3: 7, 4: 8 } });
    fake.start(60, { fds: { 3: 9 } });
    refresh(7, 8, 9);
    // 50 closed 7 and opened a file; 60 was given the number for another socket.
    fake.link('50/fd/3', '/dev/null');
    fake.link('60/fd/4', 'socket:[7]');
    owners.refresh([7], [7], Infinity);
    expect(names(7)).toEqual(['prog-60']);
  });

  test('a socket that is gone frees its descriptor for the next one', () => {
    fake.start(50, { fds: { 3: 7, 4: 8 } });
    refresh(7, 8);
    fake.link('50/fd/3', 'socket:[9]');
    proc.reads.length = proc.listed.length = 0;
    refresh(8, 9);
    expect(names(9)).toEqual(['prog-50']);
    expect(owners.of(7)).toBeUndefined();
    // Found where it had to be, and nowhere else looked.
    expect(proc.reads).toContain('50/fd/3');
    expect(proc.listed).not.toContain('50/fd');
  });
});

describe('when the time for it runs out', () => {
  /** Each read takes a millisecond. */
  function slow(): void {
    owners = new Owners({ proc, userOf: () => 'ana', bootTimeMs: undefined, nowMs: () => proc.reads.length });
  }

  test('what was not found is pending, and found in the rounds that follow', () => {
    slow();
    const inodes = Array.from({ length: 40 }, (_, i) => 100 + i);
    for (const inode of inodes) fake.start(inode, { fds: { 3: inode } });
    refreshWithin(0, ...inodes);
    const pending = () => inodes.filter((inode) => owners.isPending(inode)).length;
    expect(pending()).toBe(40);
    expect(owners.of(100)).toBeUndefined();
    const counts = [pending()];
    const news = new Set<number>();
    for (let i = 0; i < 60 && pending() > 0; i++) {
      refreshWithin(100, ...inodes);
      for (const inode of owners.changed) {
        expect(owners.of(inode)).toBeDefined();
        news.add(inode);
      }
      counts.push(pending());
    }
    // Little by little, and each as a change.
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    expect(counts.length).toBeGreaterThan(3);
    expect(counts.at(-1)).toBe(0);
    expect([...news].sort()).toEqual(inodes);
    expect(inodes.map((inode) => names(inode))).toEqual(inodes.map((inode) => [`prog-${inode}`]));
  });

  test('nobody is said to hold a socket before everybody was asked', () => {
    slow();
    for (let pid = 100; pid < 140; pid++) fake.start(pid, { fds: { 3: pid } });
    refreshWithin(20, 7);
    expect([owners.isPending(7), isSearched(7)]).toEqual([true, false]);
    for (let i = 0; i < 200 && !isSearched(7); i++) refreshWithin(20, 7);
    expect(isSearched(7)).toBe(true);
    expect(owners.isPending(7)).toBe(false);
  });

  test('a process that takes longer to list than a search may last is listed, and not again for ever', () => {
    let nowMs = 0;
    owners = new Owners({ proc, userOf: () => 'ana', bootTimeMs: undefined, nowMs: () => nowMs });
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

  test('a process that dies half-read leaves nothing behind', () => {
    slow();
    // More than are read between two looks at the clock.
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

describe('names', () => {
  test.each(['another name', 'another program'])(
    '%s is told within two rounds, for the old sockets too',
    (what) => {
      fake.start(50, { comm: 'first', args: ['first'], fds: { 3: 7, 4: 8 } });
      fake.task(50, 50);
      fake.write('50/task/50/stat', statOf(50, 'first', 1));
      for (let i = 0; i < 20; i++) refresh(7, 8);
      const name = what === 'another name' ? 'second' : 'first';
      fake.write('50/stat', statOf(50, name, 2));
      fake.write('50/task/50/stat', statOf(50, name, what === 'another name' ? 1 : 2));
      fake.write('50/cmdline', 'first\0again\0');
      const changed = new Set<number>();
      for (let i = 0; i < 2; i++) {
        refresh(7, 8);
        for (const inode of owners.changed) changed.add(inode);
      }
      expect(owners.of(7)).toMatchObject([{ process: name, command: 'first again' }]);
      expect([...changed].sort()).toEqual([7, 8]);
    },
  );

  test('asks some of many programs each round, in turn', () => {
    const pids = Array.from({ length: 120 }, (_, i) => 100 + i);
    for (const pid of pids) {
      fake.start(pid, { fds: { 3: pid } });
      fake.task(pid, pid);
      fake.write(`${pid}/task/${pid}/stat`, statOf(pid, 'x', 1));
    }
    for (let i = 0; i < 8; i++) refresh(...pids);
    const asked = Array.from({ length: 3 }, () => {
      const { length } = proc.reads;
      refresh(...pids);
      return proc.reads.slice(length).filter((path) => path.includes('/task/'));
    });
    for (const each of asked) expect(each.length).toBeLessThanOrEqual(48 + Math.ceil(120 / IDLE_ROUNDS));
    expect(new Set(asked.flat()).size).toBe(120);
  });

  const statOf = (pid: number, comm: string, argumentsAt: number) =>
    `${pid} (${comm}) S 1 1 1 0 -1 0 ${'0 '.repeat(10)}1 0 100 ${'0 '.repeat(25)}${argumentsAt}\n`;
});

test('a command line of 600,000 empty arguments is read up to a limit', () => {
  fake.start(50, { comm: 'sh', fds: { 3: 7 } });
  fake.write('50/cmdline', `sh\0-c\0sleep 1${'\0'.repeat(600_000)}x\0`);
  refresh(7);
  expect(owners.of(7)?.[0]?.command).toBe('sh -c sleep 1…');
});

describe('the cost', () => {
  const readsOf = (round: () => void) => {
    const { length } = proc.reads;
    round();
    return proc.reads.slice(length);
  };

  test('a quiet round checks 32 known descriptors, lists nothing, and asks who anybody is only of the young', () => {
    fake.start(50, { fds: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i + 3, 100 + i])) });
    fake.start(60, { fds: { 3: 'pipe:[1]' } });
    const inodes = Array.from({ length: 100 }, (_, i) => 100 + i);
    for (let i = 0; i < 6; i++) refresh(...inodes);
    // Who an old process is is looked at when its turn comes.
    let turn = 0;
    while (turn++ < IDLE_ROUNDS && !readsOf(() => refresh(...inodes)).includes('50/stat'));
    const rounds = Array.from({ length: IDLE_ROUNDS - 1 }, () => readsOf(() => refresh(...inodes)));
    for (const reads of rounds) {
      expect(reads.filter((it) => it.includes('/fd/')).length).toBeLessThanOrEqual(32);
      // The process with sockets in each round, the other one when its turn comes; the folder of processes itself.
      expect(reads.filter((it) => it === '50/fd')).toHaveLength(1);
      expect(reads).not.toContain('50/stat');
    }
    expect(rounds.flat().filter((it) => it === '60/fd')).toHaveLength(1);
    // In turn: each descriptor once in four rounds.
    const checked = rounds
      .slice(0, 5)
      .flat()
      .filter((it) => it.startsWith('50/fd/'));
    expect(new Set(checked).size).toBe(100);
  });

  test('the new sockets of a big process are found without listing its descriptors', () => {
    const fds = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [i, 1000 + i]));
    fake.start(50, { fds });
    const inodes = Array.from({ length: 300 }, (_, i) => 1000 + i);
    // Until it is not young any more, and not in its turn.
    for (let i = 0; i < 8; i++) refresh(...inodes);
    proc.listed.length = 0;
    for (let round = 0; round < 5; round++) {
      // Three close, six open: in the free places, and behind the highest.
      const closed = [10 + round * 3, 11 + round * 3, 12 + round * 3];
      const behind = [300, 301, 302].map((fd) => fd + round * 3);
      const opened = [...closed, ...behind].map((fd) => [fd, 5000 + fd] as const);
      for (const [fd, inode] of opened) fake.link(`50/fd/${fd}`, `socket:[${inode}]`);
      const now = [...present].filter((inode) => !closed.includes(inode - 1000));
      const reads = readsOf(() => refresh(...now, ...opened.map(([, inode]) => inode)));
      expect(opened.map(([, inode]) => names(inode))).toEqual(Array(6).fill(['prog-50']));
      const links = reads.filter((it) => it.startsWith('50/fd/'));
      // 32 checks, three free places, and three behind.
      expect(links.length).toBeLessThanOrEqual(32 + 6);
      expect(proc.listed).not.toContain('50/fd');
    }
  });

  test('sockets without a holder that come all the time do not make it search 10,000 descriptors all the time', () => {
    let nowMs = 0;
    let links = 0;
    owners = new Owners({ proc, userOf: () => 'ana', bootTimeMs: undefined, nowMs: () => nowMs });
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
    // A search takes 10 rounds of 10 ms, and the next one begins 40 rounds later.
    expect(links).toBeGreaterThan(3 * 10_000);
    expect(links).toBeLessThan(9 * 10_000);
  });

  test('a thread of the kernel is left alone', () => {
    fake.start(2, { comm: 'kthreadd', flags: 0x00200000 });
    refresh();
    expect(readsOf(() => refresh())).not.toContain('2/fd');
  });
});

/** A /proc in memory, of processes that open and close: descriptors by process, 0 for what is no socket. */
class ModelProc extends Proc {
  readonly processes = new Map<number, { readonly ino: number; readonly fds: Map<number, number> }>();
  #made = 0;

  constructor() {
    super('/nowhere');
    this.start(1, new Map());
  }

  start(pid: number, fds: ReadonlyMap<number, number>): void {
    this.processes.set(pid, { ino: ++this.#made, fds: new Map(fds) });
  }

  /** The kernel gives the lowest number that is free. */
  open(pid: number, inode: number): void {
    const fds = this.processes.get(pid)?.fds;
    let fd = 0;
    while (fds?.has(fd)) fd++;
    fds?.set(fd, inode);
  }

  #of<T>(path: string, read: (ino: number, fds: Map<number, number>) => T | undefined): Outcome<T> {
    const process = this.processes.get(parseInt(path));
    const value = process && read(process.ino, process.fds);
    return value === undefined ? { failed: 'gone', message: 'ENOENT' } : { value };
  }

  override names(path: string): Outcome<string[]> {
    if (path === '') return { value: ['net', ...[...this.processes.keys()].map(String)] };
    return this.#of(path, (_, fds) => [...fds.keys()].map(String));
  }

  override stat(path: string): ReturnType<Proc['stat']> {
    return this.#of(path, (ino, fds) => ({ ino, size: fds.size, uid: 0 }));
  }

  override link(path: string): Outcome<string> {
    if (path.endsWith('/exe')) return { failed: 'gone', message: 'ENOENT' };
    return this.#of(path, (_, fds) => {
      const inode = fds.get(Number(path.split('/')[2]));
      return inode === undefined ? undefined : inode === 0 ? 'pipe:[1]' : `socket:[${inode}]`;
    });
  }

  override text(path: string): Outcome<string> {
    const [pid, file] = path.split('/');
    return this.#of(path, (ino) =>
      file === 'stat' ? `${pid} (prog-${pid}-${ino}) S 1 1 1 0 -1 0 ${'0 '.repeat(12)}${ino} 0 0\n` : '',
    );
  }

  /** Who holds a socket, as `Owners` is to say it: pid 1 last. */
  holders(inode: number): string[] | undefined {
    const pids = [...this.processes].flatMap(([pid, { fds }]) =>
      [...fds.values()].includes(inode) ? pid : [],
    );
    pids.sort((a, b) => Number(a === 1) - Number(b === 1) || a - b);
    return pids.length === 0 ? undefined : pids.map((pid) => `prog-${pid}-${this.processes.get(pid)?.ino}`);
  }
}

describe('whatever processes do', () => {
  const pid = fc.constantFrom(1, 50, 51, 52, 66);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('open' as const), pid }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('close' as const), pid, which: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('dup' as const), pid, which: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), pid, which: fc.nat(9), to: pid }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('fork' as const), pid, to: pid }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), pid }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('exit' as const), pid }) },
    // A socket of a kind that is not read.
    { weight: 1, arbitrary: fc.record({ do: fc.constant('other' as const), pid }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('refresh' as const) }) },
  );
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  /** Plays some steps; between them `Owners` looks now and then. */
  class Play {
    readonly proc = new ModelProc();
    readonly owners = new Owners({
      proc: this.proc,
      userOf: () => undefined,
      bootTimeMs: undefined,
      nowMs: () => 0,
    });
    #inode = 100;
    #told = new Set<number>();
    readonly #answers = new Map<number, string>();

    do(step: Step): void {
      if (step.do === 'refresh') {
        this.refresh();
        return;
      }
      const { processes } = this.proc;
      const process = processes.get(step.pid);
      if (step.do === 'start') this.proc.start(step.pid, new Map());
      else if (process === undefined) return;
      else if (step.do === 'open') this.proc.open(step.pid, ++this.#inode);
      else if (step.do === 'other') this.proc.open(step.pid, 1_000_000 + ++this.#inode);
      else if (step.do === 'exit') {
        if (step.pid !== 1) processes.delete(step.pid);
      } else if (step.do === 'fork') {
        if (step.to !== step.pid && step.to !== 1) this.proc.start(step.to, process.fds);
      } else {
        const fds = [...process.fds];
        const [fd, inode] = fds[step.which % Math.max(1, fds.length)] ?? [];
        if (fd === undefined || inode === undefined) return;
        if (step.do === 'close') process.fds.delete(fd);
        else this.proc.open(step.do === 'pass' ? step.to : step.pid, inode);
      }
    }

    get sockets(): Set<number> {
      const all = [...this.proc.processes.values()].flatMap(({ fds }) => [...fds.values()]);
      return new Set(all.filter((inode) => inode < 1_000_000));
    }

    refresh(): void {
      const now = this.sockets;
      const added = [...now].filter((inode) => !this.#told.has(inode));
      const removed = [...this.#told].filter((inode) => !now.has(inode));
      this.owners.refresh(added, removed, Infinity);
      for (const inode of removed) this.#answers.delete(inode);
      // Of those that were told of before, every other answer is a change.
      for (const inode of now) {
        const answer = this.answer(inode);
        if (this.#told.has(inode) && answer !== this.#answers.get(inode))
          expect(this.owners.changed).toContain(inode);
        this.#answers.set(inode, answer);
      }
      for (const inode of this.owners.changed) expect(now).toContain(inode);
      this.#told = now;
    }

    answer(inode: number): string {
      const { owners } = this;
      const names = owners.of(inode)?.map((owner) => owner.process);
      return `${names?.join()} ${owners.isPending(inode)} ${owners.triedFor(inode)}`;
    }
  }

  test('it is known who holds a socket, a while after they have done it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const play = new Play();
        for (const each of steps) play.do(each);
        for (let i = 0; i < 2 * IDLE_ROUNDS; i++) play.refresh();
        for (const inode of play.sockets) {
          expect(play.owners.of(inode)?.map((owner) => owner.process)).toEqual(play.proc.holders(inode));
        }
        expect(play.owners.of(99)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
