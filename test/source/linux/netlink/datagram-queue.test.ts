import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DatagramQueue } from '../../../../src/source/linux/netlink/datagram-queue.ts';
import { netlinkBuffer } from '../../../../src/source/linux/netlink/wire.ts';

/** Returns a buffer with bytes from an offset on, as many as there is room for. */
function bufferWith(value: number, from: number) {
  const buffer = netlinkBuffer(8192);
  buffer.bytes.fill(value, from);
  return buffer;
}

const timesOf = (n: number) => ({
  atMs: n,
  wallMs: 1_700_000_000_000 + n / 2,
  sinceMs: n === 0 ? -Infinity : n - 1,
});

test('returns datagrams of any length in their order, with their times, at a multiple of 8 bytes', () => {
  const step = fc.oneof(
    fc.record({ size: fc.integer({ min: 0, max: 4096 }), from: fc.nat({ max: 4000 }) }),
    fc.constant('take' as const),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = new DatagramQueue(50);
      const expected: { n: number; size: number }[] = [];
      for (const [n, each] of steps.entries()) {
        if (each === 'take') {
          const first = expected.shift();
          const isTaken = queue.take(({ bytes }, start, end, times) => {
            expect(times).toEqual(timesOf(first?.n ?? -1));
            expect(start % 8).toBe(0);
            expect([...bytes.subarray(start, end)]).toEqual(
              Array.from({ length: first?.size ?? -1 }, () => (first?.n ?? 0) + 1),
            );
          });
          expect(isTaken).toBe(first !== undefined);
        } else {
          const { size, from } = each;
          const isAdded = queue.add(bufferWith(n + 1, from), from, from + size, timesOf(n));
          expect(isAdded).toBe(expected.length < 50);
          if (isAdded) expected.push({ n, size });
        }
        expect(queue.length).toBe(expected.length);
      }
    }),
  );
});

test('refuses a datagram that is longer than any from the kernel', () => {
  expect(new DatagramQueue(50).add(bufferWith(1, 0), 0, 4097, timesOf(0))).toBe(false);
});
