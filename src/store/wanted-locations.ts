import type { ColumnId } from './columns.ts';
import { GEO_PARTS, type GeoPart, type LocationsState } from './locations.ts';
import type { GroupBy, State } from './state.ts';

/** Answers by which rows can be shown, sorted, grouped and found. */
type LocationUse = Pick<State, 'query' | 'columns' | 'sort' | 'group'>;

/** Returns the kinds of answers that the table needs. */
export function wantedParts({ query, columns, sort, group }: LocationUse): readonly GeoPart[] {
  const names: ReadonlySet<ColumnId | GroupBy | null> = new Set([
    ...(columns ?? []).map(({ id }) => id),
    sort.column,
    group,
  ]);
  return GEO_PARTS.filter((part) => query.geoParts.includes(part) || names.has(part));
}

const PART_NAMES: Readonly<Record<GeoPart, string>> = { country: 'countries', org: 'organisations' };

/** Returns what is missing to answer; undefined if nothing is, or nothing is known yet. */
export function missingText(parts: readonly GeoPart[], locations: LocationsState): string | undefined {
  if (locations === null || locations === 'pending') return undefined;
  const missing = parts.filter((part) => !locations.parts.has(part));
  if (missing.length === 0) return undefined;
  return `no file with ${missing.map((part) => PART_NAMES[part]).join(' and ')} (.mmdb of GeoLite2, DB-IP or ipinfo; --geo FILE names one)`;
}
