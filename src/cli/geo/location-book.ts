import { bitsOf } from '../../model/address-bits.ts';
import { Cache } from '../../model/cache.ts';
import { reachOf } from '../../model/reach.ts';
import type { Location, GeoFile, GeoPart, Locations } from '../../store/locations.ts';
import type { Mmdb } from './mmdb.ts';
import { isLocationKey, locationIn, type LocationRecord } from './location-record.ts';

/** Maximum number of addresses, and of records of each file, whose answers are kept. */
const MAX_KEPT = 50_000;

/** A file in memory. */
export interface LoadedFile extends GeoFile {
  readonly db: Mmdb;
  /** Facts that it knows. */
  readonly parts: readonly GeoPart[];
}

/** A file with the records that were read. */
interface OpenFile extends LoadedFile {
  readonly records: Cache<number, LocationRecord>;
}

/** Answers from files in memory. Country and organisation each come from the first file that knows them. */
export class LocationBook implements Locations {
  readonly parts: ReadonlySet<GeoPart>;
  readonly problems: readonly string[];
  /** The files in use. One in which a lookup finds damage is removed: its other answers may be wrong too. */
  #files: readonly OpenFile[];
  readonly #onFault: (file: GeoFile, error: unknown) => void;
  #answers = new Cache<string, Location | 'unknown'>(MAX_KEPT);

  /** @param onFault called once with a file that turns out to be damaged; it gives no more answers */
  constructor(
    files: readonly LoadedFile[],
    problems: readonly string[],
    onFault: (file: GeoFile, error: unknown) => void,
  ) {
    this.#files = files.map((file) => ({ ...file, records: new Cache(MAX_KEPT) }));
    this.parts = new Set(files.flatMap(({ parts }) => parts));
    this.problems = problems;
    this.#onFault = onFault;
  }

  readonly of = (address: string): Location | undefined => {
    let answer = this.#answers.get(address);
    if (answer === undefined) {
      answer = this.#find(address);
      this.#answers.set(address, answer);
    }
    return answer === 'unknown' ? undefined : answer;
  };

  #find(address: string): Location | 'unknown' {
    // A private address is another host in each network: a file that has it is wrong.
    if (reachOf(address) !== 'public') return 'unknown';
    let location: Location = {};
    for (const file of this.#files) {
      const { country, org } = this.#record(file, address);
      const from: GeoFile = {
        path: file.path,
        ...(file.builtAtMs !== undefined && { builtAtMs: file.builtAtMs }),
      };
      if (location.country === undefined && country !== undefined)
        location = { ...location, country: { code: country, from } };
      if (location.org === undefined && org !== undefined) location = { ...location, org: { ...org, from } };
    }
    return location.country || location.org ? location : 'unknown';
  }

  #record(file: OpenFile, address: string): LocationRecord {
    const bits = bitsOf(address);
    if (bits === undefined) return {};
    try {
      const offset = file.db.find(bits);
      if (offset === undefined) return {};
      let record = file.records.get(offset);
      if (record === undefined) {
        record = locationIn(file.db.record(offset, isLocationKey));
        file.records.set(offset, record);
      }
      return record;
    } catch (error) {
      this.#files = this.#files.filter((it) => it !== file);
      this.#answers = new Cache(MAX_KEPT);
      this.#onFault(file, error);
      return {};
    }
  }
}
