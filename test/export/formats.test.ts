import { expect, test } from 'vitest';
import { type Format, formatNames, formatOf, formatRow, FORMATS } from '../../src/export/formats.ts';
import { COPY_KEYS } from '../../src/tui/keys/copy.ts';

test('formatOf finds a format by the extension', () => {
  expect(formatOf('a.csv')).toBe(FORMATS.csv);
  expect(formatOf('~/b/c.d.JSON')).toBe(FORMATS.json);
  for (const path of ['', 'csv', 'a.txt', 'a.csv/', '.csv/x', 'a.csv.gz', 'a.constructor'])
    expect(formatOf(path), path).toBeUndefined();
});

test('the help of the key w names every format', () => {
  const about = COPY_KEYS.find(({ id }) => id === 'save')?.about;
  for (const name of formatNames()) expect(about).toContain(`.${name}`);
});

test('a made-up format is one row: an option of ls, and an extension', async () => {
  const row: Format = { about: 'print ids', pieces: (it) => it.map(({ id }) => id), hasTcpDetails: false };
  Object.assign(FORMATS, { ids: row });
  // Loaded after the row is added: the options are made when their module is loaded.
  const { parseCommandLine } = await import('../../src/cli/command-line.ts');
  const { helpText } = await import('../../src/cli/help.ts');
  const { format } = parseCommandLine(['ls', '--ids']);
  expect(format && formatRow(format)).toBe(row);
  expect(formatOf('a.ids')).toBe(row);
  expect(() => parseCommandLine(['ls', '--ids', '--csv'])).toThrow('cannot be used together');
  expect(() => parseCommandLine(['watch', '--ids'])).toThrow("--ids works only with 'netpane ls'");
  expect(helpText()).toMatch(/--ids +print ids/);
});
