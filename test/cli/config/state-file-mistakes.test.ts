import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseState } from '../../../src/cli/config/saved.ts';
import { processUser } from '../../../src/cli/config/trust.ts';
import { StateFile } from '../../../src/cli/config/state-file.ts';
import { isRoot, EMPTY, FULL, home, path, said, useHome, open, put, changed } from './state-scene.ts';

useHome();

describe('a file that cannot be used is moved aside and reported', () => {
  test.each([
    ['', 'it is not JSON'],
    ['{"version":1', 'it is not JSON'],
    ['['.repeat(100_000), 'it is not JSON'],
    ['null', 'it is not an object'],
    ['[]', 'it is not an object'],
    ['{}', 'version is not 1'],
    [changed({ version: 2 }), 'it was written by a newer netpane'],
    [changed({ version: '1' }), 'version is not 1'],
    [changed({ query: 1 }), 'query is not a string'],
    [changed({ sort: 'pid' }), 'sort is not an object'],
    [changed({ sort: { column: 'pid', descending: 1 } }), 'sort.descending is not true or false'],
    [changed({ columns: {} }), 'columns is not a list'],
    [changed({ columns: [{ id: 'pid', width: 0 }] }), 'columns[0].width is not a whole number from 1 to 120'],
    [changed({ serviceNames: null }), 'serviceNames is not true or false'],
    [changed({ views: [{ query: '' }] }), 'views[0].name is not a string'],
    [
      changed({ known: [FULL.known[0], { process: 'a', remote: 'b', port: 2 ** 32 }] }),
      'known[1].port is not a whole number from 0 to 4294967295',
    ],
    [changed({ history: [null] }), 'history[0] is not a string'],
    ['\uFFFD'.repeat(1_500_000), 'it is larger than 4 MiB'],
    [Uint8Array.of(0x7b, 0xff, 0x7d), 'it is not UTF-8 text'],
  ])('%#: %.20s', (contents, why) => {
    put(contents);
    const file = open();
    expect(file.load()).toBeUndefined();
    expect(said).toEqual([`saved state is invalid: ${why}; it was moved to ${path}.bad`]);
    expect(readFileSync(`${path}.bad`).equals(Buffer.from(contents))).toBe(true);
    file.save(FULL);
    expect(open().load()).toEqual(FULL);
    expect(said).toHaveLength(1);
  });

  test('also if it is damaged while netpane runs', () => {
    const file = open();
    put('damage');
    file.save(FULL);
    expect(said).toEqual([`saved state is invalid: it is not JSON; it was moved to ${path}.bad`]);
    expect(open().load()).toEqual(FULL);
  });

  test('never overwrites an older copy; with too many copies the file stays', () => {
    for (let i = 1; i <= 10; i++) {
      put(`damage ${i}`);
      open().load();
    }
    expect(readFileSync(`${path}.bad`, 'utf8')).toBe('damage 1');
    expect(readFileSync(`${path}.bad9`, 'utf8')).toBe('damage 9');
    expect(said.at(-1)).toBe(
      `saved state not loaded: ${path} is invalid: it is not JSON; remove its 9 older copies (${path}.bad…)`,
    );
    open().save(FULL);
    expect(readFileSync(path, 'utf8')).toBe('damage 10');
  });

  test('random bytes and random JSON cause no error and no loss', () => {
    const like = fc.record(
      Object.fromEntries(
        Object.entries(FULL).map(([key, value]) => [
          key,
          fc.oneof(fc.constant<unknown>(value), fc.jsonValue()),
        ]),
      ),
      { requiredKeys: [] },
    );
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((it) => Buffer.from(it)),
      like.map((it) => Buffer.from(JSON.stringify(it))),
    );
    fc.assert(
      fc.property(contents, (bytes) => {
        rmSync(dirname(path), { recursive: true, force: true });
        said.splice(0);
        put(bytes);
        const file = open();
        const state = file.load();
        const kept = state === undefined ? `${path}.bad` : path;
        expect(readFileSync(kept).equals(Buffer.from(bytes))).toBe(true);
        expect(said).toHaveLength(state === undefined ? 1 : 0);
        file.save(FULL);
        expect(open().load()).toMatchObject({ query: FULL.query });
        if (state === undefined) expect(readFileSync(kept).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });

  test('any JSON parses to a valid state or a DamagedState', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          const state = parseState(text);
          expect(parseState(JSON.stringify(state))).toEqual(state);
        } catch (error) {
          expect((error as Error).constructor.name).toBe('DamagedState');
        }
      }),
    );
  });
});

