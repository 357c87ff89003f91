import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import type { Socket } from '../../src/model/socket.ts';
import { EventLog } from '../../src/store/log.ts';
import { after, baseline, batch, emptyState, listener, socket } from '../helpers/fakes.ts';

const gap = (missed: number): Event => ({ type: 'gap', atMs: 0, missed, learntBy: 'trace' });

test('keeps the last events, each under its number', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 20 }), fc.integer({ min: 1, max: 12 }), (sizes, kept) => {
      const log = new EventLog(kept);
      const all: Event[] = [];
      for (const size of sizes) {
        const events = Array.from({ length: size }, (_, i) => gap(all.length + i));
        all.push(...events);
        log.add(events, new Map());
        // Not `expect`, which takes longer than all else.
        assert.deepEqual([log.start, log.end], [Math.max(0, all.length - kept), all.length]);
        for (let number = -1; number <= all.length; number++)
          assert.equal(log.at(number), number >= log.start ? all[number] : undefined);
      }
    }),
  );
});

test('finds the latest change event of each socket in the log, as a search would', () => {
  const event = fc.record({
    type: fc.constantFrom('spawn' as const, 'change' as const, 'close' as const),
    id: fc.constantFrom('a', 'b', 'c'),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), fc.integer({ min: 1, max: 12 }), (events, kept) => {
      const log = new EventLog(kept);
      const all = events.map(({ type, id }): Event => ({
        type,
        atMs: 0,
        socket: socket({ id }),
        learntBy: 'poll',
      }));
      for (const [i, each] of all.entries()) {
        log.add([each], new Map());
        const left = all.slice(Math.max(0, i + 1 - kept), i + 1);
        for (const id of ['a', 'b', 'c'])
          assert.equal(
            log.changeOf(id),
            left.findLast((it) => it.type === 'change' && it.socket.id === id),
          );
      }
    }),
  );
});

test('knows who opened the connection of an event, also when its row is gone', () => {
  const event = (it: Socket, type: 'spawn' | 'close' = 'spawn'): Event => ({
    type,
    atMs: 0,
    socket: it,
    learntBy: 'poll',
  });
  const incoming = socket({ id: 'in', local: '192.0.2.10:80', remote: '192.0.2.7:4000' });
  const outgoing = socket({ id: 'out', opened: 'out' });
  const unknown = socket({ id: 'unknown', local: '192.0.2.10:4000' });
  const all = [incoming, outgoing, unknown];
  let state = after(
    emptyState(),
    baseline([listener()]),
    batch({ spawned: all, events: all.map((it) => event(it)), monotonicMs: 1000 }),
  );
  const directions = () => [0, 1, 2].map((number) => state.log.directionAt(number, state.table.rows));
  expect(directions()).toEqual(['in', 'out', undefined]);
  state = after(state, batch({ closed: all.map(({ id }) => id), monotonicMs: 2000 }));
  state = after(state, batch({ monotonicMs: 60_000 }));
  expect(state.table.rows.get('in')).toBeUndefined();
  expect(directions()).toEqual(['in', 'out', undefined]);
});
