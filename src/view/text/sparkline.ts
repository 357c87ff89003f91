import { HISTORY_BARS, type RateHistory, ratesOf } from '../../store/rate-history.ts';
import { NOTHING } from './format.ts';

/**
 * Bars by height; the first is for no traffic. None fills its cell: bars of rows one above the other would touch.
 * `ascii.ts` has a replacement for each.
 */
const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'] as const;

/**
 * Returns the mean rates of the last spans of ticks as bars, the latest at the right. The highest of them has the highest
 * bar. Spans before the first traffic are left out. Returns `·` if none of them had traffic.
 * @param tick number of the last tick
 * @param cells number of spans
 */
export function sparklineText(
  history: RateHistory | undefined,
  tick: number | undefined,
  cells = HISTORY_BARS,
): string {
  if (history === undefined || tick === undefined || cells < 1) return NOTHING;
  const all = ratesOf(history, tick).slice(-cells);
  const rates = all.slice(all.findIndex((rate) => rate > 0));
  const most = Math.max(...all);
  if (most === 0) return NOTHING;
  return rates
    .map((rate) => (rate === 0 ? BARS[0] : BARS[Math.max(1, Math.round((rate / most) * (BARS.length - 1)))]))
    .join('');
}
