import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../src/model/event.ts';
import { EventLog } from '../../src/store/log.ts';
import { socket } from '../helpers/fakes.ts';

const gap = (missed: number): Event => ({ type: 'gap', atMs: 0, missed, learntBy: 'trace' });

test('keeps the last events, each under its number', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 20 }), fc.integer({ min: 1, max: 12 }), (sizes, kept) => {
      const log = new EventLog(kept);
      const all: Event[] = [];
      for (const size of sizes) {
        const events = Array.from({ length: size }, (_, i) => gap(all.length + i));
        all.push(...events);
        log.add(events);
        expect([log.start, log.end]).toEqual([Math.max(0, all.length - kept), all.length]);
        for (let number = -1; number <= all.length; number++)
          expect(log.at(number)).toBe(number >= log.start ? all[number] : undefined);
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
        log.add([each]);
        const left = all.slice(Math.max(0, i + 1 - kept), i + 1);
        for (const id of ['a', 'b', 'c'])
          expect(log.changeOf(id)).toBe(left.findLast((it) => it.type === 'change' && it.socket.id === id));
      }
    }),
  );
});
