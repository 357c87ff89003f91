import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/cli/config/parse.ts';
import { configText } from '../../../src/cli/config/print.ts';
import { resolveSettings } from '../../../src/cli/resolve.ts';
import { GROUPS } from '../../../src/store/state.ts';
import { MAX_COLUMN_WIDTH } from '../../../src/store/columns.ts';
import { SOURCE_NAMES } from '../../../src/source/index.ts';
import { EXTRA_KINDS } from '../../../src/source/types.ts';
import { PALETTES } from '../../../src/store/state.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { root } from '../../helpers/herd.ts';
import { anyQuery, parse } from './parsing.ts';

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

describe('prints', () => {
  test('every key with its origin', async () => {
    const config = parseConfig(
      '/etc/a\nb.toml',
      `theme = "mono"\nquery = "a\\"\\n"\n[[view]]\nname = "v"\ncolumns = ["pid", "age:9"]\n[[view]]\nname = "w"\nsort = "-age"\n[[on]]\nquery = "listen"\ncommand = ["alert", "a b"]\nbell = true`,
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
    const rule = fc
      .record({
        query: text,
        command: fc.array(
          text.filter((it) => !/[/\0]/.test(it) && it !== ''),
          { maxLength: 3 },
        ),
        bell: fc.boolean(),
        notify: fc.boolean(),
      })
      .filter(({ command, bell, notify }) => command.length > 0 || bell || notify);
    const given = fc.record(
      {
        intervalMs: fc.integer({ min: 100, max: 3_600_000 }),
        detachedIntervalMs: fc.integer({ min: 100, max: 3_600_000 }),
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
        on: fc.array(rule, { maxLength: 3 }),
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
