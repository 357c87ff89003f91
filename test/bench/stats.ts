/** Summary of repeated measurements. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** The 95th percentile. */
  readonly p95: number;
}

/** Summarizes measurements. Throws if there are none: a missing figure must not pass for a measured one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  const [min, median, p95, max] = [sorted[0], at(0.5), at(0.95), sorted.at(-1)];
  if (min === undefined || median === undefined || p95 === undefined || max === undefined) {
    throw new Error('nothing was measured');
  }
  return { median, min, max, p95 };
}

/** Summary of the measurements with one name. */
export interface NamedSpread {
  readonly name: string;
  readonly spread: Spread;
}

/** Measurements by name. */
export class Timings {
  readonly #values = new Map<string, number[]>();

  add(name: string, value: number): void {
    const values = this.#values.get(name);
    if (values) values.push(value);
    else this.#values.set(name, [value]);
  }

  /** Returns a summary for each name, in the order in which they were added first. */
  spreads(): NamedSpread[] {
    return [...this.#values].map(([name, values]) => ({ name, spread: spreadOf(values) }));
  }
}

/** Formats a number with two decimals below 10, with one below 100, and otherwise without any. */
export function figure(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

export const times = (value: number): string => `${figure(value)}×`;

export const count = (value: number): string => value.toLocaleString('en-US');

/** Formats as `MEDIAN  (MIN–MAX)`. */
export const spreadText = ({ median, min, max }: Spread): string =>
  `${figure(median)}  (${figure(min)}–${figure(max)})`;

/** Formats as `MEDIAN  p95 P95`. */
export const tailText = ({ median, p95 }: Spread): string => `${figure(median)}  p95 ${figure(p95)}`;

/** Returns rows as lines of text with aligned columns: the first to the left, the others to the right. */
export function tableText(rows: readonly (readonly string[])[], indent = 2): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const cellText = (cell: string, i: number) =>
    i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0);
  return rows.map((row) => `${' '.repeat(indent)}${row.map(cellText).join('   ').trimEnd()}\n`).join('');
}
