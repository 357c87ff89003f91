import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { Merger } from '../../../src/sampler/merge/merger.ts';
import type { KernelEvent } from '../../../src/source/types.ts';
import { byId, NOON_MS, ownersText, socket } from '../../helpers/fakes.ts';
import { setUp, a, atEnd, eventsOf, remnant } from './set-up.ts';

test('a socket that one poll misses and the next sees spawns again', () => {
  const { poll } = setUp({ hasEventSource: false });
  expect(poll(1000)).toEqual([]);
  expect(poll(2000, a)).toEqual(['+ a ESTABLISHED', 'spawn a 2000 poll']);
  expect(poll(3000)).toEqual(['- a', 'close a 3000 poll']);
  expect(poll(4000, a)).toEqual(['+ a ESTABLISHED', 'spawn a 4000 poll']);
  expect(poll(5000, { ...a, state: 'CLOSE_WAIT' })).toEqual(['~ a CLOSE_WAIT', 'change a 5000 poll']);
  expect(poll(6000)).toEqual(['- a', 'close a 6000 poll']);
});

test('waits 100 ms for the kernel event before it closes a socket that a poll missed', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  expect(poll(2000)).toEqual([]);
  expect(poll(2050, a)).toEqual([]);
  expect(poll(3000)).toEqual([]);
  applyEvents(3099);
  expect(take()).toEqual([]);
  applyEvents(3100);
  expect(take()).toEqual(['- a', 'close a 3000 poll']);
});

test('the close that a poll notices has the final traffic of the socket, if the poll found it', () => {
  const merger = new Merger({ emitsEveryChange: true, hasEventSource: true });
  const udp = { ...socket({ id: 'u', protocol: 'udp' }), traffic: { rxBytes: 300 } };
  const raw = { ...udp, id: 'r', protocol: 'raw' } as const;
  const start = (monotonicMs: number) => ({ monotonicMs, wallMs: NOON_MS + monotonicMs });
  const all = byId([udp, raw]);
  merger.applyPoll({ spawned: [udp, raw], changed: [], closed: [] }, all, start(0), 0);
  merger.take();
  const ended = [udp, raw].map((it): Socket => ({ ...it, traffic: { rxBytes: 2000 } }));
  merger.applyPoll({ spawned: [], changed: [], closed: ['u', 'r'] }, new Map(), start(1000), 1000, ended);
  merger.closeAllMissing();
  expect(merger.take().events.map((it) => [it.type, 'socket' in it && it.socket.traffic])).toEqual([
    ['close', { rxBytes: 2000 }],
    ['close', { rxBytes: 2000 }],
  ]);
});

test('closes raw sockets and remnants that the next poll misses, without waiting for a kernel event', () => {
  const { poll } = setUp();
  const raw = socket({ id: 'raw', protocol: 'raw' });
  poll(1000, raw, { ...a, state: 'TIME_WAIT' });
  expect(poll(2000)).toEqual(['- raw', '- a', 'close raw 2000 poll', 'close a 2000 poll']);
});

test('a closed socket stays closed despite stale polls and late events, until two polls miss it', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  applyEvents(1500, atEnd(1500));
  expect(take()).toEqual(['~ a ESTABLISHED', '- a', 'close a 1500 destroy']);
  expect([poll(2000, a), poll(3000, { ...a, uid: 1 }), poll(4000, a)].flat()).toEqual([]);
  applyEvents(4500, atEnd(1500), {
    type: 'state',
    atMs: 1400,
    id: 'a',
    was: 'ESTABLISHED',
    now: 'FIN_WAIT1',
    learntBy: 'trace',
  });
  expect([take(), poll(5000), poll(6000)].flat()).toEqual([]);
  expect(poll(7000, a)).toEqual(['+ a ESTABLISHED', 'spawn a 7000 poll']);
});

test('a poll corrects a state whose next kernel event was lost, even if the poll saw no change', () => {
  const { applyEvents, poll, take } = setUp();
  const it = socket({ id: 'l', state: 'LISTEN', remote: null });
  poll(1000, it);
  applyEvents(1500, { type: 'state', atMs: 1500, id: 'l', was: 'LISTEN', now: 'CLOSE', learntBy: 'trace' });
  expect(take()).toEqual(['~ l CLOSE', 'change l 1500 trace']);
  expect(poll(2000, it)).toEqual(['~ l LISTEN', 'change l 2000 poll']);
});

