import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import { withCache, compileRegex, readRegex } from '../../src/query/regex.ts';
import { Mistake } from '../../src/query/mistake.ts';

const never = (): void => {
  throw new Error('not slow');
};

const matches = (source: string, text: string): boolean => compileRegex(source, never, () => 0)(text);

describe('a regex', () => {
  test.each<[string, string, boolean]>([
    ['^curl$', 'CURL', true],
    ['^curl$', 'curly', false],
    ['c.l', 'a cEl b', true],
    ['[0-9]{3}', 'x4711', true],
    ['\\bssh\\b', 'an ssh key', true],
    ['(ssh|sftp)d?', 'SFTP', true],
    ['\\/', 'a/b', true],
    ['é', 'É', true],
    ['^.$', '日', true],
    ['a$', 'a\nb', false],
  ])('/%s/ and %s: %s', (source, text, expected) => {
    expect(matches(source, text)).toBe(expected);
  });

  // A backtracking engine would take practically forever on each of them.
  test.each<[string, boolean]>([
    ['(a+)+$', true],
    ['(a|aa)+$', true],
    ['^(a*)*$', true],
    ['(.*a){20}$', true],
    ['^([a-z]+)*$', true],
    ['^(a?){50}a{50}$', false],
  ])('no regex hangs: /%s/ and 4 KB', (source, fits) => {
    const text = 'a'.repeat(4096);
    expect(matches(source, text)).toBe(fits);
    expect(matches(source, `${text}!`)).toBe(false);
  });

  const plain = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '^',
          '$',
          '|',
          '.',
          '\\.',
          '\\/',
          '[^a-c]',
          '[k-s]',
          '[0-9.:_-]',
          '[^:]',
          ' ',
          '@',
          '-',
          ':',
        ),
        fc.stringMatching(/^[aAkKsSzZ09_]$/),
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map((parts) => parts.join(''));
  const text = fc.string({
    unit: fc.constantFrom(...Array.from('aAbkKsSzZ09_./:|$^- @\\\n\r\u2028\u017f\u212aé日😀')),
    maxLength: 12,
  });

  test('a plain regex, which runs on another engine, matches the same texts', () => {
    fc.assert(
      fc.property(plain, text, (source, text) => {
        const expected = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE).test(text);
        expect(matches(source, text)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  test('tests only the start of a very long text', () => {
    const long = `${'x'.repeat(5_000_000)}curl`;
    expect(matches('curl', long)).toBe(false);
    expect(matches('^xx', long)).toBe(true);
  });
});

describe('rejects the regex', () => {
  const problemOf = (text: string) => {
    const caught = Mistake.caught(() => ({ source: readRegex({ text, at: 3 }) }));
    return 'problem' in caught ? caught.problem : undefined;
  };

  test.each<[string, string]>([
    ['', 'empty regex; expected one such as /^ssh/'],
    ['a'.repeat(201), 'regex too long: 201 characters (maximum 200)'],
    ['a{500}', 'regex too large; use smaller numbers in {N}'],
    ['(a{20}){30}', 'regex too large'],
    ['((a{100}){100}){100}', 'bad regex: invalid repeat count'],
    ['a{1001}', 'bad regex: invalid repeat count'],
    ['(', 'bad regex: missing closing )'],
    ['[', 'bad regex: missing closing ]'],
    ['*', 'bad regex: missing argument to repetition operator'],
    ['a**', 'bad regex: invalid nested repetition operator'],
    ['\\', 'bad regex: trailing backslash at end of expression'],
    // Not possible in linear time.
    ['(a)\\1', 'bad regex: invalid escape sequence'],
    ['(?=a)', 'bad regex: invalid or unsupported Perl syntax'],
    ['(?<!a)b', 'bad regex: invalid'],
  ])('/%s/', (text, message) => {
    expect(problemOf(text)).toEqual({
      at: 3,
      length: text.length + 2,
      message: expect.stringContaining(message) as string,
    });
  });

  test('accepts a regex of the maximum size', () => {
    expect(readRegex({ text: 'a{400}', at: 0 })).toBe('a{400}');
    expect(readRegex({ text: 'a'.repeat(200), at: 0 })).toHaveLength(200);
  });
});

describe('the time budget', () => {
  /** A regex whose every timed match takes `matchMs`; `pass` advances the clock between matches. */
  const slowRegex = (matchMs: number) => {
    let [nowMs, reads] = [0, 0];
    const reported: string[] = [];
    // The clock is read once at first, and then before and after each timed match.
    const clock = () => (nowMs += reads++ > 0 && reads % 2 === 1 ? matchMs : 0);
    const test = compileRegex('a', (source) => reported.push(source), clock);
    return { test, reported, pass: (ms: number) => (nowMs += ms) };
  };
  /** Every match of a text that is not short is timed. */
  const LONG = 'a'.repeat(100);

  test('after half a second the regex matches nothing and is reported once', () => {
    const { test, reported, pass } = slowRegex(100);
    expect(Array.from({ length: 8 }, () => test(LONG))).toEqual([
      ...Array.from({ length: 6 }, () => true),
      false,
      false,
    ]);
    expect(reported).toEqual(['a']);
    pass(1e9);
    expect([test(LONG), test('a'), reported.length]).toEqual([false, false, 1]);
  });

  test('one timed short text counts for several', () => {
    const { test, reported } = slowRegex(100);
    expect(Array.from({ length: 20 }, () => test('a')).lastIndexOf(true)).toBe(7);
    expect(reported).toEqual(['a']);
  });

  test('the budget recovers with time', () => {
    const { test, reported, pass } = slowRegex(100);
    for (let i = 0; i < 100; i++) {
      expect(test(LONG)).toBe(true);
      pass(500);
    }
    expect(reported).toEqual([]);
  });
});

test('a cached test runs once per text until the cache is full', () => {
  const tested: string[] = [];
  const test = withCache((text) => {
    tested.push(text);
    return text === 'a';
  });
  expect([test('a'), test('b'), test('a'), test('b')]).toEqual([true, false, true, false]);
  expect(tested).toEqual(['a', 'b']);
  // A full cache is cleared.
  for (let i = 0; i < 20_000; i++) test(`${i}`);
  expect(test('a')).toBe(true);
  expect(tested.filter((it) => it === 'a')).toHaveLength(2);
});
