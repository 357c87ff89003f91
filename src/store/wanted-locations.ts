import type { ColumnId } from './columns.ts';
import { GEO_PARTS, type GeoPart, type LocationsState } from './locations.ts';
import type { GroupBy, State } from './state.ts';

/** The parts of the state by which the table may show, sort, group or find rows by location. */
type LocationUse = Pick<State, 'query' | 'columns' | 'sort' | 'group'>;

/** Returns the kinds of facts about locations that the table needs. */
export function wantedParts({ query, columns, sort, group }: LocationUse): readonly GeoPart[] {
  const names: ReadonlySet<ColumnId | GroupBy | null> = new Set([
    ...(columns ?? []).map(({ id }) => id),
    sort.column,
    group,
  ]);
  return GEO_PARTS.filter((part) => query.geoParts.includes(part) || names.has(part));
}

const PART_NAMES: Readonly<Record<GeoPart, string>> = { country: 'countries', org: 'organisations' };

/** Returns a message about the kinds of facts that no file has; undefined if there is none, or before the files are read. */
export function missingText(parts: readonly GeoPart[], locations: LocationsState): string | undefined {
  if (locations === null || locations === 'pending') return undefined;
  const missing = parts.filter((part) => !locations.parts.has(part));
  if (missing.length === 0) return undefined;
  return `no file with ${missing.map((part) => PART_NAMES[part]).join(' and ')} (.mmdb of GeoLite2, DB-IP or ipinfo; --geo FILE names one)`;
}
