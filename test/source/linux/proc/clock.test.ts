import { expect, test } from 'vitest';
import { aheadMs } from '../../../../src/source/linux/proc/clock.ts';

/** Two clocks, the second 1,000 ms behind. To read the first takes one of these times, milliseconds. */
function clocks(...delays: number[]) {
  let ms = 0;
  const first = () => {
    ms += delays.shift() ?? 0;
    return 1000 + ms;
  };
  return [first, () => ms] as const;
}

test('a clock is ahead by their difference', () => {
  expect(aheadMs(...clocks())).toBe(1000);
});

test('a thread that is interrupted between the two tries again', () => {
  expect(aheadMs(...clocks(16, 30))).toBe(1000);
});

test('without a quick try the quickest counts', () => {
  expect(aheadMs(...clocks(16, 30, 2, 9, 12))).toBe(1002);
});
