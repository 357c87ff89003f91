import { figure, tableText } from './stats.ts';

/** A target for one figure. */
export interface Target {
  readonly what: string;
  readonly bound: 'at most' | 'at least';
  readonly limit: number;
  readonly unit: string;
  /** Undefined if it was not measured. */
  readonly value: number | undefined;
}

/** Returns a target with an upper limit. */
export const atMost = (what: string, limit: number, unit: string, value: number | undefined): Target => ({
  what,
  bound: 'at most',
  limit,
  unit,
  value,
});

/** Formats the targets and whether they are met. */
export function targetsText(targets: readonly Target[]): string {
  const rows = targets.map(({ what, bound, limit, unit, value }) => {
    const isUpper = bound === 'at most';
    const limitText = `${isUpper ? '≤' : '≥'} ${limit} ${unit}`.trimEnd();
    if (value === undefined) return [what, 'not measured', limitText, ''];
    const isMet = isUpper ? value <= limit : value >= limit;
    return [what, figure(value), limitText, isMet ? 'met' : 'NOT MET'];
  });
  return `\n${tableText([['target', 'value', 'limit', ''], ...rows])}`;
}
