import { describe, expect, test } from 'vitest';
import { addActors, keepEarlierPrograms } from '../../src/model/owners.ts';
import type { Owner } from '../../src/model/socket.ts';

const python: Owner = {
  knowledge: 'exact',
  pid: 70,
  process: 'python3',
  exe: '/usr/bin/python3',
  startedAtMs: 5,
};
const sleep: Owner = { knowledge: 'exact', pid: 70, process: 'sleep', exe: '/usr/bin/sleep', startedAtMs: 5 };
const receiver: Owner = { knowledge: 'exact', pid: 80, process: 'dbus-daemon' };

describe('keepEarlierPrograms', () => {
  test.each<[string, Owner, Owner, Owner]>([
    ['keeps both programs after an exec', python, sleep, { ...python, nowProcess: 'sleep' }],
    [
      'replaces the second program by a third one',
      { ...python, nowProcess: 'env' },
      sleep,
      { ...python, nowProcess: 'sleep' },
    ],
    ['takes over a changed name', python, { ...python, process: 'worker' }, { ...python, process: 'worker' }],
    [
      'ignores that the program file was replaced',
      python,
      { ...python, exe: '/usr/bin/python3 (deleted)', process: 'p' },
      { ...python, exe: '/usr/bin/python3 (deleted)', process: 'p' },
    ],
    [
      'takes the new program if its file is unknown',
      python,
      { ...sleep, exe: undefined as never },
      { ...sleep, exe: undefined as never },
    ],
    [
      'takes the new process if the pid was reused',
      python,
      { ...sleep, startedAtMs: 9 },
      { ...sleep, startedAtMs: 9 },
    ],
    [
      'keeps both programs after the wall clock was set, which moves the start',
      { ...python, startTicks: 7 },
      { ...sleep, startTicks: 7, startedAtMs: 3_600_005 },
      { ...python, startTicks: 7, nowProcess: 'sleep' },
    ],
    [
      'takes the new process if the clock was set back to the start of the earlier one',
      { ...python, startTicks: 7 },
      { ...sleep, startTicks: 8 },
      { ...sleep, startTicks: 8 },
    ],
    [
      'keeps a process whose program before the exec is unknown',
      { knowledge: 'exact', pid: 70, nowProcess: 'sleep' },
      sleep,
      { knowledge: 'exact', pid: 70, nowProcess: 'sleep' },
    ],
    [
      'keeps both programs of a process that closed the socket',
      python,
      { ...sleep, knowledge: 'inherited' },
      { ...python, knowledge: 'inherited', nowProcess: 'sleep' },
    ],
  ])('%s', (_, before, now, owner) => {
    expect(keepEarlierPrograms([before], [now])).toEqual([owner]);
  });

  test('returns the same array if nothing differs', () => {
    const now = [python, receiver];
    expect(keepEarlierPrograms([python], now)).toBe(now);
  });
});

describe('addActors', () => {
  test('returns the actors of a socket without owners', () => {
    expect(addActors(undefined, [python])).toEqual([python]);
  });

  test('adds a process that received the socket after the one that made it', () => {
    expect(addActors([python], [receiver])).toEqual([python, receiver]);
  });

  test('adds the program that the maker runs now', () => {
    expect(addActors([python], [sleep])).toEqual([{ ...python, nowProcess: 'sleep' }]);
  });

  test('keeps the name that the maker had when it made the socket', () => {
    const makers = [python];
    expect(addActors(makers, [{ ...python, process: 'sshd' }])).toBe(makers);
  });

  test('keeps the first eight of many processes', () => {
    let owners: readonly Owner[] | undefined;
    for (let pid = 1; pid <= 100; pid++) owners = addActors(owners, [{ knowledge: 'exact', pid }]);
    expect(owners?.map(({ pid }) => pid)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
