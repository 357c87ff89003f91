import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseState, type SavedState } from '../../../src/cli/config/saved.ts';
import { MAX_HISTORY } from '../../../src/store/history.ts';
import { processUser } from '../../../src/cli/config/trust.ts';
import { StateFile } from '../../../src/cli/config/state-file.ts';

const isRoot = process.geteuid?.() === 0;

const EMPTY: SavedState = {
  version: 1,
  query: '',
  sort: { column: 'process', descending: false },
  group: null,
  columns: null,
  theme: null,
  serviceNames: false,
  views: [],
  known: [],
  history: [],
  panes: [],
};

const FULL: SavedState = {
  version: 1,
  query: 'port:443 "a\u{1f600}\n',
  sort: { column: 'rxRate', descending: true },
  group: 'host',
  columns: [{ id: 'pid' }, { id: 'process', width: 20 }],
  theme: 'mono',
  serviceNames: true,
  views: [
    { name: 'one', query: '' },
    {
      name: 'two',
      query: 'in',
      columns: [{ id: 'age' }],
      sort: { column: 'age', descending: false },
      group: 'ns',
    },
  ],
  known: [{ process: 'sshd', remote: '*', port: 22 }],
  history: ['a', 'b'],
  panes: ['details', 'events'],
};

let home: string;
let path: string;
let said: string[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'netpane-state-'));
  path = join(home, '.local', 'state', 'netpane', 'state.json');
  said = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const open = (root = isRoot): StateFile =>
  new StateFile({ HOME: home }, (message) => said.push(message), processUser(root ? 0 : 1000));

/** Writes contents to the path of the state file. */
function put(contents: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
}

const changed = (change: Partial<Record<keyof SavedState, unknown>>): string =>
  JSON.stringify({ ...FULL, ...change });

test('loads the state that was saved', () => {
  expect(open().load()).toBeUndefined();
  open().save(FULL);
  expect(open().load()).toEqual(FULL);
  open().save(EMPTY);
  expect(open().load()).toMatchObject({ query: '', columns: null, group: null });
  expect(said).toEqual([]);
});

test('only the user can read the file, and no temporary file is left', () => {
  open().save(FULL);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  expect(readdirSync(dirname(path))).toEqual(['state.json']);
});

describe('two netpanes at once', () => {
  const [ssh, web, dns] = ['sshd', 'nginx', 'dnsmasq'].map((process) => ({ process, remote: '*', port: 1 }));
  if (!ssh || !web || !dns) throw new Error('expected three');

  test('merge additions and removals; the layout of the last one wins', () => {
    open().save({ ...EMPTY, known: [ssh], views: [{ name: 'v', query: '1' }], history: ['h'] });
    const [one, two] = [open(), open()];
    one.load();
    two.load();
    one.save({
      ...EMPTY,
      query: 'of one',
      known: [ssh, web],
      views: [
        { name: 'v', query: '1' },
        { name: 'w', query: 'w' },
      ],
      history: ['h', 'h1'],
    });
    two.save({
      ...EMPTY,
      query: 'of two',
      known: [dns],
      views: [{ name: 'v', query: '2' }],
      history: ['h', 'h2'],
    });
    expect(open().load()).toEqual({
      ...EMPTY,
      query: 'of two',
      known: [web, dns],
      views: [
        { name: 'v', query: '2' },
        { name: 'w', query: 'w' },
      ],
      history: ['h1', 'h', 'h2'],
    });
    // It never loaded what the other one added, so it does not remove it.
    two.save({ ...EMPTY, known: [] });
    expect(open().load()).toMatchObject({ known: [web], views: [{ name: 'w', query: 'w' }] });
    expect(said).toEqual([]);
  });

  test('in any order of saves, lose only what was removed', () => {
    const act = fc.record({ who: fc.nat(1), port: fc.nat(5), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 12 }), (acts) => {
        rmSync(path, { force: true });
        const files = [open(), open()] as const;
        const own = [new Set<number>(), new Set<number>()] as const;
        const there = new Set<number>();
        for (const file of files) file.load();
        for (const { who, port, add } of acts) {
          const [file, mine] = who === 0 ? [files[0], own[0]] : [files[1], own[1]];
          if (add && !mine.has(port)) there.add(port);
          if (!add && mine.has(port)) there.delete(port);
          if (add) mine.add(port);
          else mine.delete(port);
          const known = [...mine].map((it) => ({ process: 'p', remote: '*', port: it }));
          file.save({ ...EMPTY, known });
        }
        expect(
          new Set(
            open()
              .load()
              ?.known.map(({ port }) => port),
          ),
        ).toEqual(there);
      }),
      { numRuns: 30 },
    );
  });
});

test('keeps the last queries of the history', () => {
  const history = Array.from({ length: MAX_HISTORY + 50 }, (_, i) => `q${i}`);
  open().save({ ...EMPTY, history });
  expect(open().load()?.history).toEqual(history.slice(50));
});

test('leaves out names that another version of netpane saved', () => {
  put(
    changed({
      columns: [{ id: 'phase', width: 3 }, { id: 'pid' }],
      sort: { column: 'phase', descending: true },
      group: 'phase',
      theme: 'pink',
      panes: ['phase', 'help', 'graph'],
      views: [{ name: 'v', query: '', columns: [{ id: 'phase' }], group: 'phase' }],
      more: 1,
    } as object),
  );
  expect(open().load()).toEqual({
    ...FULL,
    columns: [{ id: 'pid' }],
    sort: EMPTY.sort,
    group: null,
    theme: null,
    panes: ['graph'],
    views: [{ name: 'v', query: '' }],
  });
  expect(said).toEqual([]);
});

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
        said = [];
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
      said = [];
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
      said = [];
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
