import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Protocol, SocketState } from '../../../../src/model/socket.ts';
import { Attribution, Listeners } from '../../../../src/source/linux/owners/attribution.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { FakeProc } from '../../../helpers/proc.ts';

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
