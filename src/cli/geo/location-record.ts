import type { Location } from '../../store/locations.ts';
import { mapOf, type MmdbValue } from './mmdb-values.ts';

/** The country and organisation in one record of a file. */
export interface LocationRecord {
  readonly country?: string;
  readonly org?: Omit<NonNullable<Location['org']>, 'from'>;
}

/** Keys with a country, a number or a name in the files of MaxMind, DB-IP and ipinfo. */
const KEYS: ReadonlySet<string> = new Set([
  'country',
  'iso_code',
  'country_code',
  'traits',
  'autonomous_system_number',
  'autonomous_system_organization',
  'asn',
  'as_name',
  'name',
]);

/** Returns true for a key that `locationIn` reads. */
export const isLocationKey = (key: string): boolean => KEYS.has(key);

const textOf = (value: MmdbValue): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Returns a country code in capital letters; undefined for any other text. */
const codeOf = (value: MmdbValue): string | undefined => {
  const text = textOf(value);
  return text !== undefined && /^[a-z]{2}$/i.test(text) ? text.toUpperCase() : undefined;
};

/** Returns the number of an autonomous system: a number, or the text `AS13335`. */
const asnOf = (value: MmdbValue): number | undefined => {
  if (typeof value === 'number') return value;
  const [, digits] = /^(?:AS)?(\d{1,10})$/i.exec(textOf(value) ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
};

/** Returns what a record says of an address. */
export function locationIn(value: MmdbValue): LocationRecord {
  const record = mapOf(value);
  if (record === undefined) return {};
  const country =
    // `country` is a map in the files of MaxMind and DB-IP, and a code or a name in those of ipinfo.
    codeOf(mapOf(record.get('country'))?.get('iso_code')) ??
    codeOf(record.get('country_code')) ??
    codeOf(record.get('country'));
  // The larger files of MaxMind have the organisation in the map `traits`.
  const traits = record.has('autonomous_system_number') ? record : (mapOf(record.get('traits')) ?? record);
  const asn = asnOf(traits.get('autonomous_system_number')) ?? asnOf(record.get('asn'));
  const name =
    textOf(traits.get('autonomous_system_organization')) ??
    textOf(record.get('as_name')) ??
    (asn === undefined ? undefined : textOf(record.get('name')));
  return {
    ...(country !== undefined && { country }),
    ...((asn !== undefined || name !== undefined) && {
      org: { ...(asn !== undefined && { asn }), ...(name !== undefined && { name }) },
    }),
  };
}
