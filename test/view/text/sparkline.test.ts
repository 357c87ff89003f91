import { expect, test } from 'vitest';
import { type RateHistory, TICKS_PER_BAR, withRate } from '../../../src/store/rate-history.ts';
import { toAscii } from '../../../src/view/text/ascii.ts';
import { sparklineText } from '../../../src/view/text/sparkline.ts';

/** The first tick of a span; the first rates are those of tick 2. */
const tickOf = (span: number): number => 2 + span * TICKS_PER_BAR;

/** Returns a history with a constant rate in each span. */
function historyOf(...rates: readonly number[]): RateHistory | undefined {
  let history: RateHistory | undefined;
  for (const [span, rate] of rates.entries())
    for (let i = 0; i < TICKS_PER_BAR; i++) if (rate > 0) history = withRate(history, tickOf(span) + i, rate);
  return history;
}

test.each<[string, number[], number, number, string]>([
  ['the highest rate has the highest bar', [1000, 0, 500, 250], 3, 4, '▇▁▄▃'],
  ['spans before the first traffic are left out', [0, 8, 1000], 2, 4, '▂▇'],
  ['a small rate differs from none', [1_000_000, 1, 0], 2, 3, '▇▂▁'],
  ['later spans had no traffic', [1000], 2, 4, '▇▁▁'],
  ['older spans are cut off', [1000, 0, 0, 7], 3, 2, '▇'],
  ['no traffic in all of these spans is a dot', [1000], 40, 4, '·'],
])('%s', (_, rates, span, cells, text) => {
  expect(sparklineText(historyOf(...rates), tickOf(span), cells)).toBe(text);
});

test('no traffic at all is a dot', () => {
  expect(sparklineText(undefined, 3)).toBe('·');
});

test('every bar has a replacement in ASCII', () => {
  expect(toAscii(sparklineText(historyOf(1, 2, 3, 4, 5, 6, 7, 8), tickOf(7), 8))).toMatch(/^[ -~]{8}$/);
  expect(toAscii('▁▂▃▄▅▆▇█')).not.toContain('?');
});
