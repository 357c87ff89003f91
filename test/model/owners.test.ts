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
const victim: Owner = { knowledge: 'exact', pid: 80, process: 'dbus-daemon' };

describe('a process that is seen again', () => {
  test.each<[string, Owner, Owner, Owner]>([
    ['as another program: both', python, sleep, { ...python, nowProcess: 'sleep' }],
    ['as a third one', { ...python, nowProcess: 'env' }, sleep, { ...python, nowProcess: 'sleep' }],
    ['under another name', python, { ...python, process: 'worker' }, { ...python, process: 'worker' }],
    [
      'its file replaced',
      python,
      { ...python, exe: '/usr/bin/python3 (deleted)', process: 'p' },
      { ...python, exe: '/usr/bin/python3 (deleted)', process: 'p' },
    ],
    [
      'its file not known',
      python,
      { ...sleep, exe: undefined as never },
      { ...sleep, exe: undefined as never },
    ],
    ['its number another process’s', python, { ...sleep, startedAtMs: 9 }, { ...sleep, startedAtMs: 9 }],
    [
      'unknown before the exec',
      { knowledge: 'exact', pid: 70, nowProcess: 'sleep' },
      sleep,
      { knowledge: 'exact', pid: 70, nowProcess: 'sleep' },
    ],
    [
      'letting go',
      python,
      { ...sleep, knowledge: 'inherited' },
      { ...python, knowledge: 'inherited', nowProcess: 'sleep' },
    ],
  ])('%s', (_, before, now, owner) => {
    expect(keepEarlierPrograms([before], [now])).toEqual([owner]);
  });

  test('the same array where nothing differs', () => {
    const now = [python, victim];
    expect(keepEarlierPrograms([python], now)).toBe(now);
  });
});

describe('a process that acts on a socket', () => {
  test('is its first one, until another does', () => {
    expect(addActors(undefined, [python])).toEqual([python]);
  });

  test('one that is passed the socket and closes it stands behind the one that made it', () => {
    expect(addActors([python], [victim])).toEqual([python, victim]);
  });

  test('as another program: both', () => {
    expect(addActors([python], [sleep])).toEqual([{ ...python, nowProcess: 'sleep' }]);
  });

  test('under another name it is named as it was when it made the socket', () => {
    const makers = [python];
    expect(addActors(makers, [{ ...python, process: 'sshd' }])).toBe(makers);
  });

  test('keeps the first eight of many processes that it is passed through', () => {
    let owners: readonly Owner[] | undefined;
    for (let pid = 1; pid <= 100; pid++) owners = addActors(owners, [{ knowledge: 'exact', pid }]);
    expect(owners?.map(({ pid }) => pid)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
