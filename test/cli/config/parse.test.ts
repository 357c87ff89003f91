import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/cli/config/parse.ts';
import { UsageError } from '../../../src/cli/values.ts';
import { printable } from '../../../src/model/text.ts';
import { root } from '../../helpers/herd.ts';
import { parse } from './parsing.ts';

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
geo-files = ["/geo/a.mmdb", "/geo/b.mmdb"]

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
      geoFiles: ['/geo/a.mmdb', '/geo/b.mmdb'],
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
    expect(lines).toMatchObject({ intervalMs: [2], restore: [16], views: [19, 26] });
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
    [
      '[[on]]\nquery = "a"\ncommand = ["b", "-c"]\n[[on]]\nquery = ""\nbell = true\nnotify = true',
      {
        on: [
          { query: 'a', command: ['b', '-c'], bell: false, notify: false },
          { query: '', command: [], bell: true, notify: true },
        ],
      },
    ],
    ['view = [{ name = "v", query = "a" }]', { views: [{ name: 'v', query: 'a' }] }],
  ])('%j', (text, settings) => {
    expect(parse(text).settings).toEqual(settings);
  });
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
    ['geo-files = "/a"', ["f:1: geo-files takes a list of absolute paths, not '/a'"]],
    ['geo-files = ["a.mmdb"]', ["f:1: geo-files takes an absolute path, not 'a.mmdb'"]],
    ['on = 1', ['f:1: on takes tables: [[on]], not 1']],
    ['[[on]]\ncommand = ["a"]', ['f:1: on.query is missing']],
    ['[[on]]\nquery = "a"', ['f:1: on needs a command, bell = true or notify = true']],
    [
      '[[on]]\nquery = "a"\ncommand = ["./a"]\nbel = true',
      [
        'f:3: on.command takes the name of a program in a directory of the system, or an absolute path',
        'f:4: unknown key on.bel: did you mean bell?',
      ],
    ],
    [
      '[[on]]\nquery = "a"\ncommand = "alert x"\n[[on]]\nquery = "a"\ncommand = []',
      [
        expect.stringMatching(/^f:3: on.command takes a program and its arguments: .*, not 'alert x'$/),
        expect.stringMatching(/^f:6: on.command takes a program and its arguments: .*, not an empty list$/),
      ],
    ],
    ['[[on]]\nquery = "a"\nbell = true\n'.repeat(101), ['f:1: on takes at most 100 tables']],
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
    [
      '\n"\\U0001F600" = 1\n"\\u00e9" = 1',
      [expect.stringMatching(/^f:2: unknown key/), expect.stringMatching(/^f:3: unknown key/)],
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
      'detached-interval',
      'view',
      'columns',
      'sort',
      'x',
      '"a.b"',
      "'é'",
      'view.name',
      'on',
      'on.command',
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
