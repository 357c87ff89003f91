import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GeoFiles } from '../../../src/cli/geo/geo-files.ts';
import { partsOf, usualFolders, usualPaths } from '../../../src/cli/geo/geo-paths.ts';
import { lookupsFor } from '../../../src/cli/geo/lookups.ts';
import type { Location, Locations } from '../../../src/store/locations.ts';
import { queryFrom } from '../../helpers/fakes.ts';
import { mmdbFile, mmdbValue } from '../../helpers/mmdb.ts';

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'netpane-geo-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const COUNTRY = 'GeoLite2-Country-Test.mmdb';
const ASN = 'GeoLite2-ASN-Test.mmdb';
const inFolder = (name: string): string => join(folder, name);
const copied = (name: string, to = name): string => {
  copyFileSync(`fixtures/geo/${name}`, inFolder(to));
  return inFolder(to);
};
const written = (name: string, bytes: Buffer): string => {
  // As geoipupdate does: a new file takes the place of the one before.
  writeFileSync(inFolder(`${name}.new`), bytes);
  renameSync(inFolder(`${name}.new`), inFolder(name));
  return inFolder(name);
};
const filesOf = (...paths: string[]): GeoFiles => new GeoFiles(() => Promise.resolve(paths));
const shortOf = (location: Location | undefined) => location && [location.country?.code, location.org?.asn];

describe('the usual directories', () => {
  test('that of the user comes first', () => {
    expect(usualFolders({ HOME: '/home/ana' })[0]).toBe('/home/ana/.local/share/GeoIP');
    expect(usualFolders({ HOME: '/home/ana', XDG_DATA_HOME: '/data' })[0]).toBe('/data/GeoIP');
    expect(usualFolders({ XDG_DATA_HOME: 'relative' })).toEqual([
      '/usr/share/GeoIP',
      '/usr/local/share/GeoIP',
      '/var/lib/GeoIP',
    ]);
  });

  test('the smallest kind of file is used, and the latest of several', async () => {
    const other = inFolder('other');
    mkdirSync(other);
    for (const name of [
      'GeoLite2-City.mmdb',
      'dbip-country-lite-2026-10.mmdb',
      'dbip-country-lite-2026-11.mmdb',
      'GeoIP.dat',
      'unknown.mmdb',
    ])
      writeFileSync(inFolder(name), '');
    writeFileSync(join(other, 'GeoLite2-ASN.mmdb'), '');
    expect(await usualPaths([folder, inFolder('missing'), other])).toEqual([
      inFolder('dbip-country-lite-2026-11.mmdb'),
      join(other, 'GeoLite2-ASN.mmdb'),
    ]);
  });

  test('a file is found among many others', async () => {
    for (let i = 0; i < 1000; i++) writeFileSync(inFolder(`${i}.txt`), '');
    writeFileSync(inFolder('asn.mmdb'), '');
    expect(await usualPaths([folder])).toEqual([inFolder('asn.mmdb')]);
  });

  test('one file for both answers is read once', async () => {
    writeFileSync(inFolder('ipinfo_lite.mmdb'), '');
    expect(await usualPaths([folder])).toEqual([inFolder('ipinfo_lite.mmdb')]);
  });
});

test('what a file knows follows from its names', () => {
  expect(partsOf('/a/GeoLite2-ASN.mmdb', 'GeoLite2-ASN')).toEqual(['org']);
  expect(partsOf('/a/x.mmdb', 'DBIP-Country-Lite')).toEqual(['country']);
  expect(partsOf('/a/ipinfo_lite.mmdb', 'ipinfo bundle_location_lite.mmdb')).toEqual(['country', 'org']);
  expect(partsOf('/a/mine.mmdb', 'mine')).toEqual(['country', 'org']);
});

test('answers of several files, each with its source', async () => {
  const [country, asn] = [copied(COUNTRY), copied(ASN)];
  const { of, parts, problems } = await filesOf(country, asn).load();
  expect([...parts, ...problems]).toEqual(['country', 'org']);
  expect(of('81.2.69.142')?.country).toEqual({
    code: 'GB',
    from: { path: country, builtAtMs: expect.any(Number) as number },
  });
  expect(of('1.128.0.1')?.org).toMatchObject({ asn: 1221, name: 'Telstra Pty Ltd', from: { path: asn } });
  expect(of('192.0.2.1')).toBeUndefined();
});

test('the first file with an answer counts', async () => {
  const one = written('one.mmdb', mmdbFile({ records: { '192.0.2.0/24': { country: 'DE' } } }));
  const two = written('two.mmdb', mmdbFile({ records: { '192.0.2.0/24': { country: 'FR', asn: 'AS7' } } }));
  expect(shortOf((await filesOf(one, two).load()).of('192.0.2.1'))).toEqual(['DE', 7]);
});

test('private addresses and those of this machine have no location, whatever a file says', async () => {
  const path = written(
    'all.mmdb',
    mmdbFile({
      records: {
        '0.0.0.0/1': { country: 'DE' },
        '128.0.0.0/1': { country: 'DE' },
        'fe80::/10': { country: 'DE' },
      },
    }),
  );
  const { of } = await filesOf(path).load();
  expect(
    ['8.8.8.8', '10.1.2.3', '127.0.0.1', '192.168.1.1', 'fe80::1', 'not an address'].map((it) =>
      shortOf(of(it)),
    ),
  ).toEqual([['DE', undefined], undefined, undefined, undefined, undefined, undefined]);
});