test('a process that the trace saw acting on a socket becomes its owner', () => {
  const { merger, applyEvents, poll } = setUp();
  poll(1000, { ...a, owners: [{ knowledge: 'hidden' }] });
  const owners = [{ knowledge: 'exact', pid: 7, process: 'ssh' } as const];
  applyEvents(1500, {
    type: 'state',
    atMs: 1500,
    id: 'a',
    was: 'ESTABLISHED',
    now: 'FIN_WAIT1',
    owners,
    learntBy: 'trace',
  });
  expect(merger.take().changed.map(ownersText)).toEqual(['exact ssh 7']);
});

test('an owner that started another program keeps the name of the one that connected', () => {
  const { merger, applyEvents, poll } = setUp();
  const python = { knowledge: 'exact', pid: 7, process: 'python3', exe: '/usr/bin/python3' } as const;
  const sleep = { knowledge: 'exact', pid: 7, process: 'sleep', exe: '/usr/bin/sleep' } as const;
  const ownersOf = () => merger.take().events.at(-1);
  poll(1000);
  applyEvents(1500, { type: 'appeared', atMs: 1450, socket: { ...a, owners: [python] }, learntBy: 'trace' });
  merger.take();
  merger.applyPoll(
    { spawned: [{ ...a, owners: [sleep] }], changed: [], closed: [] },
    byId([a]),
    { wallMs: NOON_MS + 2000, monotonicMs: 2000 },
    2005,
  );
  expect(merger.take().changed.map(({ owners }) => owners)).toEqual([[{ ...python, nowProcess: 'sleep' }]]);
  applyEvents(2500, atEnd(2400, { ...a, owners: [sleep] }));
  expect(ownersOf()).toMatchObject({ socket: { owners: [{ process: 'python3', nowProcess: 'sleep' }] } });
});

test('kernel events during the first poll apply to the sockets that it saw, and to no others', () => {
  const { applyEvents, poll } = setUp();
  applyEvents(1003, atEnd(1002), atEnd(1002, socket({ id: 'unseen' })));
  expect(poll(1000, a)).toEqual(['+ a ESTABLISHED', '~ a ESTABLISHED', '- a', 'close a 1002 destroy']);
  expect(poll(2000)).toEqual([]);
});

test('without emitsEveryChange several changes are one event, at the time of the last', () => {
  const { applyEvents, poll, take } = setUp({ emitsEveryChange: false });
  poll(1000, a);
  const stateEvent = (atMs: number, was: Socket['state'], now: Socket['state']) =>
    ({ type: 'state', atMs, id: 'a', was, now, learntBy: 'trace' }) as KernelEvent;
  applyEvents(1500, stateEvent(1400, 'ESTABLISHED', 'FIN_WAIT1'), stateEvent(1450, 'FIN_WAIT1', 'FIN_WAIT2'));
  expect(take()).toEqual(['~ a FIN_WAIT2', 'change a 1450 trace']);
  const udp = socket({ id: 'u', protocol: 'udp' });
  const later: Socket = { ...a, state: 'FIN_WAIT2' };
  poll(2000, later, udp);
  expect(poll(3000, later, { ...udp, remote: { address: '192.0.2.9', port: 9 } })).toEqual([
    '~ u ESTABLISHED',
    'change u 3000 poll',
  ]);
});

test.each([true, false])(
  'a socket that a process holds for long after its connection ended has one close (hasRemnants: %s)',
  (hasRemnants) => {
    const { applyEvents, poll, take } = setUp({ hasRemnants });
    poll(1000, a);
    // Reset by its peer.
    poll(2000);
    applyEvents(2100);
    expect(eventsOf(take())).toEqual(['close a 2000 poll']);
    expect([poll(100_000), poll(200_000)].flat()).toEqual([]);
    applyEvents(200_500, atEnd(200_400));
    expect(take()).toEqual([]);
  },
);

