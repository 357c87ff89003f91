import { describe, expect, test } from 'vitest';
import {
  fake,
  IDLE_POLLS,
  names,
  openOwners,
  owners,
  proc,
  refresh,
  useOwners,
} from '../../../helpers/owners.ts';
import { BOOT_SECONDS } from '../../../helpers/proc.ts';

useOwners();

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
        startTicks: 250,
      },
    ]);
    expect(owners.of(8)).toBeUndefined();
  });

  test('lack unknown fields', () => {
    openOwners({ userOf: () => undefined });
    fake.start(50, { comm: 'bare', fds: { 3: 7 } });
    refresh(7);
    expect(owners.of(7)).toEqual([{ knowledge: 'exact', pid: 50, process: 'bare', startTicks: 100 }]);
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
