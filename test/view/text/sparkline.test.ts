import { expect, test } from 'vitest';
import { type RateHistory, withRate } from '../../../src/store/rate-history.ts';
import { toAscii } from '../../../src/view/text/ascii.ts';
import { sparklineText } from '../../../src/view/text/sparkline.ts';

const historyOf = (...rates: readonly number[]): RateHistory | undefined =>
  rates.reduce<RateHistory | undefined>(
    (history, rate, tick) => (rate > 0 ? withRate(history, tick, rate) : history),
    undefined,
  );

test.each<[string, number[], number, number, string]>([
  ['the highest rate has the highest bar', [1000, 0, 500, 250], 3, 4, '▇▁▄▃'],
  ['ticks before the first traffic are left out', [0, 8, 1000], 2, 4, '▂▇'],
  ['a small rate differs from none', [1_000_000, 1, 0], 2, 3, '▇▂▁'],
  ['later ticks had no traffic', [1000], 2, 4, '▇▁▁'],
  ['older ticks are cut off', [1000, 0, 0, 7], 3, 2, '▇'],
  ['no traffic in all of these ticks is a dot', [1000], 40, 4, '·'],
])('%s', (_, rates, tick, cells, text) => {
  expect(sparklineText(historyOf(...rates), tick, cells)).toBe(text);
});

test('no traffic at all is a dot', () => {
  expect(sparklineText(undefined, 3)).toBe('·');
});

test('every bar has a replacement in ASCII', () => {
  expect(toAscii(sparklineText(historyOf(1, 2, 3, 4, 5, 6, 7, 8), 7, 8))).toMatch(/^[ -~]{8}$/);
  expect(toAscii('▁▂▃▄▅▆▇█')).not.toContain('?');
});
