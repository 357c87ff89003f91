import { describe, expect, test } from 'vitest';
import { complete } from '../../src/query/complete.ts';
import { compileForSubjects } from '../../src/query/compile.ts';
import { hasTerm, withoutTerm, withTerm } from '../../src/query/edit.ts';
import { narrows } from '../../src/query/narrows.ts';
import { printQuery } from '../../src/query/print.ts';
import { parseQuery } from '../../src/query/query.ts';
import { valuesOf } from '../../src/query/values.ts';
import { queryFrom, socket } from '../helpers/fakes.ts';
import { subject } from '../helpers/queries.ts';
import { endsWithin } from '../helpers/guard.ts';

const SIZE = 10_240;
/** Repeats a text up to ten kilobytes. */
const much = (text: string): string => text.repeat(Math.ceil(SIZE / text.length)).slice(0, SIZE);

const context = { nowMs: 0, baselineMs: undefined, addressesOf: () => undefined };

/** Queries of the maximum size. */
const BIGGEST = [
  `${'('.repeat(60)}curl${')'.repeat(60)}`,
  '!'.repeat(31) + 'curl',
  `${'!('.repeat(31)}curl${')'.repeat(31)}`,
  Array.from({ length: 100 }, (_, i) => `w${i}`).join(' or '),
  Array.from({ length: 100 }, (_, i) => `!w${i}`).join(' '),
  'x'.repeat(4096),
  `"${'\\"'.repeat(2047)}"`,
  `:${Array.from({ length: 800 }, (_, i) => i).join(',')}`.slice(0, 4000).replace(/,$/, ''),
  `state:${'LISTEN,'.repeat(500)}CLOSE`,
  `${'(a or (b '.repeat(15)}c${'))'.repeat(15)}`,
  Array.from({ length: 100 }, () => '/(a+)+$/').join(' or '),
];

describe('answers ten kilobytes of', () => {
  test.each([
    ['parentheses', '('],
    ['parentheses with something in them', '(a '],
    ['closing ones', ')'],
    ['negations', '!'],
    ['negations in words', 'not '],
    ['alternatives', 'a or '],
    ['conditions', 'a and '],
    ['only or', 'or '],
    ['one word', 'x'],
    ['colons', ':'],
    ['an open quote', `"${'x'.repeat(50)}`],
    ['backslashes in quotes', '"\\'],
    ['an open regex', '/a\\'],
    ['regexes', '/(a+)+$/ '],
    ['ports', ':1,'],
    ['hosts', '@a.b.'],
    ['networks', 'net:1/1 '],
    ['options', '-i '],
    ['dashes', '-'],
    ['comparisons', 'rtt>'],
    ['numbers', '9'],
    ['control characters', '\x00\x1b[2J\x07\x7f\x9b'],
    ['characters that reverse text direction', '\u202e\u2066\u200b'],
    ['halves of characters', '\ud800'],
    ['space', ' \t\n\u3000'],
    ['wide characters', '日本語👩‍👩‍👧'],
  ])('%s', (_, text) => {
    for (const typed of [much(text), much(text).slice(0, 4096), much(text).slice(0, 4095)]) {
      const parsed = parseQuery(typed);
      if ('query' in parsed) compileForSubjects(parsed.query, context)(subject());
      else {
        const { at, length, message } = parsed.problem;
        expect([at >= 0, length >= 0, at + length <= typed.length]).toEqual([true, true, true]);
        // Fits a status line.
        expect(message.length).toBeLessThan(125);
        expect(message).toMatch(
          /expected|maximum|unmatched \)|missing|bad |unknown |inside quotes, write|regex too large|when written out/,
        );
      }
      const { from, to, choices } = complete(typed, typed.length, valuesOf([socket()]));
      expect([from <= typed.length, to <= typed.length, choices.length <= 100]).toEqual([true, true, true]);
    }
  });

  test('accepts a query of the maximum length and rejects a longer one', () => {
    expect(parseQuery('x'.repeat(4096))).toHaveProperty('query');
    expect(parseQuery('x'.repeat(4097))).toHaveProperty('problem');
  });

  test('rejects five thousand alternatives', () => {
    const many = Array.from({ length: 5000 }, (_, i) => `w${i}`).join(' or ');
    expect(parseQuery(many)).toMatchObject({
      problem: { at: 4096, message: `query too long: ${many.length} characters (maximum 4096)` },
    });
    expect(parseQuery(Array.from({ length: 101 }, () => 'a').join(' or '))).toMatchObject({
      problem: { message: 'too many terms: 101 (maximum 100)' },
    });
  });
});

/** Linear work takes a few milliseconds. */
const GUARD_MS = 5000;

describe('reports a mistake after a long host name in linear time', () => {
  const NAME = 'ip-172-31-22-105.eu-west-1.compute.internal';
  test.each([
    ['a comma', `@${NAME},`],
    ['a comma, in a form of lsof', `-i tcp@${NAME},:22`],
    ['two dots', `@${NAME}..`],
    ['a name of the greatest length', `@${'a-b_c1'.repeat(42)},`],
    ['a label for each letter', `@${'a.'.repeat(126)},`],
    ['letters beyond ASCII', `@${'bücher'.repeat(40)}!`],
    ['a whole query of it', `@${'a'.repeat(4094)},`],
  ])('%s', (_, text) => {
    const isDone = endsWithin(GUARD_MS, () => {
      expect(parseQuery(text)).toHaveProperty('problem');
      complete(text, text.length, valuesOf([]));
    });
    expect(isDone).toBe(true);
  });

  test('accepts DNS names up to 253 characters', () => {
    const longest = `${'a'.repeat(61)}.`.repeat(4).slice(0, 253);
    for (const name of [NAME, `${NAME}.`, 'a', '_dns.x_y', 'münchen.example', '3com.com', longest])
      expect(queryFrom(`@${name}`).hosts).toEqual([name.replace(/\.$/, '')]);
    for (const name of ['-a', 'a..b', '.a', 'a.-b', 'a!b', `${longest}abcdef`])
      expect(parseQuery(`@${name}`), name).toHaveProperty('problem');
  });
});

describe('handles the largest queries', () => {
  test.each(BIGGEST.map((it) => [`${it.slice(0, 20)}…`, it]))('%s', (_, text) => {
    const query = queryFrom(text);
    const { expression } = query;
    expect(queryFrom(printQuery(expression)).expression).toEqual(expression);
    expect(compileForSubjects(query, context)(subject())).toBeTypeOf('boolean');
    expect(narrows(query, query)).toBeTypeOf('boolean');
    expect(hasTerm(query, text)).toBe(true);
    expect(withoutTerm(query, text).text).toBe('');
    const more = withTerm(query, 'another');
    if ('query' in more) expect(withoutTerm(more.query, 'another').expression).toEqual(expression);
    else expect(more.problem.message).toMatch(/^(query too long|too many terms|nested too deeply)/);
  });
});
