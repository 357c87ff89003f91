import { expect, test } from 'vitest';
import { isLocationKey, locationIn } from '../../../src/cli/geo/location-record.ts';
import { MmdbValues } from '../../../src/cli/geo/mmdb-values.ts';
import { type MmdbWritten, mmdbValue } from '../../helpers/mmdb.ts';

const read = (record: MmdbWritten) => locationIn(new MmdbValues(mmdbValue(record)).read(0, isLocationKey));

test('records of MaxMind and DB-IP', () => {
  const country = { geoname_id: 1, iso_code: 'DE', names: { en: 'Germany' } };
  expect(read({ continent: { code: 'EU' }, country, registered_country: { iso_code: 'FR' } })).toEqual({
    country: 'DE',
  });
  expect(read({ autonomous_system_number: 13_335, autonomous_system_organization: 'CLOUDFLARENET' })).toEqual(
    { org: { asn: 13_335, name: 'CLOUDFLARENET' } },
  );
  expect(
    read({ country, traits: { autonomous_system_number: 1, autonomous_system_organization: 'Level 3' } }),
  ).toEqual({ country: 'DE', org: { asn: 1, name: 'Level 3' } });
  // Where a network is registered is not where it is.
  expect(read({ registered_country: { iso_code: 'FR' } })).toEqual({});
});

test('records of ipinfo', () => {
  expect(
    read({ country: 'Germany', country_code: 'DE', asn: 'AS24940', as_name: 'Hetzner Online GmbH' }),
  ).toEqual({ country: 'DE', org: { asn: 24_940, name: 'Hetzner Online GmbH' } });
  expect(read({ country: 'us', name: 'Ashburn' })).toEqual({ country: 'US' });
  expect(read({ asn: 'AS15169', name: 'Google LLC', domain: 'google.com' })).toEqual({
    org: { asn: 15_169, name: 'Google LLC' },
  });
});

test('anything else says nothing', () => {
  for (const record of [
    'text',
    7,
    ['DE'],
    {},
    { country: 'Germany', asn: 'ASx' },
    { country: { iso_code: 'D\x1b' } },
    { country: { iso_code: { iso_code: 'DE' } }, asn: {}, as_name: 5, traits: 3 },
  ])
    expect(read(record)).toEqual({});
});
