import { describe, expect, test } from 'vitest';
import { type Socket } from '../../src/model/socket.ts';
import { SocketTable } from '../../src/store/table.ts';
import { baseline, batch, followChanges, socket } from '../helpers/fakes.ts';
import { a, b, closing, marks, tableAfter } from './scene.ts';

describe('marks', () => {
  test('the baseline has no marks', () => {
    const table = tableAfter(baseline([a]));
    expect(marks(table)).toEqual({ a: 'none' });
    expect(table.history).toEqual([]);
    expect(table.nextFadeMs).toBeUndefined();
    expect(table.rows.get('a')).toMatchObject({ baseline: true, firstSeenMs: 0 });
  });

  test('are spawned, changed and closed', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, spawned: [b], changed: [closing(a)] }),
      batch({ monotonicMs: 2000, closed: ['b'] }),
    );
    expect(marks(table)).toEqual({ a: 'changed', b: 'closed' });
    expect(table.rows.get('a')?.socket.state).toBe('CLOSE_WAIT');
    expect(table.rows.get('b')).toMatchObject({ baseline: false, firstSeenMs: 1000, socket: b });
  });

  test('fade in order, each at its time, and a closed row is removed with its mark', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, spawned: [b] }),
      batch({ monotonicMs: 2000, closed: ['a'] }),
    );
    expect(table.nextFadeMs).toBe(4000);
    table.fade(3999);
    expect(marks(table)).toEqual({ a: 'closed', b: 'spawned' });
    table.fade(4000);
    expect(marks(table)).toEqual({ a: 'closed', b: 'none' });
    expect(table.nextFadeMs).toBe(5000);
    table.fade(5000);
    expect(marks(table)).toEqual({ b: 'none' });
    expect(table.nextFadeMs).toBeUndefined();
  });

  test('fade with a tick too', () => {
    const table = tableAfter(
      baseline([a, b]),
      batch({ monotonicMs: 1000, closed: ['a'] }),
      batch({ monotonicMs: 9000 }),
    );
    expect(marks(table)).toEqual({ b: 'none' });
  });

  test('fade at the new time when the row is marked again', () => {
    const table = tableAfter(
      baseline([]),
      batch({ monotonicMs: 1000, spawned: [a] }),
      batch({ monotonicMs: 2000, changed: [closing(a)] }),
    );
    table.fade(4000);
    expect(marks(table)).toEqual({ a: 'changed' });
    table.fade(5000);
    expect(marks(table)).toEqual({ a: 'none' });
  });

  test('of other rows do not wait for a row that is marked again', () => {
    const table = tableAfter(
      baseline([]),
      batch({ monotonicMs: 1000, spawned: [a] }),
      batch({ monotonicMs: 1500, spawned: [b] }),
      batch({ monotonicMs: 2000, changed: [closing(a)] }),
    );
    expect(table.nextFadeMs).toBe(4500);
    table.fade(4500);
    expect(marks(table)).toEqual({ a: 'changed', b: 'none' });
    expect(table.nextFadeMs).toBe(5000);
  });

  test('do not change when a change is not notable', () => {
    const withUid = { ...a, uid: 1000 };
    const table = tableAfter(
      baseline([b]),
      batch({ monotonicMs: 1000, spawned: [a] }),
      batch({ monotonicMs: 2000, changed: [withUid, { ...b, uid: 1000 }] }),
    );
    expect(marks(table)).toEqual({ a: 'spawned', b: 'none' });
    expect(table.rows.get('a')?.socket).toBe(withUid);
    table.fade(4000);
    expect(marks(table)).toEqual({ a: 'none', b: 'none' });
  });

  test.each<[string, Partial<Socket>]>([
    ['state', { state: 'FIN_WAIT1' }],
    ['peer', { remote: { address: '203.0.113.5', port: 443 } }],
    ['port of the peer', { remote: { address: '198.51.100.7', port: 444 } }],
    ['local address', { local: { address: '192.0.2.11', port: 40000 } }],
    ['program', { owners: [{ knowledge: 'exact', pid: 101, process: 'curl' }] }],
  ])('are set by another %s', (_, change) => {
    const table = tableAfter(baseline([a]), batch({ changed: [{ ...a, ...change }] }));
    expect(marks(table)).toEqual({ a: 'changed' });
  });

  test('become spawned when the id of a closed row spawns again', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, closed: ['a'] }),
      batch({ monotonicMs: 2000, spawned: [a] }),
    );
    expect(marks(table)).toEqual({ a: 'spawned' });
    expect(table.totals.total).toBe(1);
    table.fade(100_000);
    expect(marks(table)).toEqual({ a: 'none' });
    expect(table.rows.get('a')).toMatchObject({ firstSeenMs: 2000, baseline: false });
  });

  test('do not change when a pending owner is found', () => {
    const table = new SocketTable(3000);
    const found = socket({ id: 'a', pid: 7 });
    table.apply(baseline([{ ...found, owners: [{ knowledge: 'pending' }] }]));
    expect(table.apply(batch({ changed: [found] }))?.changed).toBe(0);
    expect(table.rows.get('a')).toMatchObject({ mark: 'none', socket: found });
    const other = { ...found, owners: [{ knowledge: 'exact' as const, pid: 8 }] };
    expect(table.apply(batch({ changed: [other], monotonicMs: 2000 }))?.changed).toBe(1);
  });

  test('ignore changes and closes of unknown sockets', () => {
    const table = tableAfter(
      baseline([a]),
      batch({ monotonicMs: 1000, changed: [b], closed: ['never there'] }),
    );
    expect(marks(table)).toEqual({ a: 'none' });
    expect(table.totals.total).toBe(1);
    table.apply(batch({ monotonicMs: 2000, closed: ['a'] }));
    table.apply(batch({ monotonicMs: 2500, closed: ['a'], changed: [closing(a)] }));
    expect(table.rows.get('a')?.socket).toBe(a);
    expect(table.totals.total).toBe(0);
    expect(table.nextFadeMs).toBe(5000);
  });

  test('of thousands fade in runs', () => {
    const crowd = Array.from({ length: 5000 }, (_, i) => socket({ id: `socket ${i}` }));
    const table = tableAfter(
      baseline(crowd),
      batch({ monotonicMs: 1000, closed: crowd.map(({ id }) => id) }),
    );
    const newChanges = followChanges(table);
    const sizes = [];
    while (table.nextFadeMs !== undefined && sizes.length < 10) {
      expect(table.nextFadeMs).toBe(4000);
      table.fade(4000);
      expect(newChanges().size).toBeLessThanOrEqual(1000);
      sizes.push(table.rows.size);
    }
    expect(sizes).toEqual([4000, 3000, 2000, 1000, 0]);
  });

  test('changesSince returns the rows changed since then', () => {
    const table = new SocketTable(3000);
    const newChanges = followChanges(table);
    table.apply(baseline([a, b]));
    expect(newChanges()).toEqual(new Set(['a', 'b']));
    expect(newChanges()).toEqual(new Set());
    table.apply(batch({ monotonicMs: 1000, closed: ['a'] }));
    expect(newChanges()).toEqual(new Set(['a']));
    table.fade(2000);
    expect(newChanges()).toEqual(new Set());
    table.fade(4000);
    expect(newChanges()).toEqual(new Set(['a']));
    expect(table.changesSince(0)).toEqual(new Set(['a', 'b']));
  });
});
