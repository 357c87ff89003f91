import { readFileSync } from 'node:fs';
import { isLocationKey, locationIn } from '../../../src/cli/geo/location-record.ts';
import { Mmdb } from '../../../src/cli/geo/mmdb.ts';
import { MmdbFault } from '../../../src/cli/geo/mmdb-values.ts';
import { bitsOf } from '../../../src/model/address-bits.ts';
import { mmdbFile } from '../../helpers/mmdb.ts';
import { bytesSession } from '../bytes-session.ts';
import type { Target } from '../target.ts';

const FILES = [
  ...[
    'GeoLite2-ASN-Test',
    'GeoLite2-Country-Test',
    'MaxMind-DB-test-decoder',
    'MaxMind-DB-test-mixed-28',
  ].map((name) => readFileSync(`fixtures/geo/${name}.mmdb`)),
  // Small: a mutation is likely to be in its tree or its metadata.
  mmdbFile({ records: { '192.0.0.0/4': { country_code: 'DE', asn: 'AS1', as_name: 'One' } } }),
];
const ADDRESSES = ['81.2.69.142', '1.128.0.0', '1.1.1.1', '192.0.2.1', '2001:218::1', '::'];

export const geo: Target = {
  about: 'files with countries and organisations: decoder of MaxMind DB',
  inputsPerSession: 20,
  suiteRuns: 3000,
  open: (random) => {
    return bytesSession(random, FILES, (input) => {
      try {
        const db = new Mmdb(Buffer.from(input));
        for (const address of ADDRESSES) {
          const offset = db.find(bitsOf(address) ?? 0);
          if (offset === undefined) continue;
          const { country, org } = locationIn(db.record(offset, isLocationKey));
          if (country !== undefined && !/^[A-Z]{2}$/.test(country)) throw new Error(`the country ${country}`);
          if (org?.asn !== undefined && !(org.asn >= 0)) throw new Error(`the number ${org.asn}`);
          if ((org?.name ?? '').length > 512) throw new Error('a name that is too long');
        }
        return 'accepted';
      } catch (error) {
        if (error instanceof MmdbFault) return 'refused';
        throw error;
      }
    });
  },
};