test('late state events change nothing, and a late end with a remnant that the poll missed leaves no row', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  expect(poll(2000, { ...a, state: 'FIN_WAIT2' })).toEqual(['~ a FIN_WAIT2', 'change a 2000 poll']);
  const stateEvent = (atMs: number, was: Socket['state'], now: Socket['state']) =>
    ({ type: 'state', atMs, id: 'a', was, now, learntBy: 'trace' }) as KernelEvent;
  applyEvents(2010, stateEvent(1990, 'ESTABLISHED', 'FIN_WAIT1'), stateEvent(1995, 'FIN_WAIT1', 'FIN_WAIT2'));
  expect(take()).toEqual([]);
  expect(poll(3000)).toEqual([]);
  applyEvents(3010, { ...atEnd(2500), remnant: { id: 'a', state: 'TIME_WAIT' } } as KernelEvent);
  expect(take()).toEqual(['~ a FIN_WAIT2', '- a', 'close a 2500 destroy']);
});

test('events are in order of time, whatever reported them', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  applyEvents(2000, atEnd(1900), { type: 'gap', atMs: 1800, learntBy: 'trace' });
  expect(take().slice(2)).toEqual(['gap', 'close a 1900 destroy']);
});

test('the same endpoints in two namespaces are two connections', () => {
  const { applyEvents, poll, take } = setUp();
  const there = socket({ id: 'q', state: 'TIME_WAIT', netns: { inode: 4026532000 } });
  poll(1000);
  expect(eventsOf(poll(2000, remnant, there))).toEqual(['spawn r 2000 poll', 'spawn q 2000 poll']);
  applyEvents(2100, atEnd(1990, { ...a, netns: { inode: 4026531833 } }));
  expect(eventsOf(take())).toEqual(['close r 2000 destroy']);
  expect(eventsOf(poll(3000))).toEqual(['close q 3000 poll']);
});

test('a late kernel event after short polls belongs to the closed life', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000);
  applyEvents(1010, { type: 'appeared', atMs: 1007, socket: a, learntBy: 'trace' });
  for (const ms of [1100, 1200, 1300]) poll(ms);
  applyEvents(1310);
  take();
  poll(1320);
  applyEvents(1330, { type: 'ended', atMs: 1080, socket: a, learntBy: 'trace' });
  expect(eventsOf(take())).toEqual([]);
});

test('a change event has the replaced values', () => {
  const { merger, applyEvents, poll } = setUp();
  poll(1000, a);
  applyEvents(1500, {
    type: 'state',
    atMs: 1500,
    id: 'a',
    was: 'ESTABLISHED',
    now: 'CLOSE_WAIT',
    learntBy: 'trace',
  });
  expect(merger.take().events).toMatchObject([{ type: 'change', was: { state: 'ESTABLISHED' } }]);
});

describe('without remnants', () => {
  test('a socket that no poll has seen has events and no row', () => {
    const { applyEvents, poll, take } = setUp({ hasRemnants: false });
    poll(1000);
    applyEvents(1500, { ...atEnd(1400), lifetimeMs: 30 } as KernelEvent);
    expect(take()).toEqual(['spawn a 1370 destroy', 'close a 1400 destroy']);
    expect(poll(2000)).toEqual([]);
  });

  test('a socket that a poll has seen is closed by its kernel event', () => {
    const { applyEvents, poll, take } = setUp({ hasRemnants: false });
    poll(1000);
    expect(poll(2000, a)).toEqual(['+ a ESTABLISHED', 'spawn a 2000 poll']);
    applyEvents(2500, atEnd(2400));
    expect(take()).toEqual(['~ a ESTABLISHED', '- a', 'close a 2400 destroy']);
  });

  test('a socket that ended before the first poll did is ignored', () => {
    const { applyEvents, poll, take } = setUp({ hasRemnants: false });
    poll(1000);
    applyEvents(1500, atEnd(1002));
    expect(take()).toEqual([]);
  });

  test('a late close message does not repeat a close that the trace reported', () => {
    const { applyEvents, poll, take } = setUp({ hasRemnants: false });
    poll(1000);
    applyEvents(1500, { ...atEnd(1400), learntBy: 'trace' });
    expect(eventsOf(take())).toEqual(['spawn a 1400 trace', 'close a 1400 trace']);
    applyEvents(1600, atEnd(1400));
    expect(take()).toEqual([]);
  });
});
