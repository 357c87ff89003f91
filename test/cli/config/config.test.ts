import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/cli/config/load.ts';
import { parseConfig } from '../../../src/cli/config/parse.ts';
import { configPath, statePath } from '../../../src/cli/config/paths.ts';
import { configText, pathsText } from '../../../src/cli/config/print.ts';
import { type FileSettings, resolveSettings, type PartialSettings } from '../../../src/cli/resolve.ts';
import { MAX_COLUMN_WIDTH } from '../../../src/store/columns.ts';
import { GROUPS } from '../../../src/store/state.ts';
import { UsageError } from '../../../src/cli/values.ts';
import { printable } from '../../../src/model/text.ts';
import { SOURCE_NAMES } from '../../../src/source/index.ts';
import { EXTRA_KINDS } from '../../../src/source/types.ts';
import { PALETTES } from '../../../src/store/state.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { root } from '../../helpers/herd.ts';

const anyQuery = (): undefined => undefined;

const parse = (text: string, check: (text: string) => string | undefined = anyQuery): FileSettings =>
  parseConfig('f', text, check);

/** Returns the messages about a configuration; empty if it is valid. */
function complaints(act: () => unknown): readonly string[] {
  try {
    act();
    return [];
  } catch (error) {
    if (error instanceof UsageError) return error.lines;
    throw error;
  }
}

describe('parses', () => {
  test('every key', () => {
    const { settings, lines } = parse(`
interval = "500ms"
linger = "0s"
max-load = 12.5
event-buffer = 2048
events = 100
source = "proc"
also = ["vsock", "unix", "unix"]
theme = "mono"
query = "port:443"
sort = "-rxRate"
group = "host"
columns = ["process:20", "pid"]
service-names = true
mouse = false
restore = "none"

[[view]]
name = "mail"
query = "port:25"
columns = ["pid:7"]
sort = "age"
group = "user"

[[view]]
name = "plain"
group = "none"
`);
    expect(settings).toEqual({
      intervalMs: 500,
      lingerMs: 0,
      maxShare: 0.125,
      eventBufferKiB: 2048,
      eventsKept: 100,
      source: 'proc',
      also: ['unix', 'vsock'],
      palette: 'mono',
      query: 'port:443',
      sort: { column: 'rxRate', descending: true },
      group: 'host',
      columns: [{ id: 'process', width: 20 }, { id: 'pid' }],
      serviceNames: true,
      mouse: false,
      restore: 'none',
      views: [
        {
          name: 'mail',
          query: 'port:25',
          columns: [{ id: 'pid', width: 7 }],
          sort: { column: 'age', descending: false },
          group: 'user',
        },
        { name: 'plain', query: '' },
      ],
    });
    expect(lines).toMatchObject({ intervalMs: [2], restore: [16], views: [18, 25] });
  });

  test.each([
    ['', {}],
    ['# nothing', {}],
    ['mouse = true\r\n"linger" = \'1s\'\r\n', { mouse: true, lingerMs: 1000 }],
    ['max-load = "20%"', { maxShare: 0.2 }],
    ['max-load = "20"', { maxShare: 0.2 }],
    ['max-load = 20.0', { maxShare: 0.2 }],
    ['group = "none"', { group: null }],
    ['also = []', { also: [] }],
    ['view = []', { views: [] }],
    ['view = [{ name = "v", query = "a" }]', { views: [{ name: 'v', query: 'a' }] }],
  ])('%j', (text, settings) => {
    expect(parse(text).settings).toEqual(settings);
  });
});

test('printed settings contain no control characters and survive parsing', () => {
  const query = '"\x9b31m\u202e\u200b\u{e0041}\x7f \u2028"';
  const views = [{ name: '\x9b\u2066', query: '\x1b]0;x\x07' }];
  const { settings, origins } = resolveSettings({ query, views }, {});
  const text = configText(settings, origins);
  expect(text.replaceAll('\n', '')).toMatch(/^[\x20-\x7e]*$/);
  expect(parse(text).settings).toMatchObject({ query, views });
});

