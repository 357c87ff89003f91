import { expect, test } from 'vitest';
import { aheadMs } from '../../../../src/source/linux/proc/clock.ts';

/** Returns two clocks, the second 1,000 ms behind. Each read of the first one takes the next of these times, milliseconds. */
function clocks(...delays: number[]) {
  let ms = 0;
  const first = () => {
    ms += delays.shift() ?? 0;
    return 1000 + ms;
  };
  return [first, () => ms] as const;
}

test('returns the difference of two clocks', () => {
  expect(aheadMs(...clocks())).toBe(1000);
});

test('reads the clocks again if the thread was interrupted between the two', () => {
  expect(aheadMs(...clocks(16, 30))).toBe(1000);
});

test('returns the difference of the quickest of five tries if each was interrupted', () => {
  expect(aheadMs(...clocks(16, 30, 2, 9, 12))).toBe(1002);
});
