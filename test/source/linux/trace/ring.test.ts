import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { netlinkBuffer } from '../../../../src/source/linux/netlink/wire.ts';
import { eachEvent } from '../../../../src/source/linux/trace/ring.ts';
import { type Entry, event, LAYOUT, pageOf, pages } from './fake.ts';

interface Seen {
  readonly start: number;
  readonly end: number;
  readonly atMs: number;
}

function walk(page: Uint8Array, length = page.length, behind = 0xa5): { events: Seen[]; problems: number } {
  const buffer = netlinkBuffer(Math.ceil(page.length / 4) * 4 + 64);
  buffer.bytes.fill(behind);
  buffer.bytes.set(page.subarray(0, length));
  const events: Seen[] = [];
  const problems = eachEvent(buffer, LAYOUT, length, (start, end, atMs) => events.push({ start, end, atMs }));
  return { events, problems };
}

const bytes = (...values: number[]) => new Uint8Array(values);
const FOUR = bytes(1, 2, 3, 4);

/** Returns the times of the events of a page that starts at 1 s, nanoseconds after that. */
const times = (...entries: Entry[]) =>
  walk(pageOf(1_000_000_000n, entries)).events.map(({ atMs }) => Math.round((atMs - 1000) * 1e6));

describe('events of a page', () => {
  test('have their length in the head, or in the next word if they are long', () => {
    const long: Entry = { type: 0, word: 4 + 120, content: new Uint8Array(120) };
    expect(walk(pageOf(0n, [event(FOUR), long, event(new Uint8Array(112))]))).toEqual({
      events: [
        { start: 20, end: 24, atMs: 0 },
        { start: 32, end: 152, atMs: 0 },
        { start: 156, end: 268, atMs: 0 },
      ],
      problems: 0,
    });
  });

  test('have a time relative to the event before', () => {
    expect(times(event(FOUR, 5), event(FOUR, 0), event(FOUR, 100))).toEqual([5, 5, 105]);
  });

  test('have a time extension for a longer interval', () => {
    const extend: Entry = { type: 30, delta: 3, word: 2 };
    expect(times(event(FOUR, 1), extend, event(FOUR, 1))).toEqual([1, 1 + 3 + 2 * 2 ** 27 + 1]);
  });

  test('take the high bits of an absolute time from the time before', () => {
    const stamp = (ns: bigint): Entry => ({
      type: 31,
      delta: Number(ns & (2n ** 27n - 1n)),
      word: Number(ns >> 27n),
    });
    expect(times(stamp(1_000_000_700n), event(FOUR, 1))).toEqual([701]);
    const high = 2n ** 60n + 2n ** 59n - 2n ** 40n;
    const at = (entry: Entry) => walk(pageOf(high, [entry, event(FOUR)])).events[0]?.atMs;
    // A time a little later, and one after the overflow of 59 bits.
    expect(at(stamp(2n ** 59n - 2n ** 30n))).toBe(Number(2n ** 60n + 2n ** 59n - 2n ** 30n) / 1e6);
    expect(at(stamp(2n ** 30n))).toBe(Number(2n ** 60n + 2n ** 59n + 2n ** 30n) / 1e6);
  });

  test('skip a discarded event except for its time', () => {
    const discarded = (delta: number): Entry => ({ type: 29, delta, word: 8, content: FOUR });
    expect(times(event(FOUR, 1), discarded(50), event(FOUR, 1))).toEqual([1, 52]);
    // The kernel stores 1 for a delta of 0.
    expect(times(event(FOUR, 1), discarded(1), event(FOUR, 1))).toEqual([1, 2]);
  });

  test('end at padding without length', () => {
    expect(walk(pageOf(0n, [event(FOUR), { type: 29 }, event(FOUR)]))).toMatchObject({
      events: [{ start: 20 }],
      problems: 0,
    });
  });

  test('end at the committed length', () => {
    expect(walk(pageOf(0n, [event(FOUR), event(FOUR)], 8)).events).toHaveLength(1);
    expect(walk(pageOf(0n, [event(FOUR)], 0))).toEqual({ events: [], problems: 0 });
  });

  test('ignore the flags above the committed length', () => {
    expect(walk(pageOf(0n, [event(FOUR)], 2 ** 31 + 2 ** 30 + 8))).toMatchObject({
      events: [{}],
      problems: 0,
    });
  });
});

describe('an invalid length ends the page', () => {
  test.each<[string, Uint8Array]>([
    ['an event longer than the rest', pageOf(0n, [event(FOUR), { type: 28 }])],
    ['a truncated event', pageOf(0n, [event(FOUR), event(new Uint8Array(8))], 8 + 8)],
    ['a long event with length 0', pageOf(0n, [event(FOUR), { type: 0, word: 0 }, event(FOUR)])],
    ['a long event with an unaligned length', pageOf(0n, [event(FOUR), { type: 0, word: 6, content: FOUR }])],
    ['a long event with the maximum length', pageOf(0n, [event(FOUR), { type: 0, word: 2 ** 32 - 4 }])],
    ['a discarded event without length', pageOf(0n, [event(FOUR), { type: 29, delta: 5, word: 0 }])],
    ['a time extension without its second word', pageOf(0n, [event(FOUR), { type: 30 }])],
  ])('%s', (_what, page) => {
    expect(walk(page)).toEqual({ events: [{ start: 20, end: 24, atMs: 0 }], problems: 1 });
  });

  test('a committed length beyond the page', () => {
    expect(walk(pageOf(0n, [event(FOUR)], 4081))).toEqual({ events: [], problems: 1 });
    expect(walk(pageOf(0n, [event(FOUR)]), 16)).toEqual({ events: [], problems: 1 });
    expect(walk(pageOf(0n, [event(FOUR)]), 12)).toEqual({ events: [], problems: 1 });
    expect(walk(pageOf(0n, []), 0)).toEqual({ events: [], problems: 1 });
  });
});

describe('corrupt pages', () => {
  const corrupt = fc
    .record({
      page: fc.constantFrom(...pages()),
      length: fc.oneof(fc.constant(4096), fc.integer({ min: 0, max: 4096 })),
      changes: fc.array(
        fc.record({
          // Mostly the header and the first events, which all others depend on.
          at: fc.oneof(fc.integer({ min: 8, max: 128 }), fc.integer({ min: 0, max: 4092 })),
          value: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 29, 30, 31, 255)),
        }),
        { maxLength: 12 },
      ),
    })
    .map(({ page, length, changes }) => {
      const bytes = page.slice();
      for (const { at, value } of changes) bytes[at] = value;
      return { bytes, length };
    });

  test('give events in order, inside the page, without a read beyond it', () => {
    fc.assert(
      fc.property(corrupt, ({ bytes, length }) => {
        const one = walk(bytes, length, 0x00);
        expect(walk(bytes, length, 0xff)).toEqual(one);
        let last = LAYOUT.data;
        // Not `expect`, which takes longer than reading all events.
        for (const { start, end } of one.events) {
          assert.ok(start >= last + 4 && end >= start && start % 4 === 0, `${start} to ${end} after ${last}`);
          last = end;
        }
        expect(last).toBeLessThanOrEqual(Math.max(length, LAYOUT.data));
      }),
      { numRuns: 3000 },
    );
  });
});
