import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Owner } from '../../../../src/model/socket.ts';
import { Owners } from '../../../../src/source/linux/owners/owners.ts';
import { type Outcome, Proc } from '../../../../src/source/linux/proc/proc.ts';
import { BOOT_SECONDS, FakeProc } from '../../../helpers/proc.ts';

/** A fake /proc with the permissions and folder sizes of a real one, which may deny access even to root. */
class StrictProc extends Proc {
  readonly forbidden = new Set<string>();
  readonly reads: string[] = [];
  /** Listed folders. */
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
      // The number of descriptors, as in Linux 6.2.
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

/** Refreshes with these inodes; those of the last call that are missing are removed. */
const refresh = (...inodes: number[]): void => refreshWithin(Infinity, ...inodes);

/** Refreshes within a budget, milliseconds. */
function refreshWithin(budgetMs: number, ...inodes: number[]): void {
  const before = present;
  present = new Set(inodes);
  const added = inodes.filter((inode) => !before.has(inode));
  const removed = [...before].filter((inode) => !present.has(inode));
  owners.refresh(added, removed, budgetMs);
}

/** A process without sockets is checked once in this many polls. */
const IDLE_POLLS = 16;

/** Returns true when a search through all processes found no holder of the socket. */
const isSearched = (inode: number): boolean => owners.triedFor(inode) !== undefined;

const names = (inode: number) => owners.of(inode)?.map((owner: Owner) => owner.process);

describe('the owners of a socket', () => {
  test('have all fields of the process in /proc', () => {
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

  test('lack unknown fields', () => {
    owners = new Owners({ proc, userOf: () => undefined, bootTimeMs: undefined, nowMs: () => 0 });
    fake.start(50, { comm: 'bare', fds: { 3: 7 } });
    refresh(7);
    expect(owners.of(7)).toEqual([{ knowledge: 'exact', pid: 50, process: 'bare' }]);
  });

  test('are sorted by pid, with pid 1 last', () => {
    fake.start(1, { comm: 'init', fds: { 3: 7 } });
    fake.start(60, { fds: { 3: 7 } });
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    expect(names(7)).toEqual(['prog-50', 'prog-60', 'init']);
  });

  test('include a process with two descriptors once', () => {
    fake.start(50, { fds: { 3: 7, 4: 7 } });
    refresh(7);
    expect(names(7)).toEqual(['prog-50']);
  });

  test('are the same array while nothing changes', () => {
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    const before = owners.of(7);
    for (let i = 0; i < 100; i++) refresh(7);
    expect(owners.of(7)).toBe(before);
  });
});

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

describe('a process without read permission', () => {
  test.each(['50/fd', '50/fd/3'])('is unseen: %s', (path) => {
    fake.start(50, { fds: { 3: 7 } });
    fake.start(60, { fds: { 3: 8 } });
    proc.forbidden.add(path);
    refresh(7, 8);
    expect(owners.hasUnseenProcesses).toBe(true);
    expect([owners.of(7), names(8)]).toEqual([undefined, ['prog-60']]);
    // It is not read again at every poll, and stays unseen.
    const { length } = proc.reads;
    refresh(7, 8);
    expect(proc.reads.slice(length)).not.toContain('50/fd/3');
    expect(owners.hasUnseenProcesses).toBe(true);
  });

  test('is no longer unseen after it ends', () => {
    fake.start(50, { fds: { 3: 7 } });
    proc.forbidden.add('50/fd/3');
    refresh(7);
    fake.remove('50');
    refresh(7);
    expect(owners.hasUnseenProcesses).toBe(false);
  });

  test('is assumed if pid 1 is hidden (hidepid)', () => {
    fake.remove('1');
    refresh();
    expect(owners.hasUnseenProcesses).toBe(true);
  });
});

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
    'passed to process %i, which had no socket, is found within its turn',
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
    // Not noticed when it gets the socket, since its number of descriptors stays the same.
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

describe('a limited budget', () => {
  /** Creates owners whose reads take a millisecond each. */
  function slow(): void {
    owners = new Owners({ proc, userOf: () => 'ana', bootTimeMs: undefined, nowMs: () => proc.reads.length });
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
    // Gradually, each as a change.
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

describe('a name or program', () => {
  test.each(['another name', 'another program'])(
    '%s is updated within two polls, also for old sockets',
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

  test('is checked for some of many processes per poll, in turn', () => {
    const pids = Array.from({ length: 120 }, (_, i) => 100 + i);
    for (const pid of pids) {
      fake.start(pid, { fds: { 3: pid } });
      fake.task(pid, pid);
      fake.write(`${pid}/task/${pid}/stat`, statOf(pid, 'x', 1));
    }
    for (let i = 0; i < 8; i++) refresh(...pids);
    const checked = Array.from({ length: 3 }, () => {
      const { length } = proc.reads;
      refresh(...pids);
      return proc.reads.slice(length).filter((path) => path.includes('/task/'));
    });
    for (const each of checked) expect(each.length).toBeLessThanOrEqual(48 + Math.ceil(120 / IDLE_POLLS));
    expect(new Set(checked.flat()).size).toBe(120);
  });

  const statOf = (pid: number, comm: string, argumentsAt: number) =>
    `${pid} (${comm}) S 1 1 1 0 -1 0 ${'0 '.repeat(10)}1 0 100 ${'0 '.repeat(25)}${argumentsAt}\n`;
});

test('reads a command line of 600,000 empty arguments up to a limit', () => {
  fake.start(50, { comm: 'sh', fds: { 3: 7 } });
  fake.write('50/cmdline', `sh\0-c\0sleep 1${'\0'.repeat(600_000)}x\0`);
  refresh(7);
  expect(owners.of(7)?.[0]?.command).toBe('sh -c sleep 1…');
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
    // Until the process is no longer young, nor in its turn.
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

/** A /proc in memory: processes with their descriptors, 0 for a file that is no socket. */
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

  /** Opens the lowest free descriptor, as the kernel does. */
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

  /** Returns the expected holders of a socket: pid 1 last. */
  holders(inode: number): string[] | undefined {
    const pids = [...this.processes].flatMap(([pid, { fds }]) =>
      [...fds.values()].includes(inode) ? pid : [],
    );
    pids.sort((a, b) => Number(a === 1) - Number(b === 1) || a - b);
    return pids.length === 0 ? undefined : pids.map((pid) => `prog-${pid}-${this.processes.get(pid)?.ino}`);
  }
}

describe('any sequence of actions of processes', () => {
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

  /** Runs a sequence of steps, some of which refresh `Owners`. */
  class Model {
    readonly proc = new ModelProc();
    readonly owners = new Owners({
      proc: this.proc,
      userOf: () => undefined,
      bootTimeMs: undefined,
      nowMs: () => 0,
    });
    #inode = 100;
    #known = new Set<number>();
    readonly #results = new Map<number, string>();

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
      const added = [...now].filter((inode) => !this.#known.has(inode));
      const removed = [...this.#known].filter((inode) => !now.has(inode));
      this.owners.refresh(added, removed, Infinity);
      for (const inode of removed) this.#results.delete(inode);
      // A different result of a known socket must be a change.
      for (const inode of now) {
        const result = this.resultOf(inode);
        if (this.#known.has(inode) && result !== this.#results.get(inode))
          expect(this.owners.changed).toContain(inode);
        this.#results.set(inode, result);
      }
      for (const inode of this.owners.changed) expect(now).toContain(inode);
      this.#known = now;
    }

    resultOf(inode: number): string {
      const { owners } = this;
      const names = owners.of(inode)?.map((owner) => owner.process);
      return `${names?.join()} ${owners.isPending(inode)} ${owners.triedFor(inode)}`;
    }
  }

  test('gives the right holders after two idle periods', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const model = new Model();
        for (const each of steps) model.do(each);
        for (let i = 0; i < 2 * IDLE_POLLS; i++) model.refresh();
        for (const inode of model.sockets) {
          expect(model.owners.of(inode)?.map((owner) => owner.process)).toEqual(model.proc.holders(inode));
        }
        expect(model.owners.of(99)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
