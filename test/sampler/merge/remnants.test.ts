import { expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { KernelEvent } from '../../../src/source/types.ts';
import { NOON_MS, ownersText, socket } from '../../helpers/fakes.ts';
import { setUp, a, atEnd, eventsOf, remnant } from './set-up.ts';

test('a remnant that a poll sees before any kernel event gets the owner and counters of its connection', () => {
  const { merger, applyEvents, poll } = setUp();
  const remnant = socket({ id: 'r', state: 'TIME_WAIT', owners: [{ knowledge: 'gone' }] });
  poll(1000);
  expect(poll(2000, remnant)).toEqual(['+ r TIME_WAIT', 'spawn r 2000 poll']);
  applyEvents(2010, { type: 'appeared', atMs: 1990, socket: a, learntBy: 'trace' }, {
    ...atEnd(1995, { ...a, traffic: { rxBytes: 7 } }),
    remnant: { id: 'r', state: 'TIME_WAIT' },
  } as KernelEvent);
  const { spawned, changed, closed, events } = merger.take();
  expect([spawned, closed]).toEqual([[], []]);
  expect(changed.map(ownersText)).toEqual(['inherited curl 100']);
  // The change is the owner, which became known.
  expect(events.map(({ type }) => type)).toEqual(['change', 'close']);
  expect(events.at(-1)).toMatchObject({ socket: { id: 'r', traffic: { rxBytes: 7 } }, lifetimeMs: 5 });
  expect(poll(3000)).toEqual(['- r']);
});

test('a remnant that several polls missed returns as a row without an event', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000);
  applyEvents(1500, { ...atEnd(1400), remnant: { id: 'r', state: 'TIME_WAIT' } } as KernelEvent);
  expect(eventsOf(take())).toEqual(['spawn a 1400 destroy', 'close a 1400 destroy']);
  expect(poll(2000, remnant)).toEqual(['~ a TIME_WAIT']);
  expect([3000, 4000, 5000, 6000].flatMap((ms) => poll(ms))).toEqual(['- a']);
  expect(poll(7000, remnant)).toEqual(['+ a TIME_WAIT']);
  expect(poll(8000)).toEqual(['- a']);
  // The kernel keeps a remnant for a minute: after that the id belongs to another socket.
  expect([62_000, 63_000, 64_000].flatMap((ms) => poll(ms))).toEqual([]);
  expect(eventsOf(poll(65_000, remnant))).toEqual(['spawn r 65000 poll']);
});

test('the timer of a remnant limits how long it may return', () => {
  const { poll } = setUp();
  const dueAtMs = NOON_MS + 5500;
  const it: Socket = { ...remnant, timer: { kind: 'timewait', dueAtMs, retransmits: 0 } };
  poll(1000);
  expect(eventsOf(poll(2000, it))).toEqual(['spawn r 2000 poll']);
  expect(eventsOf([3000, 4000, 5000].flatMap((ms) => poll(ms)))).toEqual(['close r 3000 poll']);
  expect(eventsOf(poll(5400, it))).toEqual([]);
  expect(eventsOf([5600, 6700, 7800].flatMap((ms) => poll(ms)))).toEqual([]);
  expect(eventsOf(poll(9000, it))).toEqual(['spawn r 9000 poll']);
});

test('an end from the trace, without a namespace, closes the remnant that a poll saw', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000);
  expect(eventsOf(poll(2000, remnant))).toEqual(['spawn r 2000 poll']);
  applyEvents(2200, { type: 'ended', atMs: 1950, socket: a, learntBy: 'trace' });
  expect(eventsOf(take())).toEqual(['close r 2000 trace']);
  expect(eventsOf([poll(3000, remnant), poll(4000)].flat())).toEqual([]);
});

test('a connection closed by a poll does not spawn again when its remnant is seen', () => {
  const { applyEvents, poll, take } = setUp();
  poll(1000, a);
  poll(2000);
  applyEvents(2100);
  expect(eventsOf(take())).toEqual(['close a 2000 poll']);
  expect(eventsOf([3000, 4000, 5000].flatMap((ms) => poll(ms)))).toEqual([]);
  expect(poll(6000, { ...a, state: 'TIME_WAIT' })).toEqual(['+ a TIME_WAIT']);
});
