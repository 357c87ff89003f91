import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch, NetworkInterface } from '../../src/model/batch.ts';
import type { Socket, Traffic } from '../../src/model/socket.ts';
import { measureInterfaces, rateOf } from '../../src/store/rates.ts';
import { isMeasured, SocketTable } from '../../src/store/table.ts';
import { baseline, batch, socket } from '../helpers/fakes.ts';

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
])('from %s to %s in %s ms: %s a second', (before, now, elapsedMs, rate) => {
  expect(rateOf(before, now, elapsedMs)).toBe(rate);
});

describe('the rates of a row', () => {
  const first = withTraffic('a', { rxBytes: 1000, txBytes: 50 });
  const more = withTraffic('a', { rxBytes: 4000, txBytes: 50 });

  test('at the first look nothing is measured; then one that stays as it is has 0', () => {
    const table = tableAfter(baseline([first], { monotonicMs: 100 }));
    const row = table.rows.get('a');
    expect(row && [isMeasured(row, 100), isMeasured(row, 101)]).toEqual([false, true]);
    table.apply(batch({ monotonicMs: 1100 }));
    expect(ratesOf(table)).toEqual([0, 0]);
  });

  test('by the time that went by, whatever the interval that was asked for', () => {
    const table = tableAfter(baseline([first]), batch({ monotonicMs: 1500, changed: [more] }));
    expect(ratesOf(table)).toEqual([2000, 0]);
  });

  test('since the last batch, also where the socket stood still for many', () => {
    const table = tableAfter(
      baseline([first]),
      batch({ monotonicMs: 1000 }),
      batch({ monotonicMs: 9000 }),
      batch({ monotonicMs: 10_000, changed: [more] }),
    );
    expect(ratesOf(table)).toEqual([3000, 0]);
  });

  test('0 as soon as a batch says nothing of it', () => {
    const table = tableAfter(baseline([first]), batch({ monotonicMs: 1000, changed: [more] }));
    table.takeChangedIds();
    table.apply(batch({ monotonicMs: 2000 }));
    expect(ratesOf(table)).toEqual([0, 0]);
    expect(table.takeChangedIds()).toEqual(new Set(['a']));
    table.apply(batch({ monotonicMs: 3000 }));
    expect(table.takeChangedIds()).toEqual(new Set());
  });

  test('of a new socket: all it has counted', () => {
    const table = tableAfter(baseline([]), batch({ monotonicMs: 2000, spawned: [first] }));
    expect(ratesOf(table)).toEqual([500, 25]);
    expect(ratesOf(tableAfter(batch({ spawned: [first] })))).toEqual([undefined, undefined]);
  });

  test('a counter that ran backwards is unknown for that tick', () => {
    const table = tableAfter(baseline([more]), batch({ monotonicMs: 1000, changed: [first] }));
    expect(ratesOf(table)).toEqual([undefined, 0]);
    table.apply(batch({ monotonicMs: 2000 }));
    expect(ratesOf(table)).toEqual([0, 0]);
  });

  test('a counter that becomes known has a rate from the next tick on; one nobody tells of never has', () => {
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

  test('a closed row has none, and stays so', () => {
    const table = tableAfter(
      baseline([first]),
      batch({ monotonicMs: 1000, changed: [more] }),
      batch({ monotonicMs: 2000, closed: ['a'] }),
    );
    expect(ratesOf(table)).toEqual([undefined, undefined]);
    table.apply(batch({ monotonicMs: 3000 }));
    expect(ratesOf(table)).toEqual([undefined, undefined]);
  });

  test('when thousands go to 0 at once they do so in runs; what they come to together is right at once', () => {
    const crowd = (rxBytes: number) =>
      Array.from({ length: 5000 }, (_, i) => withTraffic(`${i}`, { rxBytes }));
    const table = tableAfter(baseline(crowd(0)), batch({ monotonicMs: 1000, changed: crowd(7) }));
    const flowing = () => [...table.rows.values()].filter(({ rxRate }) => rxRate === 7).length;
    expect(flowing()).toBe(5000);
    table.takeChangedIds();
    const own = withTraffic('4999', { rxBytes: 10 });
    expect(table.apply(batch({ monotonicMs: 2000, changed: [own] }))).toMatchObject({ rxRate: 3 });
    const left = [];
    while (table.nextFadeMs !== undefined && left.length < 10) {
      expect(table.takeChangedIds().size).toBeLessThanOrEqual(1001);
      left.push(flowing());
      expect(table.nextFadeMs).toBe(2000);
      table.fade(2000);
    }
    expect(left).toEqual([3999, 2999, 1999, 999]);
    expect([flowing(), table.processes.get(100)?.rxRate]).toEqual([0, 3]);
  });

  test('a row that moves again before its run has come keeps its new rate', () => {
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

  test('is no news: no mark, no count; and a mark that is on fades at its time', () => {
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

  test('the tick has the sum of them, once there is something to compare', () => {
    const other = withTraffic('b', { rxBytes: 7 });
    const table = new SocketTable(3000);
    expect(table.apply(baseline([first]))).not.toHaveProperty('rxRate');
    const tick = table.apply(batch({ monotonicMs: 1000, changed: [more], spawned: [other] }));
    expect(tick).toMatchObject({ rxRate: 3007, txRate: 0 });
    expect(table.apply(batch({ monotonicMs: 2000, closed: ['b'] }))).toMatchObject({ rxRate: 0, txRate: 0 });
    expect(tableAfter(baseline([socket()]), batch()).history[0]).not.toHaveProperty('rxRate');
  });
});

test('whatever the counters do: rate times time is what they gained, and no rate is anything but a whole number', () => {
  const tick = fc.record({
    elapsedMs: fc.constantFrom(0, 100, 500, 1000, 2500, 60_000),
    /** What one counter gains; undefined where the socket is not sent at all. */
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

  test('by name and namespace', () => {
    const before = [eth(0, 0, 1), eth(1000, 1000, 2)];
    expect(rates(before, [eth(5000, 1000, 2), eth(200, 0, 1)], 2000)).toEqual([
      [2000, 0],
      [100, 0],
    ]);
  });

  test('none of what has just come, ran backwards, or took no time', () => {
    expect(rates([], [eth(9, 9)], 1000)).toEqual([[undefined, undefined]]);
    expect(rates([eth(10, 0)], [eth(9, 9)], 1000)).toEqual([[undefined, 9]]);
    expect(rates([eth(0, 0)], [eth(9, 9)], undefined)).toEqual([[undefined, undefined]]);
  });
});
