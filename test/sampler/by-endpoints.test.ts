import { expect, test } from 'vitest';
import { ByEndpoints } from '../../src/sampler/by-endpoints.ts';
import { socket } from '../helpers/fakes.ts';

test('finds the last 256 of a port that is used again 20,000 times', () => {
  const lives = new ByEndpoints<number>();
  const asked: number[] = [];
  for (let i = 0; i < 20_000; i++) lives.add(socket(), i);
  expect(lives.find(socket(), (it) => asked.push(it) === 0)).toBeUndefined();
  expect([asked.length, asked[0], asked.at(-1)]).toEqual([256, 19_999, 19_744]);
});

test('one that is dropped can still be deleted', () => {
  const lives = new ByEndpoints<number>();
  const key = lives.add(socket(), 0);
  for (let i = 1; i < 300; i++) lives.add(socket(), i);
  lives.delete(key, 0);
  expect(lives.find(socket(), () => true)).toBe(299);
});
