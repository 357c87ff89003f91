import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch, NetworkInterface } from '../../src/model/batch.ts';
import type { Socket, Traffic } from '../../src/model/socket.ts';
import { measureInterfaces, rateOf } from '../../src/store/rates.ts';
import { isMeasured } from '../../src/store/row.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, followChanges, socket } from '../helpers/fakes.ts';

const withTraffic = (id: string, traffic: Traffic): Socket => socket({ id, traffic });

function tableAfter(...batches: Batch[]): SocketTable {
  const table = new SocketTable(3000);
  for (const it of batches) table.apply(it);
  return table;
}

const ratesOf = (table: SocketTable, id = 'a') => {
  const row = table.rows.get(id);
  return [row?.rxRate, row?.txRate];
};

test.each<[number | undefined, number | undefined, number | undefined, number | undefined]>([
  [0, 1000, 1000, 1000],
  [500, 1000, 2000, 250],
  [0, 1, 3000, 0],
  [0, 2, 3000, 1],
  [7, 7, 1000, 0],
  [8, 7, 1000, undefined],
  [undefined, 7, 1000, undefined],
  [7, undefined, 1000, undefined],
  [0, 7, undefined, undefined],
  [0, 7, 0, undefined],
  [0, 7, -1, undefined],
])('from %s to %s in %s ms: %s per second', (before, now, elapsedMs, rate) => {
  expect(rateOf(before, now, elapsedMs)).toBe(rate);
});

describe('the rates of a row', () => {
  const first = withTraffic('a', { rxBytes: 1000, txBytes: 50 });
  const more = withTraffic('a', { rxBytes: 4000, txBytes: 50 });

  test('are not measured in the first batch, and 0 after a batch without a change', () => {
    const table = tableAfter(baseline([first], { monotonicMs: 100 }));
    const row = table.rows.get('a');
    expect(row && [isMeasured(row, 100), isMeasured(row, 101)]).toEqual([false, true]);
    table.apply(batch({ monotonicMs: 1100 }));
    expect(ratesOf(table)).toEqual([0, 0]);
  });

  test('use the elapsed time, not the requested interval', () => {
    const table = tableAfter(baseline([first]), batch({ monotonicMs: 1500, changed: [more] }));
    expect(ratesOf(table)).toEqual([2000, 0]);
  });

  test('use the time since the last batch, even if the socket did not change for several batches', () => {
    const table = tableAfter(
      baseline([first]),
      batch({ monotonicMs: 1000 }),
      batch({ monotonicMs: 9000 }),
      batch({ monotonicMs: 10_000, changed: [more] }),
    );
    expect(ratesOf(table)).toEqual([3000, 0]);
  });

  test('are 0 after the first batch without the socket', () => {
    const table = tableAfter(baseline([first]), batch({ monotonicMs: 1000, changed: [more] }));
    const newChanges = followChanges(table);
    table.apply(batch({ monotonicMs: 2000 }));
    expect(ratesOf(table)).toEqual([0, 0]);
    expect(newChanges()).toEqual(new Set(['a']));
    table.apply(batch({ monotonicMs: 3000 }));
    expect(newChanges()).toEqual(new Set());
  });

  test('of a new socket count from 0', () => {
    const table = tableAfter(baseline([]), batch({ monotonicMs: 2000, spawned: [first] }));
    expect(ratesOf(table)).toEqual([500, 25]);
    expect(ratesOf(tableAfter(batch({ spawned: [first] })))).toEqual([undefined, undefined]);
  });

  test('are unknown in a tick in which the counter decreased', () => {
    const table = tableAfter(baseline([more]), batch({ monotonicMs: 1000, changed: [first] }));
    expect(ratesOf(table)).toEqual([undefined, 0]);
    table.apply(batch({ monotonicMs: 2000 }));
    expect(ratesOf(table)).toEqual([0, 0]);
  });

  test('start one tick after the counter becomes known, and stay unknown without one', () => {
    const silent = socket({ id: 'a' });
    const table = tableAfter(baseline([silent]), batch({ monotonicMs: 1000 }));
    expect(ratesOf(table)).toEqual([undefined, undefined]);
    table.apply(batch({ monotonicMs: 2000, changed: [first] }));
    expect(ratesOf(table)).toEqual([undefined, undefined]);
    table.apply(batch({ monotonicMs: 3000, changed: [more] }));
    expect(ratesOf(table)).toEqual([3000, 0]);
    table.apply(batch({ monotonicMs: 4000, changed: [silent] }));
    expect(ratesOf(table)).toEqual([undefined, undefined]);
  });

  test('are unknown once the row is closed', () => {
    const table = tableAfter(
      baseline([first]),
      batch({ monotonicMs: 1000, changed: [more] }),
      batch({ monotonicMs: 2000, closed: ['a'] }),
    );
    expect(ratesOf(table)).toEqual([undefined, undefined]);
    table.apply(batch({ monotonicMs: 3000 }));
    expect(ratesOf(table)).toEqual([undefined, undefined]);
  });

  test('of thousands go to 0 in runs, while their sum is right at once', () => {
    const crowd = (rxBytes: number) =>
      Array.from({ length: 5000 }, (_, i) => withTraffic(`${i}`, { rxBytes }));
    const table = tableAfter(baseline(crowd(0)), batch({ monotonicMs: 1000, changed: crowd(7) }));
    const active = () => [...table.rows.values()].filter(({ rxRate }) => rxRate === 7).length;
    expect(active()).toBe(5000);
    const newChanges = followChanges(table);
    const own = withTraffic('4999', { rxBytes: 10 });
    expect(table.apply(batch({ monotonicMs: 2000, changed: [own] }))).toMatchObject({ rxRate: 3 });
    const left = [];
    while (table.nextFadeMs !== undefined && left.length < 10) {
      expect(newChanges().size).toBeLessThanOrEqual(1001);
      left.push(active());
      expect(table.nextFadeMs).toBe(2000);
      table.fade(2000);
    }
    expect(left).toEqual([3999, 2999, 1999, 999]);
    expect([active(), table.processes.get(100)?.rxRate]).toEqual([0, 3]);
  });

  test('of a row that changes before its run are the new ones', () => {
    const crowd = (rxBytes: number) =>
      Array.from({ length: 5000 }, (_, i) => withTraffic(`${i}`, { rxBytes }));
    const table = tableAfter(
      baseline(crowd(0)),
      batch({ monotonicMs: 1000, changed: crowd(7) }),
      batch({ monotonicMs: 2000 }),
      batch({ monotonicMs: 3000, changed: [withTraffic('4999', { rxBytes: 27 })] }),
    );
    while (table.nextFadeMs !== undefined) table.fade(3000);
    expect([ratesOf(table, '4998')[0], ratesOf(table, '4999')[0]]).toEqual([0, 20]);
    expect(table.processes.get(100)?.rxRate).toBe(20);
  });

  test('do not mark or count a row, and do not delay the fading of its mark', () => {
    const table = tableAfter(
      baseline([]),
      batch({ monotonicMs: 1000, spawned: [first] }),
      batch({ monotonicMs: 2000, changed: [more] }),
    );
    expect(table.rows.get('a')?.mark).toBe('spawned');
    expect(table.history.at(-1)?.changed).toBe(0);
    expect(table.nextFadeMs).toBe(4000);
    table.fade(4000);
    expect(table.rows.get('a')).toMatchObject({ mark: 'none', rxRate: 3000 });
  });

  test('are summed in the tick, from the second batch on', () => {
    const other = withTraffic('b', { rxBytes: 7 });
    const table = new SocketTable(3000);
    expect(table.apply(baseline([first]))).not.toHaveProperty('rxRate');
    const tick = table.apply(batch({ monotonicMs: 1000, changed: [more], spawned: [other] }));
    expect(tick).toMatchObject({ rxRate: 3007, txRate: 0 });
    expect(table.apply(batch({ monotonicMs: 2000, closed: ['b'] }))).toMatchObject({ rxRate: 0, txRate: 0 });
    expect(tableAfter(baseline([socket()]), batch()).history[0]).not.toHaveProperty('rxRate');
  });
});

