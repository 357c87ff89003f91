import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import { withCache, compileRegex, readRegex } from '../../src/query/regex.ts';
import { Mistake } from '../../src/query/mistake.ts';

const never = (): void => {
  throw new Error('it is not slow');
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

  // Each of them takes an engine that goes back and tries again longer than the machine will last.
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

  test('a plain one, for which another engine is asked, finds the same', () => {
    fc.assert(
      fc.property(plain, text, (source, text) => {
        const expected = RE2JS.compile(source, RE2JS.CASE_INSENSITIVE).test(text);
        expect(matches(source, text)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
  });

  test('a very long text is looked at as far as it costs little', () => {
    const long = `${'x'.repeat(5_000_000)}curl`;
    expect(matches('curl', long)).toBe(false);
    expect(matches('^xx', long)).toBe(true);
  });
});

describe('a regex that is refused', () => {
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
    // What no engine can do in proportion to the text.
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

  test('one that is just small enough is taken', () => {
    expect(readRegex({ text: 'a{400}', at: 0 })).toBe('a{400}');
    expect(readRegex({ text: 'a'.repeat(200), at: 0 })).toHaveLength(200);
  });
});

describe('time', () => {
  /** A regex of which each look that is timed takes so long; `pass` lets time go by besides. */
  const slowly = (lookMs: number) => {
    let [nowMs, reads] = [0, 0];
    const told: string[] = [];
    // It is read once at first, and then before and after each look that is timed.
    const clock = () => (nowMs += reads++ > 0 && reads % 2 === 1 ? lookMs : 0);
    const test = compileRegex('a', (source) => told.push(source), clock);
    return { test, told, pass: (ms: number) => (nowMs += ms) };
  };
  /** Of texts that are not short each look is timed. */
  const LONG = 'a'.repeat(100);

  test('half a second at a time is the most; then nothing is found any more, and that is told once', () => {
    const { test, told, pass } = slowly(100);
    expect(Array.from({ length: 8 }, () => test(LONG))).toEqual([
      ...Array.from({ length: 6 }, () => true),
      false,
      false,
    ]);
    expect(told).toEqual(['a']);
    pass(1e9);
    expect([test(LONG), test('a'), told.length]).toEqual([false, false, 1]);
  });

  test('short texts are timed together, and count together', () => {
    const { test, told } = slowly(100);
    expect(Array.from({ length: 20 }, () => test('a')).lastIndexOf(true)).toBe(7);
    expect(told).toEqual(['a']);
  });

  test('what is spent is given back as time goes by', () => {
    const { test, told, pass } = slowly(100);
    for (let i = 0; i < 100; i++) {
      expect(test(LONG)).toBe(true);
      pass(500);
    }
    expect(told).toEqual([]);
  });
});

test('a text is asked once while it is remembered', () => {
  const asked: string[] = [];
  const test = withCache((text) => {
    asked.push(text);
    return text === 'a';
  });
  expect([test('a'), test('b'), test('a'), test('b')]).toEqual([true, false, true, false]);
  expect(asked).toEqual(['a', 'b']);
  // Very many are forgotten, and asked again.
  for (let i = 0; i < 20_000; i++) test(`${i}`);
  expect(test('a')).toBe(true);
  expect(asked.filter((it) => it === 'a')).toHaveLength(2);
});
