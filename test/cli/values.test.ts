import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration, percentValue, nameListValue } from '../../src/cli/values.ts';

test.each([
  ['500ms', 500],
  ['2s', 2000],
  ['1.5s', 1500],
  ['1m', 60_000],
  ['0ms', 0],
  ['0.001s', 1],
  ['2', undefined],
  ['s', undefined],
  ['2 s', undefined],
  ['2h', undefined],
  ['-2s', undefined],
  ['1e3ms', undefined],
  ['2S', undefined],
  ['', undefined],
])("'%s' is %s ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

describe('a percentage', () => {
  test('from 1 to 100, with or without %, is a share of 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.constantFrom('', '%'), (percent, sign) => {
        expect(percentValue.read(`${percent}${sign}`)).toBe(percent / 100);
      }),
    );
  });

  test('any text gives a share from 0.01 to 1, or undefined', () => {
    const text = fc.oneof(
      fc.string(),
      fc.float().map(String),
      fc.stringMatching(/^[-+]?\d{0,4}[.,]?\d{0,3}%?$/),
    );
    fc.assert(
      fc.property(text, (given) => {
        const share = percentValue.read(given);
        if (share === undefined) return;
        expect(share).toBeGreaterThanOrEqual(0.01);
        expect(share).toBeLessThanOrEqual(1);
      }),
    );
  });
});

test('a list of names has each name once, in a fixed order', () => {
  const names = ['unix', 'sctp', 'mptcp', 'vsock'] as const;
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...names), { minLength: 1 }), (given) => {
      const found = nameListValue(names).read(given.join(', '));
      expect(found).toEqual([...new Set(given)].sort((a, b) => names.indexOf(a) - names.indexOf(b)));
    }),
  );
});