test('settings printed for a locale other than UTF-8 are ASCII and survive parsing', () => {
  const query = 'process:"töö 漢😀"';
  const views = [{ name: 'größe…', query: 'user:é' }];
  const { settings, origins } = resolveSettings({ query, views }, {});
  const text = configText(settings, origins, false);
  expect(text).toMatch(/^\p{ASCII}*$/u);
  expect(parse(text).settings).toMatchObject({ query, views });
});

describe('reports mistakes', () => {
  test('all at once, in the order of the file', async () => {
    const check = (text: string) => (text.includes('two') ? 'at column 1: there is no two' : undefined);
    const text = readFileSync(join(root, 'fixtures', 'config', 'mistakes.toml'), 'utf8');
    const lines = complaints(() => parseConfig('config.toml', text, check));
    await expect(`${lines.map(printable).join('\n')}\n`).toMatchFileSnapshot(
      join(root, 'fixtures', 'config', 'mistakes.txt'),
    );
  });

  test.each([
    ['a = ', 'f:1:5: invalid TOML: invalid value'],
    [
      'mouse = true\nmouse = true',
      'f:2:1: invalid TOML: trying to redefine an already defined table or value',
    ],
    ['events = 99999999999999999999', 'f:1:10: invalid TOML: integer value cannot be represented losslessly'],
    [`a = ${'['.repeat(5000)}`, /^f:1:\d+: invalid TOML: /],
  ])('in text that is not TOML: %.40s', (text, message) => {
    const [lines, ...more] = complaints(() => parse(text));
    expect(lines).toMatch(message);
    expect(more).toEqual([]);
  });

  test.each([
    ['view = 1', ['f:1: view takes tables: [[view]], not 1']],
    ['[view]\nname = "v"', ['f:1: view takes tables: [[view]], not a table']],
    [
      'view = [1, 1979-05-27]',
      ['f:1: view takes tables: [[view]], not 1', 'f:1: view takes tables: [[view]], not a date'],
    ],
    [
      '[[view]]\nname = " "\n[[view]]\nname = "new"',
      [
        expect.stringMatching(/^f:2: view.name takes a name other than all, .*, not an empty value$/),
        expect.stringMatching(/^f:4: view.name takes a name other than all, .*, not 'new'$/),
      ],
    ],
    [
      'toString = 1\n__proto__.a = 1\n[constructor]',
      [
        expect.stringMatching(/^f:1: unknown key toString/),
        expect.stringMatching(/^f:2: unknown key __proto__/),
        expect.stringMatching(/^f:3: unknown key constructor/),
      ],
    ],
    ['Mouse = true', ['f:1: unknown key Mouse: did you mean mouse?']],
    ['sevice_names = true', ['f:1: unknown key sevice_names: did you mean service-names?']],
    [`query = ["${'x'.repeat(99)}"]`, ['f:1: query takes a query, not a list']],
    [`sort = "${'x'.repeat(99)}"`, [expect.stringContaining(`not '${'x'.repeat(60)}…'`)]],
  ])('%.60j', (text, lines) => {
    expect(complaints(() => parse(text))).toEqual(lines);
  });

  test('up to a maximum, and counts the rest', () => {
    const lines = complaints(() => parse(Array.from({ length: 5000 }, (_, i) => `k${i} = 1\n`).join('')));
    expect(lines).toHaveLength(101);
    expect(lines[100]).toBe('f: 4900 more mistakes');
  });

  test('random text and random TOML give settings, or mistakes with a line', () => {
    const bare = fc.constantFrom(
      'interval',
      'view',
      'columns',
      'sort',
      'x',
      '"a.b"',
      "'é'",
      'view.name',
      'mouse',
    );
    const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom('1', '-1.5', 'true', '"pid"', "'1s'", '1979-05-27 07:32:00', 'nan', '"""a\n"b\\""""'),
        fc.array(tie('value')).map((items) => `[ # [\n${items.join(',\n')}]`),
        fc
          .uniqueArray(fc.constantFrom('a', 'name', 'query'))
          .map((keys) => `{${keys.map((key) => `${key}=1`).join()}}`),
      ),
    })).value;
    const line = fc.oneof(
      fc.tuple(bare, value).map(([key, it]) => `${key} = ${it}`),
      bare.map((key) => `[${key}]`),
      bare.map((key) => `[[${key}]]`),
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(line).map((lines) => lines.join('\n')),
    );
    fc.assert(
      fc.property(text, (given) => {
        const most = given.split('\n').length;
        for (const lines of complaints(() => parse(given))) {
          const [, number] = /^f:(\d+):/.exec(lines) ?? [];
          expect(Number(number)).toBeGreaterThan(0);
          expect(Number(number)).toBeLessThanOrEqual(most);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('the configuration file', () => {
  let home: string;
  let file: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'netpane-config-'));
    file = join(home, '.config', 'netpane', 'config.toml');
    mkdirSync(join(home, '.config', 'netpane'), { recursive: true });
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const loadIn = (environment: Record<string, string>, path?: string) =>
    loadConfig(path, environment, anyQuery, expect.unreachable);
  const load = (path?: string) => loadIn({ HOME: home }, path);

  test('is optional at its default path', async () => {
    expect(await load()).toBeUndefined();
    writeFileSync(file, '\uFEFFmouse = false');
    expect(await load()).toMatchObject({ file, settings: { mouse: false } });
    expect(await load(devNull)).toBeUndefined();
    expect(await loadIn({})).toBeUndefined();
    // `/dev/null` as XDG_CONFIG_HOME means no configuration.
    expect(await loadIn({ XDG_CONFIG_HOME: '/dev/null' })).toBeUndefined();
  });

  test('must exist if given by --config', async () => {
    const path = join(home, 'none');
    await expect(load(path)).rejects.toThrow(new UsageError(`--config: no such file: ${path}`));
  });

  test.each<[string, string | Uint8Array | null, string]>([
    ['a directory', null, 'is a directory, not a file'],
    ['not UTF-8', Uint8Array.of(0x61, 0xff), 'is not UTF-8 text'],
    ['too large', '#'.repeat(1024 * 1024 + 1), 'is larger than 1 MiB'],
  ])('is rejected: %s', async (_, contents, why) => {
    if (contents === null) mkdirSync(file);
    else writeFileSync(file, contents);
    await expect(load()).rejects.toThrow(new UsageError(`${file} ${why}`));
  });

  test('of the maximum size is read, even if hard to parse', async () => {
    const long = (open: string, fill: string, close: string) =>
      open + fill.repeat(Math.floor((1024 * 1024 - open.length - close.length) / fill.length)) + close;
    for (const text of [
      long('query = """', 'a', '"""'),
      long("query = '''", 'a\n', "'''"),
      long('query = "', '\\\\', '"'),
      long('', '#\n', ''),
    ]) {
      writeFileSync(file, text);
      expect((await load())?.file).toBe(file);
    }
  });

  test('of random bytes gives settings or a UsageError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        writeFileSync(file, bytes);
        await load().catch((error: unknown) => expect(error).toBeInstanceOf(UsageError));
        expect(readFileSync(file)).toEqual(Buffer.from(bytes));
      }),
    );
  });
});

