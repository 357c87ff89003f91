import { expect, test } from 'vitest';
import { exhausting, literalsBelow } from './helpers/regexes.ts';

/** Maximum time for one text, milliseconds. A linear regex takes at most 3, a quadratic one more than 1200. */
const LIMIT_MS = 600;
/** Maximum time for regexes that are known to be slow, milliseconds. */
const SHORT_LIMIT_MS = 100;

test('no regex of the source is slow on its worst texts', () => {
  const literals = literalsBelow('src');
  expect(literals.length).toBeGreaterThan(100);
  const slow = literals.flatMap(({ place, regex }) => {
    const text = exhausting(regex, LIMIT_MS);
    return text === undefined ? [] : [`${place} ${String(regex)} with ${text}…`];
  });
  expect(slow).toEqual([]);
});

test.each([
  ['exponential', /^(?=.{1,253}$)[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*(?:\.(?=[\p{L}\p{N}_]))?)*\.?$/u],
  ['exponential within a group', /^(a|a)*$/],
  ['quadratic at its end', /\0+$/],
  ['quadratic between two parts', /^\w*\d*$/],
  ['quadratic over all matches', /a(?=[^b]*b)/g],
  ['quadratic after a start that repeats', /"(?:\\.|[^"\\])*"/g],
])('finds a regex that is %s', (_, regex) => {
  expect(exhausting(regex, SHORT_LIMIT_MS)).toBeDefined();
});
