import { expect, test } from 'vitest';
import { exhausting, literalsBelow } from './helpers/regexes.ts';

/** Time for one text, milliseconds. A linear regex takes 5 at most, a quadratic one more than 5,000. */
const GUARD_MS = 2000;
/** For regexes that are known to be worse. */
const SHORT_GUARD_MS = 100;

test('every regex of the source gets through the texts that are worst for it', () => {
  const literals = literalsBelow('src');
  expect(literals.length).toBeGreaterThan(100);
  const stuck = literals.flatMap(({ place, regex }) => {
    const text = exhausting(regex, GUARD_MS);
    return text === undefined ? [] : [`${place} ${String(regex)} with ${text}…`];
  });
  expect(stuck).toEqual([]);
});

test.each([
  ['exponential', /^(?=.{1,253}$)[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*(?:\.(?=[\p{L}\p{N}_]))?)*\.?$/u],
  ['exponential, within a group', /^(a|a)*$/],
  ['quadratic at its end', /\0+$/],
  ['quadratic between two parts', /^\w*\d*$/],
  ['quadratic over all matches', /a(?=[^b]*b)/g],
  ['quadratic after a start that recurs', /"(?:\\.|[^"\\])*"/g],
])('a regex that is %s is found', (_, regex) => {
  expect(exhausting(regex, SHORT_GUARD_MS)).toBeDefined();
});
