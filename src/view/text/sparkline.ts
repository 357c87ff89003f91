import { HISTORY_BARS, type RateHistory, ratesOf } from '../../store/rate-history.ts';
import { NOTHING } from './format.ts';

/**
 * Bars by height; the first is for no traffic. None fills its cell: bars of rows one above the other would touch.
 * `ascii.ts` has a replacement for each.
 */
const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'] as const;

/**
 * Returns one bar for the mean rate of each of the last spans (`TICKS_PER_BAR`), the latest at the right. The highest rate
 * has the highest bar. Spans before the first traffic are left out. Returns `·` if no span had traffic.
 * @param tick number of the last tick
 * @param cells maximum number of bars
 */
export function sparklineText(
  history: RateHistory | undefined,
  tick: number | undefined,
  cells = HISTORY_BARS,
): string {
  if (history === undefined || tick === undefined || cells < 1) return NOTHING;
  const all = ratesOf(history, tick).slice(-cells);
  const rates = all.slice(all.findIndex((rate) => rate > 0));
  const highest = Math.max(...all);
  if (highest === 0) return NOTHING;
  return rates
    .map((rate) =>
      rate === 0 ? BARS[0] : BARS[Math.max(1, Math.round((rate / highest) * (BARS.length - 1)))],
    )
    .join('');
}