test('paths follow XDG variables, or HOME if these are empty or relative', () => {
  for (const XDG_CONFIG_HOME of [undefined, '', 'x', './x'])
    expect(configPath({ HOME: '/h', XDG_CONFIG_HOME })).toBe('/h/.config/netpane/config.toml');
  expect(configPath({ HOME: '/h', XDG_CONFIG_HOME: '/x' })).toBe('/x/netpane/config.toml');
  expect(statePath({ HOME: '/h', XDG_STATE_HOME: 'x' })).toBe('/h/.local/state/netpane/state.json');
  expect(statePath({ XDG_STATE_HOME: '/x' })).toBe('/x/netpane/state.json');
  expect(statePath({ HOME: 'h' })).toBeUndefined();
  expect(pathsText('/a\u001b', { HOME: '/h' })).toBe(
    'config  /a?\nstate   /h/.local/state/netpane/state.json\n',
  );
  expect(pathsText(undefined, {})).toBe('config  none (HOME is not set)\nstate   none (HOME is not set)\n');
});

describe('the settings in effect', () => {
  const file = (settings: PartialSettings): FileSettings => ({
    file: '/f',
    settings,
    lines: { palette: [7] },
  });

  test('the command line overrides the file, and the file the defaults', () => {
    const { settings, origins } = resolveSettings(
      { intervalMs: 1 },
      {},
      { ...file({ intervalMs: 2, lingerMs: 3 }), lines: { lingerMs: [4] } },
    );
    expect(settings).toMatchObject({ intervalMs: 1, lingerMs: 3, eventsKept: 10_000 });
    expect(origins).toMatchObject({
      intervalMs: { from: 'command line' },
      lingerMs: { from: 'file', file: '/f', lines: [4] },
      eventsKept: { from: 'default' },
    });
  });

  test.each<[string, PartialSettings, Record<string, string>, PartialSettings, string, string]>([
    ['the environment', {}, { NO_COLOR: '1' }, {}, 'mono', 'environment'],
    ['the file, over NO_COLOR', {}, { NO_COLOR: '1' }, { palette: 'standard' }, 'standard', 'file'],
    [
      'a terminal that has no colours, over the file',
      {},
      { TERM: 'vt100' },
      { palette: 'standard' },
      'mono',
      'environment',
    ],
    [
      'the command line, over all',
      { palette: 'standard' },
      { TERM: 'vt100' },
      { palette: 'mono' },
      'standard',
      'command line',
    ],
  ])('colours follow %s', (_, given, environment, inFile, palette, from) => {
    const { settings, origins } = resolveSettings(given, environment, file(inFile));
    expect([settings.palette, origins.palette.from]).toEqual([palette, from]);
  });
});

