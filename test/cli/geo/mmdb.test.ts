import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mmdb } from '../../../src/cli/geo/mmdb.ts';
import { mapOf, MmdbFault, type MmdbValue, MmdbValues } from '../../../src/cli/geo/mmdb-values.ts';
import { bitsOf } from '../../../src/model/address-bits.ts';
import { mmdbFile, mmdbValue } from '../../helpers/mmdb.ts';

const FOLDER = 'fixtures/geo';
const read = (name: string): Buffer => readFileSync(`${FOLDER}/${name}.mmdb`);

/** Returns a value without maps. */
const plain = (value: MmdbValue): unknown => {
  const map = mapOf(value);
  return map ? Object.fromEntries([...map].map(([key, it]) => [key, plain(it)])) : value;
};

const NO_KEY_LEFT_OUT = (): boolean => true;

/** Returns the record of an address; undefined if there is none. */
function lookUp(db: Mmdb, address: string): unknown {
  const offset = db.find(bitsOf(address) ?? 0);
  return offset === undefined ? undefined : plain(db.record(offset, NO_KEY_LEFT_OUT));
}

const ADDRESSES = [
  '81.2.69.142',
  '1.128.0.0',
  '1.1.1.1',
  '1.1.1.18',
  '0.0.0.0',
  '255.255.255.255',
  '::1:ffff:ffff',
  '2001:218::1',
  '::',
];

describe('files of MaxMind', () => {
  test('a file of countries', () => {
    const db = new Mmdb(read('GeoLite2-Country-Test'));
    expect([db.type, db.builtAtMs]).toEqual(['GeoLite2-Country', expect.any(Number)]);
    expect(lookUp(db, '81.2.69.142')).toMatchObject({ country: { iso_code: 'GB' } });
    expect(lookUp(db, '2001:218::1')).toMatchObject({ country: { iso_code: 'JP' } });
    expect(lookUp(db, '192.0.2.1')).toBeUndefined();
  });

  test('a file of organisations', () => {
    const db = new Mmdb(read('GeoLite2-ASN-Test'));
    expect(lookUp(db, '1.128.0.1')).toEqual({
      autonomous_system_number: 1221,
      autonomous_system_organization: 'Telstra Pty Ltd',
    });
  });

  test('a record leaves out the values of other keys', () => {
    const db = new Mmdb(read('GeoLite2-City-Test'));
    const offset = db.find(bitsOf('81.2.69.142') ?? 0) ?? 0;
    const record = db.record(offset, (key) => key === 'country' || key === 'iso_code');
    expect(plain(record)).toEqual({ country: { iso_code: 'GB' } });
  });

  test.each([24, 28, 32])('a tree with numbers of %i bits', (bits) => {
    const db = new Mmdb(read(`MaxMind-DB-test-mixed-${bits}`));
    expect(['1.1.1.1', '1.1.1.17', '1.1.1.33', '::1:ffff:ffff'].map((it) => lookUp(db, it))).toEqual([
      { ip: '::1.1.1.1' },
      { ip: '::1.1.1.16' },
      undefined,
      { ip: '::1:ffff:ffff' },
    ]);
  });

  test('a tree of IPv4 only knows no IPv6 address', () => {
    const db = new Mmdb(read('MaxMind-DB-test-ipv4-24'));
    expect([lookUp(db, '1.1.1.1'), lookUp(db, '::1:ffff:ffff')]).toEqual([{ ip: '1.1.1.1' }, undefined]);
  });

  test('a tree of IPv6 without IPv4 addresses', () => {
    expect(lookUp(new Mmdb(read('MaxMind-DB-no-ipv4-search-tree')), '1.1.1.1')).toBeDefined();
  });

  test('metadata with pointers', () => {
    expect(new Mmdb(read('MaxMind-DB-test-metadata-pointers')).type).toBe('Lots of pointers in metadata');
  });

  test('values of each type; those without a use are left out', () => {
    expect(lookUp(new Mmdb(read('MaxMind-DB-test-decoder')), '1.1.1.1')).toMatchObject({
      uint16: 100,
      uint32: 2 ** 28,
      utf8_string: 'unicode! ☯ - ♫',
      map: { mapX: { utf8_stringX: 'hello', arrayX: undefined } },
      double: undefined,
    });
  });
});

/** Looks up addresses in a file that may be damaged. Returns the faults; any other error is thrown. */
function faultsIn(bytes: Buffer): string[] {
  const faults: string[] = [];
  const attempt = <T>(act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof MmdbFault)) throw error;
      faults.push(error.message);
      return undefined;
    }
  };
  const db = attempt(() => new Mmdb(bytes));
  if (db) for (const address of ADDRESSES) attempt(() => lookUp(db, address));
  return faults;
}

describe('damaged files', () => {
  const names = readdirSync(`${FOLDER}/bad`).map((it) => `bad/${it.replace('.mmdb', '')}`);

  test.each([...names, 'MaxMind-DB-test-broken-pointers-24', 'MaxMind-DB-test-broken-search-tree-24'])(
    '%s',
    (name) => {
      expect(faultsIn(read(name)).toSorted()).toMatchSnapshot();
    },
  );

  test('any part of a file', () => {
    const bytes = read('MaxMind-DB-test-mixed-28');
    for (let length = 0; length < bytes.length; length++) {
      faultsIn(bytes.subarray(length));
      expect(faultsIn(bytes.subarray(0, length))).not.toEqual([]);
    }
  });

  test('any changed bytes', () => {
    const files = ['MaxMind-DB-test-mixed-24', 'MaxMind-DB-test-decoder', 'GeoLite2-ASN-Test'].map(read);
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(20_000), fc.nat(255)), { minLength: 1, maxLength: 20 }),
        (file, changes) => {
          const bytes = Buffer.from(file);
          for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
          faultsIn(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a pointer to itself, and maps whose values point back', () => {
    const readAt = (...bytes: number[]) => plain(new MmdbValues(Buffer.from(bytes)).read(0, NO_KEY_LEFT_OUT));
    expect(() => readAt(0x20, 0)).toThrow('nested too deep');
    // A map of 28 pairs, each of which is the map again: unbounded, this would be 56³² values.
    const pair = [0x20, 0, 0x20, 0];
    expect(() => readAt(0xfc, ...Array.from({ length: 28 }, () => pair).flat())).toThrow(MmdbFault);
    // A list said to have 16 million items.
    expect(() => readAt(0x1f, 4, 0xff, 0xff, 0xff)).toThrow('beyond the end');
  });

  test('lists in lists take no longer than one record may', () => {
    const wide = mmdbValue(Array.from({ length: 200 }, () => Array.from({ length: 200 }, () => 'x')));
    expect(() => new MmdbValues(wide).read(0, NO_KEY_LEFT_OUT)).toThrow('too many values');
  });

  test('a long text is cut', () => {
    const value = new MmdbValues(mmdbValue('x'.repeat(5000))).read(0, NO_KEY_LEFT_OUT);
    expect(value).toBe('x'.repeat(512));
  });
});

test('a written file has its records', () => {
  for (const recordBits of [24, 28, 32] as const) {
    const db = new Mmdb(
      mmdbFile({
        recordBits,
        builtAt: 86_400,
        records: { '192.0.2.0/24': { asn: 'AS1' }, '2001:db8::/32': { asn: 70_000 } },
      }),
    );
    expect(['192.0.2.9', '192.0.3.1', '2001:db8::1'].map((it) => lookUp(db, it))).toEqual([
      { asn: 'AS1' },
      undefined,
      { asn: 70_000 },
    ]);
    expect(db.builtAtMs).toBe(86_400_000);
  }
});
