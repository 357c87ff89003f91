import { describe, expect, test } from 'vitest';
import type { SocketEvent } from '../../src/model/event.ts';
import { type Socket } from '../../src/model/socket.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, listener, NOON_MS, socket, udp } from '../helpers/fakes.ts';
import { a, b, closing, marks, tableAfter } from './scene.ts';

describe('a lifetime', () => {
  const close = (it: Socket, fields: Partial<SocketEvent> = {}): SocketEvent => ({
    type: 'close',
    atMs: NOON_MS,
    socket: it,
    learntBy: 'destroy',
    ...fields,
  });
  const livedOf = (table: SocketTable, id: string) => {
    const row = table.rows.get(id);
    return row && [row.mark, row.lifetimeMs, row.isAtLeast];
  };

  test('comes from the close event', () => {
    const events = [close(a, { lifetimeMs: 0.41 })];
    const table = tableAfter(baseline([]), batch({ spawned: [a], closed: ['a'], events }));
    expect(livedOf(table, 'a')).toEqual(['closed', 0.41, false]);
  });

  test('comes from a close event in a later part', () => {
    const parts = [
      { partial: true, spawned: [a, b] },
      { partial: true, closed: ['a'] },
      { events: [close(a, { lifetimeMs: 7, isAtLeast: true })] },
    ];
    const table = tableAfter(baseline([]), ...parts.map((it) => batch(it)));
    expect(livedOf(table, 'a')).toEqual(['closed', 7, true]);
    expect(livedOf(table, 'b')).toEqual(['spawned', undefined, undefined]);
  });

  test('is the time since the first sighting when the event has none', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, spawned: [b] }),
      batch({ monotonicMs: 4000, closed: ['a', 'b'], events: [close(a)] }),
    );
    expect(livedOf(table, 'a')).toEqual(['closed', 4000, true]);
    expect(livedOf(table, 'b')).toEqual(['closed', 3000, false]);
  });

  test('of a connection is known while its remnant is left, and stays after that', () => {
    const left: Socket = { ...a, state: 'TIME_WAIT' };
    const table = tableAfter(
      baseline([]),
      batch({ monotonicMs: 1000, spawned: [left], events: [close(a, { lifetimeMs: 12 })] }),
    );
    expect(livedOf(table, 'a')).toEqual(['spawned', 12, false]);
    table.apply(batch({ monotonicMs: 61_000, closed: ['a'] }));
    expect(livedOf(table, 'a')).toEqual(['closed', 12, false]);
  });
});

describe('counts', () => {
  test('are totals by kind', () => {
    const table = tableAfter(baseline([a, listener(), udp(), closing(b)]));
    expect(table.totals).toEqual({ total: 4, established: 1, listening: 2, other: 1 });
    table.apply(batch({ monotonicMs: 1000, changed: [closing(a)], closed: [udp().id] }));
    expect(table.totals).toEqual({ total: 3, established: 0, listening: 1, other: 2 });
  });

  test('are returned by apply and kept in the history', () => {
    const table = new SocketTable(3000);
    expect(table.apply(baseline([a]))).toEqual({
      monotonicMs: 0,
      total: 1,
      spawned: 0,
      changed: 0,
      closed: 0,
    });
    const tick = table.apply(batch({ monotonicMs: 1000, spawned: [b], changed: [closing(a)] }));
    expect(tick).toEqual({ monotonicMs: 1000, total: 2, spawned: 1, changed: 1, closed: 0 });
    expect(table.history).toEqual([tick]);
  });

  test('leave out baseline sockets that closed in the first batch', () => {
    const table = new SocketTable(3000);
    expect(table.apply(baseline([a, b], { closed: ['a'] }))).toMatchObject({
      total: 1,
      spawned: 0,
      closed: 0,
    });
  });

  test('include connections that were only counted, with their rates and program', () => {
    const counted = (monotonicMs: number, count: number) =>
      batch({
        monotonicMs,
        events: [
          {
            type: 'sum',
            atMs: 0,
            count,
            socket: { ...b, traffic: { rxBytes: 9 } },
            differs: [],
            rxBytes: 500,
            txBytes: 20,
          },
        ],
      });
    const table = tableAfter(baseline([]));
    expect(table.apply({ ...counted(1000, 70), partial: true })).toBeUndefined();
    expect(table.apply(counted(1000, 5))).toMatchObject({ total: 0, spawned: 75, closed: 75 });
    expect(table.apply(counted(2000, 1))).toMatchObject({ spawned: 1, closed: 1, rxRate: 500, txRate: 20 });
    expect(table.rows.size).toBe(0);
    expect(table.programNames.since(0)).toEqual(['curl']);
    expect(table.summed).toEqual({ connections: 76, lastMs: 2000 });
    table.apply(batch({ monotonicMs: 62_000 }));
    expect(table.summed?.connections).toBe(76);
    table.apply(batch({ monotonicMs: 62_001 }));
    expect(table.summed).toBeUndefined();
  });

  test('count a socket that spawned and closed in one batch as both', () => {
    const traffic = { rxBytes: 3000, txBytes: 10 };
    const table = tableAfter(baseline([b]));
    const gone = { ...a, traffic };
    const tick = table.apply(batch({ monotonicMs: 1000, spawned: [gone], closed: ['a'] }));
    expect(tick).toMatchObject({ total: 1, spawned: 1, closed: 1, rxRate: 3000, txRate: 10 });
    expect(table.totals).toEqual({ total: 1, established: 1, listening: 0, other: 0 });
    expect(table.processes.get(100)).toMatchObject({ sockets: 1, counted: 0, rxBytes: 0, rxRate: 0 });
    expect(table.rows.get('a')).toMatchObject({ mark: 'closed', socket: gone });
    expect(table.rows.get('a')?.rxRate).toBeUndefined();
    expect(table.seen.traffic).toBe(true);
    expect(table.apply(batch({ monotonicMs: 2000 }))).toMatchObject({ rxRate: 0, txRate: 0 });
    table.fade(4000);
    expect(marks(table)).toEqual({ b: 'none' });
  });

  test('stay bounded after 100,000 ticks', () => {
    const table = new SocketTable(3000);
    table.apply(baseline([]));
    for (let i = 1; i <= 100_000; i++) {
      const spawned = [socket({ id: `socket ${i}` })];
      table.apply(batch({ monotonicMs: i * 1000, spawned, closed: i > 2 ? [`socket ${i - 2}`] : [] }));
    }
    expect(table.changesSince(0)).toBe('everything');
    expect(table.totals.total).toBe(2);
    expect(table.rows.size).toBeLessThan(10);
    expect(table.history.length).toBeGreaterThanOrEqual(600);
    expect(table.history.length).toBeLessThan(2000);
    expect(table.history.at(-1)?.monotonicMs).toBe(100_000_000);
  });
});
