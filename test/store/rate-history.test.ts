import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HISTORY_TICKS, type RateHistory, ratesOf, withRate } from '../../src/store/rate-history.ts';

test('a history has the rates of the last ticks, about as they were, and 0 for ticks without one', () => {
  fc.assert(
    fc.property(
      fc.array(fc.option(fc.integer({ min: 8, max: 10_000_000_000 })), { maxLength: 40 }),
      fc.nat({ max: 20 }),
      (rates, later) => {
        let history: RateHistory | undefined;
        for (const [tick, rate] of rates.entries())
          if (rate !== null) history = withRate(history, tick, rate);
        if (history === undefined) return;
        const all = [
          ...new Array<null>(HISTORY_TICKS).fill(null),
          ...rates,
          ...new Array<null>(later).fill(null),
        ];
        const now = rates.length - 1 + later;
        for (const [i, rate] of ratesOf(history, now).entries()) {
          const wanted = all.slice(-HISTORY_TICKS)[i] ?? 0;
          expect(Math.abs(rate - wanted)).toBeLessThanOrEqual(wanted / 5);
        }
      },
    ),
  );
});

test('the second rate of a tick replaces the first', () => {
  expect(withRate(withRate(undefined, 7, 9000), 7, 64)).toEqual(withRate(undefined, 7, 64));
});

test('a tick that is not complete yet is the last one', () => {
  expect(ratesOf(withRate(undefined, 3, 16), 2).at(-1)).toBe(16);
});
