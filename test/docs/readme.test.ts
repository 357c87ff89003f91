import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMAND_NAMES } from '../../src/cli/commands.ts';
import { OPTIONS } from '../../src/cli/options.ts';
import { SETTINGS } from '../../src/cli/settings.ts';
import { NETNS_FIELDS, OWNER_FIELDS, SOCKET_FIELDS, TRAFFIC_FIELDS } from '../../src/model/fields.ts';
import { SOURCE_NAMES } from '../../src/source/index.ts';
import { TERMS } from '../../src/query/terms.ts';
import { parseQuery } from '../../src/query/query.ts';
import { KEYS } from '../../src/tui/keymap.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** In a table `|` parts cells, in code too. */
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

test('the README lists every term of the query, in the order of the help', () => {
  const wanted = TERMS.map(
    ({ syntax, about, example }) =>
      `| ${code(syntax)} | ${about.replaceAll('|', '\\|')} | ${code(example)} |`,
  );
  const listed = readme.split('\n').filter((line) => wanted.includes(line));
  expect(listed).toEqual(wanted);
});

/** Returns the rows of the table with this first title, without its head. */
function tableRows(title: string): string[] {
  const lines = readme.split('\n');
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

test('the README has a row for each option, in the order of the help', () => {
  const wanted = [...OPTIONS].map(([name, { short, value, about, group, commands }]) => {
    const usedBy = group === 'Filters' ? ['screen', 'ls', 'watch'] : (commands ?? ['all']);
    const label = `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`;
    return `| ${code(label)} | ${about.replaceAll('|', '\\|')} | ${usedBy.join(', ')} |`;
  });
  expect(tableRows('option')).toEqual(wanted);
});

test.each(COMMAND_NAMES.filter((name) => name !== 'screen'))('the README names the command %s', (name) => {
  expect(readme).toContain(`netpane ${name}`);
});

test('the README has a row for each source, the best first', () => {
  const names = tableRows('source').map((row) => /^\| `(\w+)` \|/.exec(row)?.[1]);
  expect(names).toEqual(SOURCE_NAMES);
});

test.each(Object.values(SETTINGS))('the README names the key $key of the configuration', ({ key }) => {
  const [, section = ''] = /\n## Configuration\n([^]*?)\n## /.exec(readme) ?? [];
  expect(section).toMatch(new RegExp(`(^|[ \\[])${key}\\b`, 'm'));
});

test('the README names every field of JSON', () => {
  const [, text = ''] = /A JSON object is `([^`]+)`/.exec(readme) ?? [];
  const nested = [NETNS_FIELDS, TRAFFIC_FIELDS, OWNER_FIELDS];
  // The counters of `traffic` stand next to the fields of the socket.
  const names = [SOCKET_FIELDS, ...nested].flatMap((it) => Object.keys(it)).filter((it) => it !== 'traffic');
  expect(text.split(/\W+/)).toEqual(expect.arrayContaining(names));
});

test.each(TERMS)('the example $example can be asked', ({ example }) => {
  expect(parseQuery(example)).toHaveProperty('query');
});

test('every picture that the README shows is there', () => {
  const pictures = [...readme.matchAll(/\((fixtures\/screens\/[^)]+\.png)\)/g)].map(([, path = '']) => path);
  expect(pictures.length).toBeGreaterThan(0);
  for (const path of pictures) {
    const start = readFileSync(new URL(`../../${path}`, import.meta.url)).subarray(0, 4);
    expect(start.toString('latin1'), path).toBe('\x89PNG');
  }
});
