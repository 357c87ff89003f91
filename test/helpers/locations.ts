import { type GeoPart, GEO_PARTS, type Location, type Locations } from '../../src/store/locations.ts';

/** Files that know these addresses. @param known by address: country, then organisation as `AS1 Name` or `Name` */
export function fakeLocations(
  known: Readonly<Record<string, readonly [country?: string, org?: string]>>,
  parts: readonly GeoPart[] = GEO_PARTS,
  problems: readonly string[] = [],
): Locations {
  const locations = Object.entries(known).map(([address, [code, org]]): [string, Location] => {
    const [, asn, name] = /^(?:AS(\d+) ?)?(.*)$/s.exec(org ?? '') ?? [];
    return [
      address,
      {
        ...(code !== undefined && {
          country: { code, from: { path: '/geo/Country.mmdb', builtAtMs: Date.UTC(2026, 10, 1) } },
        }),
        ...(org !== undefined && {
          org: {
            ...(asn !== undefined && { asn: Number(asn) }),
            ...(name !== '' && name !== undefined && { name }),
            from: { path: '/geo/ASN.mmdb' },
          },
        }),
      },
    ];
  });
  const byAddress = new Map(locations);
  return { of: (address) => byAddress.get(address), parts: new Set(parts), problems };
}

/** Files with locations that are read when a test says so. */
export class FakeGeoFiles {
  /** Number of times that they were asked for. */
  reads = 0;
  #onLocations: (locations: Locations) => void = () => undefined;

  read(onLocations: (locations: Locations) => void): void {
    this.reads++;
    this.#onLocations = onLocations;
  }

  /** Completes the reading, or replaces the files. */
  answer(locations: Locations): void {
    this.#onLocations(locations);
  }
}