describe('reports once that the state cannot be saved', () => {
  test('without a home directory', () => {
    for (const environment of [{}, { HOME: '' }, { HOME: 'relative', XDG_STATE_HOME: 'relative' }]) {
      said.splice(0);
      const file = new StateFile(environment, (message) => said.push(message), processUser(1000));
      expect(file.load()).toBeUndefined();
      file.save(FULL);
      expect(said).toEqual(['saved state not loaded: HOME is not set']);
    }
  });

  test('if the directory cannot be created', () => {
    writeFileSync(join(home, '.local'), '');
    const file = open();
    expect(file.load()).toBeUndefined();
    file.save(FULL);
    file.save(EMPTY);
    expect(said).toEqual([expect.stringMatching(/^saved state not updated: .*state\.json: E\w+: [a-z ]+$/)]);
  });

  test.skipIf(isRoot)('in a read-only directory (skipped as root, who may write anywhere)', () => {
    open().save(FULL);
    chmodSync(dirname(path), 0o500);
    const file = open();
    expect(file.load()).toEqual(FULL);
    file.save(EMPTY);
    file.save(EMPTY);
    // The folder is removed after the test.
    chmodSync(dirname(path), 0o700);
    expect(said).toEqual([`saved state not updated: ${path}: EACCES: permission denied`]);
    expect(open().load()).toEqual(FULL);
  });

  test('if a directory has its path', () => {
    mkdirSync(path, { recursive: true });
    const file = open();
    expect(file.load()).toBeUndefined();
    file.save(FULL);
    expect(said).toEqual([
      expect.stringContaining('it is a directory, not a file; it cannot be moved aside: E'),
    ]);
  });

  test('a state that is too large, and keeps the old one', () => {
    open().save(FULL);
    open().save({ ...EMPTY, query: 'x'.repeat(5_000_000) });
    expect(said).toEqual(['saved state not updated: it is larger than 4 MiB']);
    expect(open().load()).toEqual(FULL);
  });

  test('a symbolic link, which it neither follows nor replaces', () => {
    const elsewhere = join(home, 'elsewhere');
    writeFileSync(elsewhere, JSON.stringify(FULL));
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(elsewhere, path);
    const file = open();
    expect(file.load()).toBeUndefined();
    file.save(EMPTY);
    expect(said).toEqual([`saved state not loaded: ${path} is a symbolic link`]);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(elsewhere, 'utf8')).toBe(JSON.stringify(FULL));
  });

  test.runIf(isRoot)('as root, for a file or directory of another user (skipped otherwise)', () => {
    open().save(FULL);
    const before = readFileSync(path, 'utf8');
    for (const its of [path, dirname(path), home]) {
      chownSync(its, 4242, 4242);
      said.splice(0);
      const file = open();
      expect(file.load()).toBeUndefined();
      file.save(EMPTY);
      expect(said).toEqual([`saved state not loaded: ${its} is owned by user 4242, not by root`]);
      chownSync(its, 0, 0);
    }
    expect(readFileSync(path, 'utf8')).toBe(before);
    rmSync(join(home, '.local'), { recursive: true });
    chownSync(home, 4242, 4242);
    open().save(FULL);
    expect(existsSync(join(home, '.local'))).toBe(false);
  });
});
