import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NETNS_FIELDS, OWNER_FIELDS, SOCKET_FIELDS, TRAFFIC_FIELDS } from '../../src/model/fields.ts';
import { TERMS } from '../../src/query/terms.ts';
import { parseQuery } from '../../src/query/query.ts';

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
