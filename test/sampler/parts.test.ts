import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../src/model/batch.ts';
import type { Event } from '../../src/model/event.ts';
import { PART_SIZE, splitBatch } from '../../src/sampler/parts.ts';
import { batch, socket } from '../helpers/fakes.ts';

/** Sockets with this name and a number as id. */
const some = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => socket({ id: `${name} ${i}` }));

const ids = (count: number) => Array.from({ length: count }, (_, i) => `closed ${i}`);

/** Events, each at another time. */
const eventList = (count: number) =>
  Array.from({ length: count }, (_, i): Event => ({ type: 'gap', atMs: i, learntBy: 'trace' }));

const sizeOf = ({ spawned, changed, closed, events }: Batch) =>
  spawned.length + changed.length + closed.length + events.length;

const counts = (parts: readonly Batch[]) =>
  parts.map(({ spawned, changed, closed, partial }) => [
    spawned.length,
    changed.length,
    closed.length,
    partial,
  ]);

describe('splitBatch', () => {
  test('returns a small or empty batch as it is', () => {
    const small = batch({ spawned: some(PART_SIZE - 1, 'spawned'), closed: ['a'] });
    expect(splitBatch(small)).toEqual([small]);
    expect(splitBatch(batch())).toEqual([batch()]);
  });

  test('splits one item more than a part holds into two parts, and only the first is partial', () => {
    const parts = splitBatch(batch({ spawned: some(PART_SIZE, 'spawned'), closed: ['a'] }));
    expect(counts(parts)).toEqual([
      [PART_SIZE, 0, 0, true],
      [0, 0, 1, false],
    ]);
  });

  test('puts events last, after the sockets that they are about', () => {
    const parts = splitBatch(batch({ spawned: some(4, 'spawned'), closed: ids(2), events: eventList(5) }), 4);
    expect(parts.map((part) => [part.spawned.length, part.closed.length, part.events])).toEqual([
      [4, 0, []],
      [0, 2, eventList(5).slice(0, 2)],
      [0, 0, eventList(5).slice(2)],
    ]);
  });

  test('puts spawned sockets first, then changed and closed ones; a part can hold all three', () => {
    const parts = splitBatch(
      batch({ spawned: some(4, 'spawned'), changed: some(1, 'changed'), closed: ids(6) }),
      5,
    );
    expect(counts(parts)).toEqual([
      [4, 1, 0, true],
      [0, 0, 5, true],
      [0, 0, 1, false],
    ]);
    const mixed = splitBatch(
      batch({ spawned: some(2, 'spawned'), changed: some(1, 'changed'), closed: ids(9) }),
      5,
    );
    expect(counts(mixed)).toEqual([
      [2, 1, 2, true],
      [0, 0, 5, true],
      [0, 0, 2, false],
    ]);
  });
});

test('the parts joined are the batch; no part is too big or empty, and all other fields are equal', () => {
  const upTo = (most: number) => fc.integer({ min: 0, max: most });
  fc.assert(
    fc.property(
      fc.tuple(upTo(30), upTo(30), upTo(30), upTo(30)),
      fc.integer({ min: 1, max: 40 }),
      fc.record({ baseline: fc.boolean(), partial: fc.boolean() }),
      ([spawns, changes, closes, eventCount], size, flags) => {
        const whole = batch({
          spawned: some(spawns, 'spawned'),
          changed: some(changes, 'changed'),
          closed: ids(closes),
          events: eventList(eventCount),
          ...flags,
          degradations: [{ code: 'c', text: 't', short: 's' }],
          interfaces: [{ name: 'lo', isUp: true, rxBytes: 1, txBytes: 2, addresses: [] }],
        });
        const parts = splitBatch(whole, size);
        expect({
          ...whole,
          spawned: parts.flatMap((part) => part.spawned),
          changed: parts.flatMap((part) => part.changed),
          closed: parts.flatMap((part) => part.closed),
          events: parts.flatMap((part) => part.events),
        }).toEqual(whole);
        expect(parts).toHaveLength(Math.max(1, Math.ceil(sizeOf(whole) / size)));
        for (const [i, part] of parts.entries()) {
          expect(sizeOf(part)).toBeLessThanOrEqual(size);
          const { spawned, changed, closed, events } = whole;
          expect({ ...part, spawned, changed, closed, events }).toEqual({
            ...whole,
            partial: whole.partial || i < parts.length - 1,
          });
        }
      },
    ),
  );
});
