import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SilenceWatch } from '../../src/tui/silence.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function setUp(intervalMs: number) {
  const told: number[] = [];
  const watch = new SilenceWatch(
    () => performance.now(),
    (forMs) => void told.push(Math.round(forMs / 1000)),
  );
  watch.expectBatch(intervalMs);
  return { watch, told, pass: (ms: number) => vi.advanceTimersByTime(ms) };
}

test('reports three intervals without a batch, and then every second', () => {
  const { told, pass } = setUp(2000);
  pass(5999);
  expect(told).toEqual([]);
  pass(10);
  expect(told).toEqual([6]);
  pass(3000);
  expect(told).toEqual([6, 7, 8, 9]);
});

test('a batch begins the time anew, by its own interval', () => {
  const { watch, told, pass } = setUp(1000);
  pass(2500);
  watch.noteBatch(5000);
  pass(14_999);
  expect(told).toEqual([]);
  pass(10);
  expect(told).toEqual([15]);
});

test('short intervals have a second', () => {
  const { told, pass } = setUp(100);
  pass(999);
  expect(told).toEqual([]);
  pass(10);
  expect(told).toEqual([1]);
});

test('another interval gives the sampler time, and the silence is still told from the last batch on', () => {
  const { watch, told, pass } = setUp(60_000);
  pass(100_000);
  watch.expectBatch(1000);
  pass(2999);
  expect(told).toEqual([]);
  pass(10);
  expect(told).toEqual([103]);
});

test('a batch that has arrived while the thread stood still is taken first', () => {
  const { watch, told, pass } = setUp(1000);
  // Both are due in the same turn: the timer, and the message behind it.
  setTimeout(() => watch.noteBatch(1000), 3000);
  pass(3000);
  expect(told).toEqual([]);
});
