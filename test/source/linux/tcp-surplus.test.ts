import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { Proc } from '../../../src/source/linux/proc.ts';
import { TcpSurplus } from '../../../src/source/linux/tcp-surplus.ts';
import { FakeProc } from '../../helpers/proc.ts';

let fake: FakeProc;
let surplus: TcpSurplus;
let searches: number;
let unbound: number | undefined;
beforeEach(() => {
  fake = new FakeProc();
  searches = 0;
  unbound = undefined;
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
function poll(before: number, after = before): number {
  const proc = new Proc(fake.root);
  sockets(before);
  surplus.beginPoll(proc);
  sockets(after);
  surplus.endPoll(proc, { unboundTcp: unbound, searches });
  return surplus.count;
}
/** The same, at the end of a search that has found so many sockets bound to nothing. */
function pollSearched(found: number, before: number, after = before): number {
  unbound = found;
  searches++;
  return poll(before, after);
}

test('the sockets that the lists tell of are none too many', () => {
  surplus.update(undefined, socket({ state: 'LISTEN', inode: 7 }));
  surplus.update(undefined, socket({ state: 'CLOSE_WAIT' }));
  surplus.update(undefined, socket({ state: 'TIME_WAIT' }));
  surplus.update(undefined, socket({ state: 'SYN_RECV' }));
  surplus.update(undefined, socket({ protocol: 'udp', inode: 8 }));
  expect([pollSearched(0, 2), pollSearched(0, 3)]).toEqual([0, 1]);
  surplus.update(socket({ state: 'LISTEN', inode: 7 }), undefined);
  expect(pollSearched(0, 3)).toBe(2);
});

test('orphans and sockets that are bound to nothing are none too many', () => {
  expect(pollSearched(2, 3)).toBe(1);
  sockets(5, 4);
  const proc = new Proc(fake.root);
  surplus.beginPoll(proc);
  surplus.endPoll(proc, { unboundTcp: 1, searches: ++searches });
  expect(surplus.count).toBe(0);
});

test('while sockets come and go in a poll: what was there in all polls since the last search', () => {
  expect(pollSearched(0, 5, 4)).toBe(0);
  expect([poll(5, 6), poll(4, 7)]).toEqual([0, 0]);
  expect(pollSearched(0, 5, 6)).toBe(4);
});

test('a socket that a program makes after a search is none too many: nor one of a search that missed it', () => {
  pollSearched(0, 0);
  expect([poll(1), poll(2), poll(3)]).toEqual([0, 0, 0]);
  // It began when there were two.
  expect(pollSearched(2, 3)).toBe(0);
  expect(pollSearched(3, 3)).toBe(0);
});

test('a surplus lasts until the sockets go, and does not grow by those that come', () => {
  pollSearched(0, 0);
  poll(3);
  expect(pollSearched(1, 4)).toBe(2);
  expect([poll(9), poll(2), poll(9)]).toEqual([2, 1, 1]);
});

test('nothing is told before the sockets bound to nothing are counted, nor where the kernel counts none', () => {
  expect(poll(5)).toBe(0);
  fake.write('net/sockstat', 'sockets: used 9\n');
  surplus.endPoll(new Proc(fake.root), { unboundTcp: 0, searches: 1 });
  expect(surplus.count).toBe(0);
});

test('nothing is told while not all that is listed is kept', () => {
  expect(pollSearched(0, 5)).toBe(5);
  surplus.endPoll(new Proc(fake.root), undefined);
  expect(surplus.count).toBe(0);
});
