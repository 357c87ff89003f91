import { expect, test } from 'vitest';
import { boundsFor, smallerBounds } from '../../src/model/bounds.ts';

const MB = 1_000_000;

test('has the fixed upper limits with ample memory', () => {
  expect(boundsFor(24_000 * MB)).toMatchObject({
    remnants: 20_000,
    closedRows: 10_000,
    waitingEvents: 10_000,
    shortLives: 2500,
    samplerMb: 4000,
  });
  expect(boundsFor(24_000 * MB).sockets).toBeGreaterThan(1_000_000);
});

test('keeps over ten thousand sockets in a container of 200 MB, fewer of them in TIME_WAIT', () => {
  const { sockets, remnants, closedRows, events, waitingEvents, samplerMb } = boundsFor(200 * MB);
  expect(sockets).toBeGreaterThan(10_000);
  // 3 KB per socket in both threads, plus 80 MB for the program.
  expect(sockets * 3000 + 80 * MB).toBeLessThan(200 * MB);
  expect([remnants, closedRows, events, waitingEvents, samplerMb].every((it) => it > 0 && it < sockets)).toBe(
    true,
  );
});

test('less memory never gives a larger bound, and no bound is ever 0', () => {
  const sizes = [0, 50, 100, 200, 500, 1000, 4000, 100_000].map((megabytes) => boundsFor(megabytes * MB));
  for (const [i, bounds] of sizes.entries()) {
    for (const [name, value] of Object.entries(bounds)) {
      expect(value, name).toBeGreaterThan(0);
      expect(value, name).toBeGreaterThanOrEqual(sizes[i - 1]?.[name as keyof typeof bounds] ?? 0);
    }
  }
  const smaller = smallerBounds(boundsFor(1000 * MB));
  expect(smaller.sockets).toBeLessThan(boundsFor(1000 * MB).sockets / 3);
  expect(smaller.remnants).toBeLessThan(boundsFor(1000 * MB).remnants / 3);
  expect(smallerBounds(smallerBounds(boundsFor(0))).remnants).toBeGreaterThan(0);
});
