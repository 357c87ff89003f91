import { expect, test } from 'vitest';
import { ByEndpoints } from '../../../src/sampler/merge/by-endpoints.ts';
import { socket } from '../../helpers/fakes.ts';

test('keeps the last 256 entries of a port that is reused 20,000 times', () => {
  const lives = new ByEndpoints<number>();
  const tried: number[] = [];
  for (let i = 0; i < 20_000; i++) lives.add(socket(), i);
  expect(lives.find(socket(), (it) => tried.push(it) === 0)).toBeUndefined();
  expect([tried.length, tried[0], tried.at(-1)]).toEqual([256, 19_999, 19_744]);
});

test('deletes an entry that was already dropped', () => {
  const lives = new ByEndpoints<number>();
  const key = lives.add(socket(), 0);
  for (let i = 1; i < 300; i++) lives.add(socket(), i);
  lives.delete(key, 0);
  expect(lives.find(socket(), () => true)).toBe(299);
});
