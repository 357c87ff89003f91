import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Tick } from '../../../src/store/counts.ts';
import { graphSeries } from '../../../src/view/panes/graph.ts';

const MINUTE = 60_000;
const tick = (monotonicMs: number, total: number, spawned = 0, closed = 0): Tick => ({
  monotonicMs,
  total,
  spawned,
  changed: 0,
  closed,
});
const moving = (monotonicMs: number, rxRate: number, txRate: number): Tick => ({
  ...tick(monotonicMs, 1),
  rxRate,
  txRate,
});
const of = (history: readonly Tick[], nowMs: number, cells: number) =>
  graphSeries(history, nowMs, cells).map(({ name, summary, values }) => [name, summary, values]);

test('covers five minutes, with a value per step since the first tick', () => {
  // Five cells of one minute each.
  const history = [tick(10.2 * MINUTE, 5, 2), tick(10.8 * MINUTE, 7, 3, 1), tick(12.5 * MINUTE, 6, 0, 1)];
  expect(of(history, 13 * MINUTE, 5)).toEqual([
    // The step without a tick repeats the last value.
    ['sockets', '6–7', [7, 7, 6, 6]],
    ['opened', '5 in 5 min', [5, 0, 0, 0]],
    ['closed', '2 in 5 min', [1, 0, 1, 0]],
  ]);
});

test('a step without sockets is zero and does not repeat the last value', () => {
  const history = [tick(10.5 * MINUTE, 5), tick(11.5 * MINUTE, 0)];
  expect(of(history, 12.9 * MINUTE, 5)[0]).toEqual(['sockets', '0–5', [5, 0, 0]]);
});

test('has a shorter text for a narrow graph', () => {
  const history = [{ ...moving(10.2 * MINUTE, 1_000_000, 240_000), spawned: 2 }];
  const short = graphSeries(history, 11 * MINUTE, 5).map((series) => `${series.name} ${series.short}`);
  expect(short).toEqual(['sockets 1', 'opened 2', 'closed 0', 'traffic 1.2M']);
});

test('groups the digits of large numbers, as the header does', () => {
  const series = graphSeries([tick(10.2 * MINUTE, 48), tick(11.2 * MINUTE, 4300, 163_174)], 12 * MINUTE, 5);
  expect(series.map(({ summary, short }) => [summary, short]).slice(0, 2)).toEqual([
    ['48–4,300', '48–4,300'],
    ['163,174 in 5 min', '163,174'],
  ]);
});

test('drops ticks older than five minutes', () => {
  expect(of([tick(MINUTE, 9, 9, 9), tick(10 * MINUTE, 1)], 10 * MINUTE, 5)[1]).toEqual([
    'opened',
    '0 in 5 min',
    [0],
  ]);
});

test('traffic is the mean of each step, received and sent together, with the current rate', () => {
  const history = [
    tick(9.5 * MINUTE, 1),
    moving(10.2 * MINUTE, 1000, 500),
    moving(10.8 * MINUTE, 0, 501),
    moving(12.5 * MINUTE, 1_240_000, 0),
  ];
  // A step before the first rate has no value; a step without a tick repeats the last one.
  expect(of(history, 13 * MINUTE, 5)[3]).toEqual([
    'traffic',
    '1.24 MB/s',
    [1001, 1001, 1_240_000, 1_240_000],
  ]);
});

test('a step without traffic is zero and does not repeat the last value', () => {
  const history = [moving(10.5 * MINUTE, 7, 0), moving(11.5 * MINUTE, 0, 0)];
  expect(of(history, 11.9 * MINUTE, 5)[3]).toEqual(['traffic', '0 B/s', [7, 0]]);
});

test('is empty before the first tick', () => {
  expect(of([], 0, 5)).toEqual([
    ['sockets', '', []],
    ['opened', '0 in 5 min', []],
    ['closed', '0 in 5 min', []],
  ]);
});

test('has at most one value per cell, finite and not negative, for any history', () => {
  const history = fc
    .array(fc.tuple(fc.nat(100_000), fc.nat(1000), fc.nat(50), fc.nat(50), fc.option(fc.maxSafeNat())), {
      maxLength: 50,
    })
    .map((ticks) => {
      let nowMs = 0;
      return ticks.map(([passMs, total, spawned, closed, rate]) => ({
        ...tick((nowMs += passMs), total, spawned, closed),
        ...(rate !== null && { rxRate: rate, txRate: rate }),
      }));
    });
  fc.assert(
    fc.property(history, fc.nat(100_000), fc.integer({ min: -2, max: 200 }), (ticks, passMs, cells) => {
      const nowMs = (ticks.at(-1)?.monotonicMs ?? 0) + passMs;
      for (const { values } of graphSeries(ticks, nowMs, cells)) {
        expect(values.length).toBeLessThanOrEqual(Math.max(1, cells));
        expect(values.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
      }
    }),
  );
});
