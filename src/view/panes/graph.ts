import type { PaneRow } from './pane.ts';
import type { Tick } from '../../store/counts.ts';
import { compactText, countText, rateText } from '../text/format.ts';

/** One curve of the graphs. */
export interface Series {
  readonly name: 'sockets' | 'opened' | 'closed' | 'traffic';
  /** Text in its title, and a shorter one for a narrow graph. */
  readonly summary: string;
  readonly short: string;
  /** One value per cell, oldest first, starting at the first tick; finite and never negative. */
  readonly values: readonly number[];
}

const SPAN_MS = 5 * 60_000;

/**
 * Returns the last five minutes in `cells` steps: sockets at the end of each step, sockets opened and closed in it, and
 * bytes per second received and sent if known. Steps start at multiples of their length, so that curves move only once
 * per step.
 */
export function graphSeries(history: readonly Tick[], nowMs: number, cells: number): Series[] {
  const count = Math.max(1, cells);
  const stepMs = SPAN_MS / count;
  const lastStep = Math.floor(nowMs / stepMs);
  const cellOf = ({ monotonicMs }: Tick) => count - 1 - (lastStep - Math.floor(monotonicMs / stepMs));
  const total = Array<number | undefined>(count).fill(undefined);
  const [opened, closed] = [Array<number>(count).fill(0), Array<number>(count).fill(0)];
  const traffic = trafficOf(history, count, cellOf);
  let first = count;
  for (const tick of history) {
    const cell = cellOf(tick);
    if (cell < 0 || cell >= count) continue;
    first = Math.min(first, cell);
    total[cell] = tick.total;
    opened[cell] = (opened[cell] ?? 0) + tick.spawned;
    closed[cell] = (closed[cell] ?? 0) + tick.closed;
  }
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  // A step without a tick (long interval) repeats the last value.
  let last = 0;
  const seen = total.slice(first).map((value) => (last = value ?? last));
  const [least, most] = [Math.min(...seen), Math.max(...seen)];
  const range =
    seen.length === 0 ? '' : least === most ? countText(least) : `${countText(least)}–${countText(most)}`;
  return [
    { name: 'sockets', summary: range, short: range, values: seen },
    { name: 'opened', ...countTexts(sum(opened)), values: opened.slice(first) },
    { name: 'closed', ...countTexts(sum(closed)), values: closed.slice(first) },
    ...traffic,
  ];
}

const countTexts = (count: number) => ({ summary: `${countText(count)} in 5 min`, short: countText(count) });

/** Returns the mean rate of the ticks in each step, bytes per second; a step without a tick repeats the last mean. */
function trafficOf(history: readonly Tick[], count: number, cellOf: (tick: Tick) => number): Series[] {
  const rates = Array.from({ length: count }, () => ({ sum: 0, ticks: 0 }));
  let last: number | undefined;
  for (const tick of history) {
    const rate = rates[cellOf(tick)];
    if (tick.rxRate === undefined || tick.txRate === undefined || !rate) continue;
    last = tick.rxRate + tick.txRate;
    rate.sum += last;
    rate.ticks++;
  }
  if (last === undefined) return [];
  const seen = rates.slice(rates.findIndex(({ ticks }) => ticks > 0));
  let mean = 0;
  const values = seen.map(({ sum, ticks }) => (ticks > 0 ? (mean = Math.round(sum / ticks)) : mean));
  return [{ name: 'traffic', summary: rateText(last), short: compactText(last), values }];
}

/** The graphs. `GraphWidget` draws them. */
export const GRAPH: PaneRow = {
  position: { where: 'above', lines: 3 },
  rank: 6,
  key: {
    id: 'graphs',
    keys: ['M'],
    name: 'open or close the graphs',
    about: 'graphs: sockets, opens, closes and traffic over the last minutes',
    hint: 'graphs',
  },
  // Blank lines below the curves: nothing else clears the cells between them.
  lines: () => [],
};
