/** What repeated measurements of one thing gave. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** The value that 95 % do not exceed. */
  readonly p95: number;
}

/** Summary of at least one measurement. Throws on none: a figure that was never taken must not look like one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  const [min, median, p95, max] = [sorted[0], at(0.5), at(0.95), sorted.at(-1)];
  if (min === undefined || median === undefined || p95 === undefined || max === undefined) {
    throw new Error('nothing was measured');
  }
  return { median, min, max, p95 };
}

/** Summary of the measurements that have a name in common. */
export interface Named {
  readonly name: string;
  readonly spread: Spread;
}

/** Measurements by name. */
export class Times {
  readonly #values = new Map<string, number[]>();

  note(name: string, value: number): void {
    const values = this.#values.get(name);
    if (values) values.push(value);
    else this.#values.set(name, [value]);
  }

  /** Of each name, in the order in which they were noted first. */
  spreads(): Named[] {
    return [...this.#values].map(([name, values]) => ({ name, spread: spreadOf(values) }));
  }
}

/** A figure with three digits at most, as far as they say something. */
export function figure(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

/** `1.23  (1.01–1.60)` */
export const spreadText = ({ median, min, max }: Spread): string =>
  `${figure(median)}  (${figure(min)}–${figure(max)})`;

/** `1.23  p95 1.60` */
export const tailText = ({ median, p95 }: Spread): string => `${figure(median)}  p95 ${figure(p95)}`;

/** Lines of cells in aligned columns: the first to the left, the others to the right; the first line is the heading. */
export function tableText(rows: readonly (readonly string[])[], indent = 2): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const cellText = (cell: string, i: number) =>
    i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0);
  return rows.map((row) => `${' '.repeat(indent)}${row.map(cellText).join('   ').trimEnd()}\n`).join('');
}
