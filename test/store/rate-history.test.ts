import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  HISTORY_BARS,
  HISTORY_TICKS,
  type RateHistory,
  ratesOf,
  sumOf,
  TICKS_PER_BAR,
  withRate,
} from '../../src/store/rate-history.ts';

/** The first tick with rates. */
const FIRST = 2;
/** Rates of ticks from the first one on; null without traffic. */
const someRates = fc.array(fc.option(fc.integer({ min: 80, max: 1_000_000_000 })), { maxLength: 250 });

function historyOf(rates: readonly (number | null)[]): RateHistory | undefined {
  let history: RateHistory | undefined;
  for (const [i, rate] of rates.entries()) if (rate !== null) history = withRate(history, FIRST + i, rate);
  return history;
}

/** Returns the mean of each span, the oldest first, computed from all rates. */
function meansOf(rates: readonly (number | null)[], ticks: number): number[] {
  const spans = Math.ceil(ticks / TICKS_PER_BAR);
  const means = Array.from({ length: spans }, (_, i) => {
    const its = rates.slice(i * TICKS_PER_BAR, (i + 1) * TICKS_PER_BAR);
    const isLast = i === spans - 1;
    const length = isLast ? its.findLastIndex((rate) => rate !== null) + 1 : TICKS_PER_BAR;
    return length === 0 ? 0 : its.reduce<number>((sum, rate) => sum + (rate ?? 0), 0) / length;
  });
  return [...new Array<number>(HISTORY_BARS).fill(0), ...means].slice(-HISTORY_BARS);
}

/** Expects each rate to differ from the wanted one by at most a share of it. */
function expectAbout(rates: readonly number[], wanted: readonly number[], tolerance = 1 / 5): void {
  expect(rates).toHaveLength(wanted.length);
  for (const [i, rate] of rates.entries())
    expect(Math.abs(rate - (wanted[i] ?? NaN)), `bar ${i}`).toBeLessThanOrEqual((wanted[i] ?? 0) * tolerance);
}

test('a history has the mean rate of each of the last spans; the last span counts up to its last traffic', () => {
  fc.assert(
    fc.property(someRates, fc.nat({ max: 200 }), (rates, later) => {
      const history = historyOf(rates);
      if (history === undefined) return;
      const ticks = rates.length + later;
      expectAbout(ratesOf(history, FIRST + ticks - 1), meansOf(rates, ticks));
    }),
  );
});

test('the history of several sockets has the sums of their means', () => {
  fc.assert(
    fc.property(someRates, someRates, (one, other) => {
      const ticks = Math.max(one.length, other.length);
      const tick = FIRST + ticks - 1;
      const histories = [one, other].flatMap((rates) => historyOf(rates) ?? []);
      const sum = sumOf(histories, tick);
      const both = Array.from({ length: ticks }, (_, i) => {
        const rates = [one[i] ?? null, other[i] ?? null];
        // A sum of histories ends at the last tick, even if that had no traffic: its last mean is over all ticks so far.
        return rates.every((rate) => rate === null) && i < ticks - 1
          ? null
          : (rates[0] ?? 0) + (rates[1] ?? 0);
      });
      if (sum === undefined)
        expect(histories.every((it) => ratesOf(it, tick).every((rate) => rate === 0))).toBe(true);
      // Each mean is stored twice, in the history of a socket and in the sum, each time to within a fifth.
      else expectAbout(ratesOf(sum, tick), meansOf(both, ticks), 2 / 5);
    }),
  );
});

test('a constant rate has equal bars at any tick', () => {
  const rates: number[] = [];
  for (let tick = FIRST; tick < HISTORY_TICKS; tick++) {
    rates.push(1000);
    const bars = ratesOf(historyOf(rates) ?? expect.fail(), tick);
    expect(new Set(bars.slice(-Math.ceil(rates.length / TICKS_PER_BAR))).size).toBe(1);
  }
});

test('the bars move with every tenth tick only, and the last one changes only with traffic', () => {
  const history = historyOf(Array.from({ length: 15 }, (_, i) => 1000 * (i + 1))) ?? expect.fail();
  const seen = Array.from({ length: 30 }, (_, i) => ratesOf(history, FIRST + 14 + i).join(' '));
  expect(new Set(seen).size).toBe(4);
});

test('two rates of one tick are added', () => {
  expect(ratesOf(withRate(withRate(undefined, 2, 1000), 2, 1048), 2).at(-1)).toBe(2048);
});

test('the rates of a tick whose batch is not complete yet count in the last bar', () => {
  expect(ratesOf(withRate(undefined, 12, 16), 11).at(-1)).toBe(16);
});
