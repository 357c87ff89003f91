import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Owner } from '../../../src/model/socket.ts';
import { Owners } from '../../../src/source/linux/owners.ts';
import { type Outcome, Proc } from '../../../src/source/linux/proc.ts';
import { BOOT_SECONDS, FakeProc } from '../../helpers/proc.ts';

/** The permissions and folder sizes of a real /proc, which no other file system has: even root may be refused. */
class StrictProc extends Proc {
  readonly forbidden = new Set<string>();
  readonly reads: string[] = [];

  #unlessForbidden<T>(path: string, read: () => Outcome<T>): Outcome<T> {
    this.reads.push(path);
    return this.forbidden.has(path) ? { failed: 'forbidden', message: `EACCES ${path}` } : read();
  }

  override names(path: string) {
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
function refresh(...inodes: number[]): void {
  const before = present;
  present = new Set(inodes);
  const added = inodes.filter((inode) => !before.has(inode));
  const removed = [...before].filter((inode) => !present.has(inode));
  owners.refresh(added, removed, Infinity);
}

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
    expect(owners.unseenProcesses).toBe(false);
  });

  test('a descriptor is closed before it is looked at', () => {
    fake.start(50, { fds: { 3: 7 } });
    proc.link = (path) =>
      path === '50/fd/3' ? { failed: 'gone', message: '' } : new Proc(fake.root).link(path);
    refresh(7);
    expect(owners.of(7)).toBeUndefined();
    expect(owners.unseenProcesses).toBe(false);
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
    expect(owners.unseenProcesses).toBe(true);
    expect([owners.of(7), names(8)]).toEqual([undefined, ['prog-60']]);
    // It is not tried again at every round, and stays known as unseen.
    const { length } = proc.reads;
    refresh(7, 8);
    expect(proc.reads.slice(length)).not.toContain('50/fd/3');
    expect(owners.unseenProcesses).toBe(true);
  });

  test('it ends with the process', () => {
    fake.start(50, { fds: { 3: 7 } });
    proc.forbidden.add('50/fd/3');
    refresh(7);
    fake.remove('50');
    refresh(7);
    expect(owners.unseenProcesses).toBe(false);
  });

  test('no pid 1 in sight (hidepid)', () => {
    fake.remove('1');
    refresh();
    expect(owners.unseenProcesses).toBe(true);
  });
});

describe('held by nobody', () => {
  test('only after a second search has found nobody', () => {
    refresh(7);
    expect(owners.isHeldByNobody(7)).toBe(false);
    refresh(7);
    expect(owners.isHeldByNobody(7)).toBe(true);
  });

  test('found at the second search', () => {
    refresh(7);
    fake.start(50, { fds: { 3: 7 } });
    refresh(7);
    expect(owners.isHeldByNobody(7)).toBe(false);
    expect(names(7)).toEqual(['prog-50']);
  });

  test('one passed on by a descriptor later is found at a full search', () => {
    refresh(7);
    refresh(7);
    fake.start(50, { fds: {} });
    for (let i = 0; i < 3; i++) refresh(7);
    fake.link('50/fd/3', 'socket:[7]');
    refresh(7);
    expect(names(7)).toEqual(['prog-50']);
    expect(owners.isHeldByNobody(7)).toBe(false);
  });
});

describe('the cost', () => {
  const readsOf = (round: () => void) => {
    const { length } = proc.reads;
    round();
    return proc.reads.slice(length);
  };

  test('a quiet round reads no descriptor, and who anybody is only of the young', () => {
    for (let pid = 50; pid < 60; pid++) fake.start(pid, { fds: { 3: pid } });
    const inodes = Array.from({ length: 10 }, (_, i) => 50 + i);
    for (let i = 0; i < 6; i++) refresh(...inodes);
    const links = Array.from({ length: 29 }, () =>
      readsOf(() => refresh(...inodes)).filter((it) => it.includes('/fd/')),
    );
    // Each process has its full search once in 30 rounds.
    expect(links.flat().length).toBeLessThanOrEqual(10);
  });

  test('a thread of the kernel is left alone', () => {
    fake.start(2, { comm: 'kthreadd', flags: 0x00200000 });
    refresh();
    expect(readsOf(() => refresh())).not.toContain('2/fd');
  });
});
