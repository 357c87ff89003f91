import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Socket } from '../../../../src/model/socket.ts';
import { Proc } from '../../../../src/source/linux/proc/proc.ts';
import { readSockstat } from '../../../../src/source/linux/proc/sockstat.ts';
import { TcpSurplus } from '../../../../src/source/linux/namespaces/tcp-surplus.ts';
import { FakeProc } from '../../../helpers/proc.ts';

let fake: FakeProc;
let surplus: TcpSurplus;
let passes: number;
let unbound: number | undefined;
beforeEach(() => {
  fake = new FakeProc();
  passes = 0;
  unbound = undefined;
  surplus = new TcpSurplus();
});
afterEach(() => fake.end());

const writeSockstat = (allocated: number, orphans = 0) =>
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

/** Runs a poll with these counts of TCP sockets before and after the dumps. @returns the surplus */
function poll(before: number, after = before): number {
  const proc = new Proc(fake.root);
  writeSockstat(before);
  surplus.beginPoll(readSockstat(proc).heldTcp);
  writeSockstat(after);
  surplus.endPoll(readSockstat(proc).heldTcp, { unboundTcp: unbound, passes });
  return surplus.count;
}
/** Runs a poll after a pass of the namespace search that has found this number of unbound sockets. */
function pollAfterPass(unboundCount: number, before: number, after = before): number {
  unbound = unboundCount;
  passes++;
  return poll(before, after);
}

test('does not count listed sockets', () => {
  surplus.update(undefined, socket({ state: 'LISTEN', inode: 7 }));
  surplus.update(undefined, socket({ state: 'CLOSE_WAIT' }));
  surplus.update(undefined, socket({ state: 'TIME_WAIT' }));
  surplus.update(undefined, socket({ state: 'SYN_RECV' }));
  surplus.update(undefined, socket({ protocol: 'udp', inode: 8 }));
  expect([pollAfterPass(0, 2), pollAfterPass(0, 3)]).toEqual([0, 1]);
  surplus.update(socket({ state: 'LISTEN', inode: 7 }), undefined);
  expect(pollAfterPass(0, 3)).toBe(2);
});

test('does not count orphans and unbound sockets', () => {
  expect(pollAfterPass(2, 3)).toBe(1);
  writeSockstat(5, 4);
  const proc = new Proc(fake.root);
  surplus.beginPoll(readSockstat(proc).heldTcp);
  surplus.endPoll(readSockstat(proc).heldTcp, { unboundTcp: 1, passes: ++passes });
  expect(surplus.count).toBe(0);
});

test('counts only the minimum of all polls since the last pass while sockets open and close', () => {
  expect(pollAfterPass(0, 5, 4)).toBe(0);
  expect([poll(5, 6), poll(4, 7)]).toEqual([0, 0]);
  expect(pollAfterPass(0, 5, 6)).toBe(4);
});

test('does not count unbound sockets opened after a pass or missed by it', () => {
  pollAfterPass(0, 0);
  expect([poll(1), poll(2), poll(3)]).toEqual([0, 0, 0]);
  // This pass began when there were two.
  expect(pollAfterPass(2, 3)).toBe(0);
  expect(pollAfterPass(3, 3)).toBe(0);
});

test('keeps a surplus until the sockets close, and does not add new sockets to it', () => {
  pollAfterPass(0, 0);
  poll(3);
  expect(pollAfterPass(1, 4)).toBe(2);
  expect([poll(9), poll(2), poll(9)]).toEqual([2, 1, 1]);
});

test('counts nothing before unbound sockets are counted, or if the kernel has no count', () => {
  expect(poll(5)).toBe(0);
  fake.write('net/sockstat', 'sockets: used 9\n');
  surplus.endPoll(readSockstat(new Proc(fake.root)).heldTcp, { unboundTcp: 0, passes: 1 });
  expect(surplus.count).toBe(0);
});

test('counts nothing while a bound omits sockets', () => {
  expect(pollAfterPass(0, 5)).toBe(5);
  surplus.endPoll(readSockstat(new Proc(fake.root)).heldTcp, undefined);
  expect(surplus.count).toBe(0);
});
