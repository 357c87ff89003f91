import { expect, test } from 'vitest';
import { Cache } from '../../src/model/cache.ts';

test('remembers a value by its key', () => {
  const cache = new Cache<string, number>(2);
  cache.set('a', 1);
  expect(cache.get('a')).toBe(1);
  expect(cache.get('b')).toBeUndefined();
});

test('is cleared when it is full, and keeps the entry added then', () => {
  const cache = new Cache<string, number>(2);
  for (const [i, key] of ['a', 'b', 'c'].entries()) cache.set(key, i);
  expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([undefined, undefined, 2]);
});
