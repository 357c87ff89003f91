import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { Proc } from '../../../src/source/linux/proc.ts';
import { TcpSurplus } from '../../../src/source/linux/tcp-surplus.ts';
import { FakeProc } from '../../helpers/proc.ts';

let fake: FakeProc;
let surplus: TcpSurplus;
beforeEach(() => {
  fake = new FakeProc();
  surplus = new TcpSurplus();
});
afterEach(() => fake.end());

const sockets = (allocated: number, orphans = 0) =>
  fake.write(
    'net/sockstat',
    `sockets: used 9\nTCP: inuse 3 orphan ${orphans} tw 4 alloc ${allocated} mem 1\nUDP: inuse 0 mem 0\n`,
  );

const socket = (it: Partial<Socket>): Socket => ({
  id: 'a',
  protocol: 'tcp',
  family: 'ipv4',
  local: { address: '127.0.0.1', port: 1 },
  remote: null,
  owners: [],
  ...it,
});

/** A poll before which the kernel has so many sockets, and after which it has so many. */
function poll(before: number, after = before, unbound: { count?: number } = { count: 0 }): number {
  const proc = new Proc(fake.root);
  sockets(before);
  surplus.begin(proc);
  sockets(after);
  surplus.end(proc, unbound.count);
  return surplus.count;
}

test('the sockets that the lists tell of are none too many', () => {
  surplus.replace(undefined, socket({ state: 'LISTEN', inode: 7 }));
  surplus.replace(undefined, socket({ state: 'CLOSE_WAIT' }));
  surplus.replace(undefined, socket({ state: 'TIME_WAIT' }));
  surplus.replace(undefined, socket({ state: 'SYN_RECV' }));
  surplus.replace(undefined, socket({ protocol: 'udp', inode: 8 }));
  expect([poll(2), poll(3)]).toEqual([0, 1]);
  surplus.replace(socket({ state: 'LISTEN', inode: 7 }), undefined);
  expect(poll(3)).toBe(2);
});

test('orphans and sockets that are bound to nothing are none too many', () => {
  expect(poll(3, 3, { count: 2 })).toBe(1);
  sockets(5, 4);
  const proc = new Proc(fake.root);
  surplus.begin(proc);
  surplus.end(proc, 1);
  expect(surplus.count).toBe(0);
});

test('while sockets come and go: what has been there for eight polls', () => {
  for (let i = 0; i < 7; i++) expect(poll(5, 4)).toBe(0);
  expect(poll(5, 6)).toBe(4);
  expect(poll(5, 3)).toBe(3);
});

test('counts nothing before the sockets bound to nothing are counted, nor where the kernel counts none', () => {
  expect(poll(5, 5, {})).toBe(0);
  fake.write('net/sockstat', 'sockets: used 9\n');
  surplus.end(new Proc(fake.root), 0);
  expect(surplus.count).toBe(0);
});
