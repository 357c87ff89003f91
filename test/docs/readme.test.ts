import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMAND_NAMES } from '../../src/cli/commands.ts';
import { OPTIONS } from '../../src/cli/options.ts';
import { SETTINGS } from '../../src/cli/settings.ts';
import { NETNS_FIELDS, OWNER_FIELDS, SOCKET_FIELDS, TRAFFIC_FIELDS } from '../../src/model/fields.ts';
import { SOURCE_NAMES } from '../../src/source/index.ts';
import { TERMS } from '../../src/query/terms.ts';
import { parseQuery } from '../../src/query/query.ts';
import { KEYS } from '../../src/tui/keymap.ts';
import { withKeys } from '../../src/view/header/key-help.ts';

const root = new URL('../../', import.meta.url);
const files = ['README.md', ...readdirSync(new URL('docs', root)).map((name) => `docs/${name}`)];
const textOf = (file: string): string => readFileSync(new URL(file, root), 'utf8');
/** README and docs, one after the other. */
const docs = files.map(textOf).join('\n');

/** Returns a text as code in a table, whose cells `|` separates, in code too. */
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

test('docs/query.md lists every term of the query, in the order of the help', () => {
  const wanted = TERMS.map(
    ({ syntax, about, example }) =>
      `| ${code(syntax)} | ${withKeys(KEYS, about).replaceAll('|', '\\|')} | ${code(example)} |`,
  );
  const listed = docs.split('\n').filter((line) => wanted.includes(line));
  expect(listed).toEqual(wanted);
});

/** Returns the rows of the table with this first title, without its head. */
function tableRows(title: string): string[] {
  const lines = docs.split('\n');
  const head = lines.findIndex((line) => line.startsWith(`| ${title} |`));
  const rows = lines.slice(head + 2);
  return rows.slice(
    0,
    rows.findIndex((line) => !line.startsWith('|')),
  );
}

test('the README has the keys of the help and no others', () => {
  const named = tableRows('key').flatMap((row) => {
    const [, cell = ''] = row.split(' | ', 1)[0]?.split('| ') ?? [];
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, key]) => key);
  });
  const labels = KEYS.flatMap(({ label, place = 'table' }) =>
    place === 'table' && label !== '' ? [label] : [],
  );
  expect(named.toSorted()).toEqual(labels.toSorted());
});

test('the docs have a row for each option, in the order of the help', () => {
  const wanted = [...OPTIONS].map(([name, { short, value, about, group, commands }]) => {
    const usedBy = group === 'Filters' ? ['screen', 'ls', 'watch'] : (commands ?? ['all']);
    const label = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
    return `| ${code(label)} | ${about.replaceAll('|', '\\|')} | ${usedBy.join(', ')} |`;
  });
  expect(tableRows('option')).toEqual(wanted);
});

test.each(COMMAND_NAMES.filter((name) => name !== 'screen'))('the docs name the command %s', (name) => {
  expect(docs).toContain(`netpane ${name}`);
});

test('the docs have a row for each source, the best first', () => {
  const names = tableRows('source').map((row) => /^\| `(\w+)` \|/.exec(row)?.[1]);
  expect(names).toEqual(SOURCE_NAMES);
});

test.each(Object.values(SETTINGS))('the docs name the key $key of the configuration', ({ key }) => {
  const [, section = ''] = /\n## Configuration\n([^]*)/.exec(textOf('docs/configuration.md')) ?? [];
  expect(section).toMatch(new RegExp(`(^|[ \\[])${key}\\b`, 'm'));
});

test('the docs name every field of JSON', () => {
  const [, text = ''] = /A JSON object is `([^`]+)`/.exec(docs) ?? [];
  const nested = [NETNS_FIELDS, TRAFFIC_FIELDS, OWNER_FIELDS];
  // The counters of `traffic` stand next to the fields of the socket.
  const names = [SOCKET_FIELDS, ...nested].flatMap((it) => Object.keys(it)).filter((it) => it !== 'traffic');
  expect(text.split(/\W+/)).toEqual(expect.arrayContaining(names));
});

test.each(TERMS)('the example $example can be asked', ({ example }) => {
  expect(parseQuery(example)).toHaveProperty('query');
});

test('the README has at most 150 lines', () => {
  expect(textOf('README.md').split('\n').length).toBeLessThanOrEqual(150);
});

test.each(files)('every file that %s links to is there', (file) => {
  const links = [...textOf(file).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
  const missing = links.filter(
    (link) => !/^https?:/.test(link) && !existsSync(new URL(link, new URL(file, root))),
  );
  expect(missing).toEqual([]);
});

test('every picture is a PNG or an SVG file', () => {
  const pictures = [...docs.matchAll(/\((?:\.\.\/)?(fixtures\/screens\/[^)]+)\)/g)].map(
    ([, path = '']) => path,
  );
  expect(pictures.length).toBeGreaterThan(0);
  for (const path of pictures) {
    const start = readFileSync(new URL(path, root)).subarray(0, 4).toString('latin1');
    expect(['\x89PNG', '<svg'], path).toContain(start);
  }
});
