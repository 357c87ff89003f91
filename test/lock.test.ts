import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { useFolders } from './helpers/folder.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

type Entry = Readonly<Record<string, unknown>>;
interface Lock {
  readonly packages: Record<string, Entry>;
}

const TEXT = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');

const { mistakesOf } = (await import(new URL('../.config/lock-entries.mjs', import.meta.url).href)) as {
  mistakesOf: (lock: unknown) => string[];
};

const newFolder = useFolders();

/** Runs the check of `npm test` on a lock file, in a copy of the project. */
function runCheck(lock: string): { passed: boolean; output: string } {
  const copy = newFolder();
  mkdirSync(join(copy, '.config'));
  for (const name of ['.config/check-lock.mjs', '.config/lock-entries.mjs'])
    cpSync(join(ROOT, name), join(copy, name));
  writeFileSync(join(copy, 'package-lock.json'), lock);
  const { status, stderr } = spawnSync(process.execPath, [join(copy, '.config', 'check-lock.mjs')], {
    encoding: 'utf8',
  });
  return { passed: status === 0, output: stderr };
}

/** Returns the lock file of the project with a change. */
function edited(change: (lock: Lock) => unknown): unknown {
  const lock = JSON.parse(TEXT) as Lock;
  return change(lock) ?? lock;
}

test('accepts the lock file of the project', () => {
  expect(runCheck(TEXT)).toEqual({ passed: true, output: '' });
});

test('npm test runs the check', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(scripts['check:lock']).toBe('node .config/check-lock.mjs');
  expect(scripts['check']).toBe('node .config/check.mjs');
  expect(scripts['test']).toContain('npm run -s check ');
});

describe('rejects a lock file', () => {
  const GOOD = { version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==` };
  const BAD_ENTRIES: readonly (readonly [name: string, entry: Entry, message: string])[] = [
    ['without an integrity', { version: '1.0.0' }, 'has no integrity'],
    [
      'with a weak hash',
      { ...GOOD, integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
      'has an integrity other than SHA-512',
    ],
    [
      'with a weak and a strong hash',
      { ...GOOD, integrity: `sha1-aaaa ${GOOD.integrity}` },
      'has an integrity other than SHA-512',
    ],
    [
      'with the name of a host',
      { ...GOOD, resolved: 'https://registry.example/added.tgz' },
      'has a download URL',
    ],
    [
      'with a package from git',
      { ...GOOD, version: 'git+ssh://git@example.org/a.git#1' },
      'has no registry version',
    ],
    ['with a link to a folder', { ...GOOD, link: true, resolved: '../elsewhere' }, 'is a link to a folder'],
    ['with an alias of another package', { ...GOOD, name: 'other' }, 'is an alias of the package other'],
    [
      'with an install script that is not allowed',
      { ...GOOD, hasInstallScript: true },
      'has an install script',
    ],
  ];
  test.each(BAD_ENTRIES)('%s', (_, entry, message) => {
    const path = 'node_modules/deep/node_modules/added';
    const lock = edited(({ packages }) => {
      packages[path] = entry;
    });
    expect(mistakesOf(lock)).toContainEqual(expect.stringContaining(`${path} ${message}`));
  });

  test('with an entry that lost its integrity', () => {
    const lock = edited(({ packages }) => {
      const { integrity: _, ...rest } = packages['node_modules/blessed'] ?? {};
      packages['node_modules/blessed'] = rest;
    });
    expect(runCheck(JSON.stringify(lock))).toEqual({
      passed: false,
      output: 'netpane: package-lock.json: node_modules/blessed has no integrity: npm run lock adds it\n',
    });
  });

  test.each([
    ['without packages', (lock: Lock) => ({ ...lock, packages: { '': {} } })],
    ['of an older format', (lock: Lock) => ({ ...lock, lockfileVersion: 2 })],
  ])('%s', (_, change) => {
    expect(mistakesOf(edited(change))).toEqual(['it lists no packages, or in an old format']);
  });
});
