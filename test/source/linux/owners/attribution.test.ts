import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Protocol, SocketState } from '../../../../src/model/socket.ts';
import { Attribution, Listeners } from '../../../../src/source/linux/owners/attribution.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { BOOT_SECONDS, FakeProc } from '../../../helpers/proc.ts';

let fake: FakeProc;

beforeEach(() => {
  fake = new FakeProc();
});
afterEach(() => fake.end());

test.each<[Protocol, SocketState | undefined, string]>([
  ['tcp', 'ESTABLISHED', 'unknown'],
  ['tcp', 'TIME_WAIT', 'gone'],
  ['mptcp', 'ESTABLISHED', 'unknown'],
  ['unix', 'ESTABLISHED', 'unknown'],
  ['unix', undefined, 'gone'],
  ['udp', 'ESTABLISHED', 'gone'],
  ['udp', undefined, 'gone'],
  ['raw', undefined, 'gone'],
  ['packet', undefined, 'gone'],
])(
  'a %s socket in state %s without inode and without listener has an owner %s',
  (protocol, state, knowledge) => {
    const proc = new Proc(fake.root);
    const attribution = new Attribution({ proc, passwdPath: '../etc/passwd', nowMs: () => 0, isRoot: true });
    const local = { address: '127.0.0.1', port: 80 };
    const owners = attribution.ownersOf({ protocol, state, local }, undefined, () => new Listeners());
    expect(owners.map((owner) => owner.knowledge)).toEqual([knowledge]);
  },
);

test('an accepted connection has the owner of its listener until the first search for its holder has finished', () => {
  fake.start(50, { comm: 'web', fds: { 3: 7 } });
  const proc = new Proc(fake.root);
  const attribution = new Attribution({ proc, passwdPath: '../etc/passwd', nowMs: () => 0, isRoot: true });
  const { owners } = attribution;
  owners.refresh([7], [], Infinity);
  const listener = {
    protocol: 'tcp',
    local: { address: '0.0.0.0', port: 80 },
    state: 'LISTEN',
    inode: 7,
  } as const;
  const listeners = () => attribution.listeners([listener]);
  const local = { address: '127.0.0.1', port: 80 };
  const ownerOf = (inode: number, isAccepted: boolean) =>
    attribution.ownersOf({ protocol: 'tcp', local, inode, isAccepted }, undefined, listeners)[0];
  // Without time the search does not begin.
  owners.refresh([8], [], -1);
  expect(ownerOf(8, true)).toMatchObject({ knowledge: 'listener', pid: 50 });
  expect(ownerOf(8, false)).toEqual({ knowledge: 'pending' });
  fake.start(51, { comm: 'worker', fds: { 3: 8 } });
  owners.refresh([], [], Infinity);
  expect(ownerOf(8, true)).toMatchObject({ knowledge: 'exact', pid: 51 });
});

test.each([
  ['in hundredths of a second, from the uptime', '1000.25 0\n', 750],
  ['in whole seconds without an uptime', '', 0],
  ['in whole seconds if the uptime is that of a container', '7.00 0\n', 0],
  ['at most a second after the boot time of the kernel', '999.99 0\n', 999],
])('a process has its start %s', (_, uptime, afterMs) => {
  fake.start(50, { startTicks: 250, fds: { 3: 7 } });
  fake.write('uptime', uptime);
  const { owners } = new Attribution({
    proc: new Proc(fake.root),
    passwdPath: '../etc/passwd',
    nowMs: () => 0,
    wallMs: () => (BOOT_SECONDS + 1001) * 1000,
    isRoot: true,
  });
  owners.refresh([7], [], Infinity);
  expect(owners.of(7)?.[0]).toMatchObject({
    startedAtMs: BOOT_SECONDS * 1000 + afterMs + 2500,
    startTicks: 250,
  });
});

test('when the wall clock is set, a process that is known gets its start on the new clock', () => {
  fake.start(50, { comm: 'web', startTicks: 250, fds: { 3: 7 } });
  let wallMs = 5_000_000;
  const attribution = new Attribution({
    proc: new Proc(fake.root),
    passwdPath: '../etc/passwd',
    nowMs: () => 0,
    wallMs: () => wallMs,
    isRoot: true,
  });
  const { owners } = attribution;
  const pollWithBootAt = (seconds: number, added: readonly number[] = []) => {
    fake.write('stat', `btime ${seconds}\n`);
    attribution.beginPoll();
    owners.refresh(added, [], Infinity);
    return owners.of(7)?.[0]?.startedAtMs;
  };
  expect(pollWithBootAt(BOOT_SECONDS, [7])).toBe(BOOT_SECONDS * 1000 + 2500);
  // In whole seconds: the kernel may report the next one.
  expect(pollWithBootAt(BOOT_SECONDS + 1)).toBe(BOOT_SECONDS * 1000 + 2500);
  wallMs += 3_600_000;
  expect(pollWithBootAt(BOOT_SECONDS + 3600)).toBe((BOOT_SECONDS + 3600) * 1000 + 2500);
  expect(owners.changed).toEqual(new Set([7]));
});