describe('prints', () => {
  test('every key with its origin', async () => {
    const config = parseConfig(
      '/etc/a\nb.toml',
      `theme = "mono"\nquery = "a\\"\\n"\n[[view]]\nname = "v"\ncolumns = ["pid", "age:9"]\n[[view]]\nname = "w"\nsort = "-age"`,
      anyQuery,
    );
    const { settings, origins } = resolveSettings({ intervalMs: 90_000, also: ['unix'] }, {}, config);
    const text = configText(settings, origins);
    await expect(text).toMatchFileSnapshot(join(root, 'fixtures', 'config', 'printed.toml'));
  });

  test('settings that survive parsing', () => {
    const column = fc.constantFrom(...COLUMNS.map(({ id }) => id));
    const choice = fc
      .tuple(column, fc.option(fc.integer({ min: 1, max: MAX_COLUMN_WIDTH }), { nil: undefined }))
      .map(([id, width]) => ({ id, ...(width !== undefined && { width }) }));
    const columns = fc.uniqueArray(choice, { minLength: 1, selector: ({ id }) => id });
    const sort = fc.record({ column, descending: fc.boolean() });
    const group = fc.constantFrom(...GROUPS);
    const text = fc.string({ unit: 'grapheme' });
    const view = fc.record(
      { name: text.filter((it) => it.trim() !== ''), query: text, columns, sort, group },
      { requiredKeys: ['name', 'query'] },
    );
    const given = fc.record(
      {
        intervalMs: fc.integer({ min: 100, max: 3_600_000 }),
        lingerMs: fc.oneof(fc.constantFrom(0, 1000, 60_000), fc.integer({ min: 0, max: 3_600_000 })),
        maxShare: fc.integer({ min: 100, max: 10_000 }).map((it) => it / 100 / 100),
        eventBufferKiB: fc.integer({ min: 1, max: 1_048_576 }),
        eventsKept: fc.integer({ min: 100, max: 1_000_000 }),
        source: fc.constantFrom(...SOURCE_NAMES),
        also: fc.subarray([...EXTRA_KINDS]),
        palette: fc.constantFrom(...PALETTES),
        query: text,
        sort,
        group: fc.option(group),
        columns: fc.option(columns),
        serviceNames: fc.boolean(),
        mouse: fc.boolean(),
        restore: fc.constantFrom('all', 'layout', 'none'),
        views: fc.uniqueArray(view, { maxLength: 3, selector: ({ name }) => name }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(given, text, (some, name) => {
        const inFile = { file: `/f${name}`, settings: some, lines: {} };
        const { settings, origins } = resolveSettings({}, {}, inFile);
        const read = resolveSettings({}, {}, parse(configText(settings, origins)));
        expect(read.settings).toEqual(settings);
      }),
    );
  });
});
