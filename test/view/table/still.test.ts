import { describe, expect, test, vi } from 'vitest';
import { baseline, batch } from '../../helpers/fakes.ts';
import { ant, asking, bee, cat, Follower, named, renamed } from './follower.ts';

describe('frozen', () => {
  const start = () => new Follower(baseline([ant, bee, cat]), { type: 'freeze' });

  test('rows keep their position while values change, new rows come last', () => {
    const follower = start().do(
      batch({ changed: [renamed(cat, 'zebra')], spawned: [named('4', 'aardvark')] }),
    );
    expect(follower.ids).toEqual(['3', '1', '2', '4']);
    expect(follower.order.rowAt(0)?.socket.owners[0]?.process).toBe('zebra');
    expect(follower.do({ type: 'freeze' }).ids).toEqual(['4', '1', '2', '3']);
  });

  test('a closed row keeps its position until it is dropped', () => {
    const follower = start().do(batch({ monotonicMs: 1000, closed: ['1'] }));
    expect(follower.ids).toEqual(['3', '1', '2']);
    expect(follower.do({ type: 'time', atMs: 10_000 }).ids).toEqual(['3', '2']);
  });

  test('a new query or sort order still applies', () => {
    expect(start().do({ type: 'reverse-sort' }).ids).toEqual(['2', '1', '3']);
    expect(start().do(asking('process:a')).ids).toEqual(['3', '2']);
  });

  test('holds during a pause and after it', () => {
    const follower = start().do(batch({ changed: [renamed(cat, 'zebra')] }));
    expect(follower.ids).toEqual(['3', '1', '2']);
    expect(follower.do({ type: 'pause' }).ids).toEqual(['3', '1', '2']);
    follower.do(batch({ monotonicMs: 2000, closed: ['1'], spawned: [named('4', 'aardvark')] }));
    expect(follower.ids).toEqual(['3', '1', '2']);
    expect(follower.order.rowAt(1)?.mark).toBe('none');
    expect(follower.do({ type: 'pause' }).ids).toEqual(['3', '1', '2', '4']);
    expect(follower.order.rowAt(1)?.mark).toBe('closed');
  });
});

describe('paused', () => {
  test('shows the rows of its moment, and the current ones when it ends', () => {
    const follower = new Follower(baseline([ant, bee]), { type: 'pause' });
    follower.do(
      batch({ monotonicMs: 1000, spawned: [cat], closed: ['1'] }),
      batch({ monotonicMs: 2000, changed: [renamed(bee, 'aaa')] }),
      { type: 'time', atMs: 4500 },
    );
    expect(follower.ids).toEqual(['1', '2']);
    expect(follower.order.rows().map(({ mark }) => mark)).toEqual(['none', 'none']);
    expect(follower.do({ type: 'pause' }).ids).toEqual(['2', '3']);
  });

  test('drops rows that open and close meanwhile', () => {
    const follower = new Follower(baseline([ant, bee]), { type: 'pause' });
    for (let tick = 1; tick <= 200; tick++) {
      const sockets = Array.from({ length: 50 }, (_, i) => named(`${tick} ${i}`, 'brief'));
      const atMs = tick * 10_000;
      follower.do(
        batch({ monotonicMs: atMs, spawned: sockets }),
        batch({ monotonicMs: atMs + 1000, closed: sockets.map(({ id }) => id) }),
        { type: 'time', atMs: atMs + 9000 },
      );
    }
    follower.do(batch({ monotonicMs: 3_000_000, spawned: [cat], changed: [renamed(bee, 'aaa')] }));
    const asked = vi.spyOn(follower.state.table.rows, 'get');
    expect(follower.do({ type: 'pause' }).ids).toEqual(['2', '3', '1']);
    expect(asked.mock.calls.length).toBeLessThan(2000);
  });

  test('query and sort apply to its rows', () => {
    const follower = new Follower(baseline([ant, bee, cat]), { type: 'pause' });
    follower.do(batch({ monotonicMs: 1000, closed: ['1', '2', '3'] }));
    expect(follower.do({ type: 'reverse-sort' }).ids).toEqual(['2', '1', '3']);
    expect(follower.do(asking('process:cat')).ids).toEqual(['2']);
  });
});
