import { expect, test } from 'vitest';
import { withLastResult } from '../../src/model/last-result.ts';

test('makes a result again only for other arguments', () => {
  let made = 0;
  const sum = withLastResult((one: number, other: number) => {
    made++;
    return { sum: one + other };
  });
  const first = sum(1, 2);
  expect(sum(1, 2)).toBe(first);
  expect(made).toBe(1);
  expect(sum(1, 3)).toEqual({ sum: 4 });
  expect(sum(1, 2)).toEqual({ sum: 3 });
  expect(made).toBe(3);
});
