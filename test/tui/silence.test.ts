import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SilenceWatch } from '../../src/tui/silence.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function setUp(intervalMs: number) {
  const reports: number[] = [];
  const watch = new SilenceWatch(
    () => performance.now(),
    (forMs) => void reports.push(Math.round(forMs / 1000)),
  );
  watch.expectBatch(intervalMs);
  return { watch, reports, pass: (ms: number) => vi.advanceTimersByTime(ms) };
}

test('reports three intervals without a batch, and then every second', () => {
  const { reports, pass } = setUp(2000);
  pass(5999);
  expect(reports).toEqual([]);
  pass(10);
  expect(reports).toEqual([6]);
  pass(3000);
  expect(reports).toEqual([6, 7, 8, 9]);
});

test('a batch restarts the time, with its own interval', () => {
  const { watch, reports, pass } = setUp(1000);
  pass(2500);
  watch.noteBatch(5000);
  pass(14_999);
  expect(reports).toEqual([]);
  pass(10);
  expect(reports).toEqual([15]);
});

test('waits at least a second', () => {
  const { reports, pass } = setUp(100);
  pass(999);
  expect(reports).toEqual([]);
  pass(10);
  expect(reports).toEqual([1]);
});

test('a new interval restarts the time, but the silence counts from the last batch', () => {
  const { watch, reports, pass } = setUp(60_000);
  pass(100_000);
  watch.expectBatch(1000);
  pass(2999);
  expect(reports).toEqual([]);
  pass(10);
  expect(reports).toEqual([103]);
});

test('a batch that arrived while the thread was stopped is handled first', () => {
  const { watch, reports, pass } = setUp(1000);
  // Timer and message are due in the same turn, the message second.
  setTimeout(() => watch.noteBatch(1000), 3000);
  pass(3000);
  expect(reports).toEqual([]);
});