test('for any counters, rate times time is the gain, and every rate is an integer', () => {
  const tick = fc.record({
    elapsedMs: fc.constantFrom(0, 100, 500, 1000, 2500, 60_000),
    /** Gain of one counter; undefined when the batch does not have the socket. */
    gain: fc.option(fc.integer({ min: -1000, max: 2 ** 40 }), { nil: undefined }),
    other: fc.nat(1000),
  });
  fc.assert(
    fc.property(fc.array(tick, { maxLength: 30 }), (ticks) => {
      const table = tableAfter(baseline([withTraffic('a', { rxBytes: 5000, txBytes: 0 })]));
      let [nowMs, rxBytes, txBytes] = [0, 5000, 0];
      let [gained, expected, slack] = [0, 0, 0];
      for (const { elapsedMs, gain, other } of ticks) {
        nowMs += elapsedMs;
        const measurable = elapsedMs > 0;
        const changed = [];
        if (gain !== undefined) {
          rxBytes = Math.max(0, rxBytes + gain);
          txBytes += other;
          changed.push(withTraffic('a', { rxBytes, txBytes }));
        }
        const before = table.rows.get('a')?.socket.traffic?.rxBytes ?? 0;
        const sum = table.apply(batch({ monotonicMs: nowMs, changed }));
        const [rxRate, txRate] = ratesOf(table);
        for (const rate of [rxRate, txRate, sum?.rxRate, sum?.txRate]) {
          if (rate !== undefined) expect(Number.isSafeInteger(rate) && rate >= 0).toBe(true);
        }
        const gainNow = rxBytes - before;
        expect(rxRate === undefined).toBe(gain !== undefined && (!measurable || gainNow < 0));
        if (rxRate === undefined) continue;
        gained += gainNow;
        expected += (rxRate * elapsedMs) / 1000;
        slack += elapsedMs / 2000;
      }
      expect(Math.abs(gained - expected)).toBeLessThanOrEqual(slack + gained * 1e-12);
    }),
    { numRuns: 300 },
  );
});

describe('interfaces', () => {
  const eth = (rxBytes: number, txBytes: number, inode?: number): NetworkInterface => ({
    name: 'eth0',
    isUp: true,
    rxBytes,
    txBytes,
    addresses: [],
    ...(inode !== undefined && { netns: { inode } }),
  });
  const rates = (...args: Parameters<typeof measureInterfaces>) =>
    measureInterfaces(...args).map(({ rxRate, txRate }) => [rxRate, txRate]);

  test('are matched by name and namespace', () => {
    const before = [eth(0, 0, 1), eth(1000, 1000, 2)];
    expect(rates(before, [eth(5000, 1000, 2), eth(200, 0, 1)], 2000)).toEqual([
      [2000, 0],
      [100, 0],
    ]);
  });

  test('have no rate when new, after a decrease, or without elapsed time', () => {
    expect(rates([], [eth(9, 9)], 1000)).toEqual([[undefined, undefined]]);
    expect(rates([eth(10, 0)], [eth(9, 9)], 1000)).toEqual([[undefined, 9]]);
    expect(rates([eth(0, 0)], [eth(9, 9)], undefined)).toEqual([[undefined, undefined]]);
  });
});