describe('files that cannot be used are named with the reason, and the others stay', () => {
  const isFifo = spawnSync('mkfifo', ['--version']).status === 0;
  test.each<[string, (path: string) => void, string]>([
    ['a missing file', () => undefined, 'ENOENT: no such file or directory'],
    ['a directory', (path) => mkdirSync(path), 'not a regular file'],
    ...(isFifo
      ? [
          ['a pipe', (path: string) => void spawnSync('mkfifo', [path]), 'not a regular file'] as [
            string,
            (path: string) => void,
            string,
          ],
        ]
      : []),
    ['an empty file', (path) => writeFileSync(path, ''), 'damaged: no metadata at its end'],
    [
      'a truncated file',
      (path) => {
        copyFileSync(`fixtures/geo/${COUNTRY}`, path);
        truncateSync(path, 9000);
      },
      'damaged: no metadata at its end',
    ],
    [
      'a huge file',
      (path) => {
        writeFileSync(path, '');
        truncateSync(path, 257 * 1024 * 1024);
      },
      'larger than 256 MiB',
    ],
  ])('%s', async (_, make, reason) => {
    const path = inFolder('\x1b[2Jbad.mmdb');
    make(path);
    const reported: string[] = [];
    const files = new GeoFiles(
      () => Promise.resolve([path, copied(ASN)]),
      (text) => reported.push(text),
    );
    const { of, problems } = await files.load();
    expect(problems).toEqual([expect.stringContaining(`bad.mmdb: ${reason}`)]);
    expect(problems).toEqual(reported);
    expect(problems.join('')).not.toContain('\x1b');
    expect(of('1.128.0.1')?.org?.asn).toBe(1221);
  });

  test('a file in which a lookup finds damage is no longer used', async () => {
    const record = { country: 'DE' };
    const bytes = mmdbFile({ records: { '192.0.2.0/24': record } });
    bytes[bytes.indexOf(mmdbValue(record))] = 0;
    const bad = written('bad.mmdb', bytes);
    const seen: Locations[] = [];
    await filesOf(bad, copied(ASN)).follow((it) => seen.push(it));
    expect(seen[0]?.problems).toEqual([]);
    expect(seen[0]?.of('192.0.2.1')).toBeUndefined();
    await vi.waitFor(() => expect(seen.at(-1)?.problems).toEqual([`${bad}: damaged: unknown type 78`]));
    expect(seen.at(-1)?.of('1.128.0.1')?.org?.asn).toBe(1221);
  });

  test('a command, which reads the files once, does not use it either', async () => {
    const record = { country: 'DE' };
    const bytes = mmdbFile({ records: { '192.0.2.0/24': record, '198.51.100.0/24': { country: 'FR' } } });
    bytes[bytes.indexOf(mmdbValue(record))] = 0;
    const reported: string[] = [];
    const files = new GeoFiles(
      () => Promise.resolve([written('bad.mmdb', bytes)]),
      (text) => reported.push(text),
    );
    const { of } = await files.load();
    expect(shortOf(of('198.51.100.1'))).toEqual(['FR', undefined]);
    expect([of('192.0.2.1'), of('198.51.100.1')]).toEqual([undefined, undefined]);
    expect(reported).toHaveLength(1);
  });
});

test('a replaced file is read again; a damaged one is named, and the one before stays in use', async () => {
  const path = written(
    'mine.mmdb',
    mmdbFile({ builtAt: 86_400 * 1.5, records: { '192.0.2.0/24': { country: 'DE' } } }),
  );
  const seen: Locations[] = [];
  await filesOf(path).follow((it) => seen.push(it), 5);
  expect(shortOf(seen[0]?.of('192.0.2.1'))).toEqual(['DE', undefined]);
  written('mine.mmdb', Buffer.from('damaged'));
  await vi.waitFor(() => expect(seen).toHaveLength(2));
  expect(seen[1]?.problems).toEqual([
    `${path}: damaged: no metadata at its end: not a MaxMind DB file, or only a part of one; the one of 1970-01-02 is still used`,
  ]);
  expect(shortOf(seen[1]?.of('192.0.2.1'))).toEqual(['DE', undefined]);
  written('mine.mmdb', mmdbFile({ builtAt: 172_800, records: { '192.0.2.0/24': { country: 'FR' } } }));
  await vi.waitFor(() => expect(seen).toHaveLength(3));
  expect([seen[2]?.problems, shortOf(seen[2]?.of('192.0.2.1'))]).toEqual([[], ['FR', undefined]]);
});

describe('a command', () => {
  test('reads no file that it does not need', async () => {
    let isRead = false;
    const files = new GeoFiles(() => {
      isRead = true;
      return Promise.resolve([]);
    });
    expect((await lookupsFor(queryFrom('port:443'), files)).locations).toBeNull();
    expect(isRead).toBe(false);
  });

  test('ends with the reason if a query cannot be answered', async () => {
    await expect(lookupsFor(queryFrom('asn:1'), filesOf(copied(COUNTRY)))).rejects.toThrow(
      'no file with organisations (.mmdb of GeoLite2, DB-IP or ipinfo; --geo FILE names one)',
    );
    const { locations } = await lookupsFor(queryFrom('country:GB'), filesOf(copied(COUNTRY)));
    expect(locations).toMatchObject({ problems: [] });
  });
});
