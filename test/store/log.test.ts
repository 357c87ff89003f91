import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogEvent } from '../../src/model/event.ts';
import { EventLog } from '../../src/store/log.ts';

const gap = (missed: number): LogEvent => ({ type: 'gap', atMs: 0, missed, learntBy: 'trace' });

test('whatever is added: the last ones are kept, each under its number', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 20 }), fc.integer({ min: 1, max: 12 }), (sizes, kept) => {
      const log = new EventLog(kept);
      const all: LogEvent[] = [];
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
