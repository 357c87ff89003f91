import { describe, expect, test, vi } from 'vitest';
import type { Batch } from '../../../src/model/batch.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';
import { GROUPS } from '../../../src/store/state.ts';
import type { ColumnId } from '../../../src/store/columns.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { FlatRows } from '../../../src/view/table/flat.ts';
import { Groups } from '../../../src/view/table/groups.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, listener, socket } from '../../helpers/fakes.ts';
import { ant, asking, bee, cat, Follower, named, renamed } from './follower.ts';

describe('sorting', () => {
  test('by program, ignoring case, ascending and descending', () => {
    const follower = new Follower(baseline([ant, bee, cat]));
    expect(follower.ids).toEqual(['3', '1', '2']);
    expect(follower.do({ type: 'reverse-sort' }).ids).toEqual(['2', '1', '3']);
  });

  test.each<[ColumnId, readonly [Partial<Socket>, Partial<Socket>]]>([
    ['localPort', [{ local: { address: '::', port: 9 } }, { local: { address: '::', port: 80 } }]],
    ['pid', [{ owners: [{ knowledge: 'exact', pid: 9 }] }, { owners: [{ knowledge: 'exact', pid: 10 }] }]],
    [
      'localAddress',
      [{ local: { address: '10.0.0.9', port: 1 } }, { local: { address: '10.0.0.10', port: 1 } }],
    ],
    ['localAddress', [{ local: { address: '255.0.0.1', port: 1 } }, { local: { address: '::1', port: 1 } }]],
    // A v4-mapped address sorts among IPv4 addresses.
    [
      'localAddress',
      [{ local: { address: '::ffff:10.0.0.1', port: 1 } }, { local: { address: '10.0.0.2', port: 1 } }],
    ],
    [
      'remoteAddress',
      [{ remote: { address: '2001:db8::9', port: 1 } }, { remote: { address: '2001:db8::10', port: 1 } }],
    ],
    [
      'localAddress',
      [{ local: { address: 'fe80::1%a', port: 1 } }, { local: { address: 'fe80::2%a', port: 1 } }],
    ],
  ])('%s by meaning: %o', (column, [first, second]) => {
    // The ids alone would give the opposite order.
    const sockets = [named('9', 'x', first), named('1', 'x', second)];
    expect(new Follower(baseline(sockets), { type: 'sort', column }).ids).toEqual(['9', '1']);
    expect(new Follower(baseline(sockets), { type: 'sort', column }, { type: 'reverse-sort' }).ids).toEqual([
      '1',
      '9',
    ]);
  });

  test('by age, the youngest first', () => {
    const follower = new Follower(baseline([ant]), batch({ monotonicMs: 5000, spawned: [bee] }));
    expect(follower.do({ type: 'sort', column: 'age' }).ids).toEqual(['2', '1']);
  });

  test('with equal keys does not depend on arrival', () => {
    const twins = ['c', 'a', 'b'].map((id) => named(id, 'same'));
    expect(new Follower(baseline(twins)).ids).toEqual(['a', 'b', 'c']);
    expect(new Follower(baseline(twins.toReversed()), { type: 'reverse-sort' }).ids).toEqual(['a', 'b', 'c']);
  });
});

test('several orders follow one table, each in its own time', () => {
  const [often, seldom] = [new RowOrder(), new RowOrder()];
  let state = after(emptyState(), baseline([named('1', 'ant')]));
  for (const order of [often, seldom]) order.update(state);
  for (let tick = 1; tick <= 3000; tick++) {
    state = after(state, batch({ monotonicMs: tick, changed: [named('1', `ant ${tick}`)] }));
    often.update(state);
  }
  seldom.update(state);
  for (const order of [often, seldom]) expect(order.rows()).toEqual([...state.table.rows.values()]);
});

test('a socket returns with its id long after it was dropped, and no other row is dropped', () => {
  const follower = new Follower(baseline([ant, bee, cat]));
  follower.do(batch({ monotonicMs: 1000, closed: ['1'] }), { type: 'time', atMs: 9000 });
  expect(follower.ids).toEqual(['3', '2']);
  expect(follower.do(batch({ monotonicMs: 9500, spawned: [ant] })).ids).toEqual(['3', '1', '2']);
});

describe('numbers of traffic', () => {
  const [idle, slow, fast] = [0, 10, 2000].map((rxBytes, i) => named(`${i}`, 'x', { traffic: { rxBytes } }));
  const unknown = named('unknown', 'x');
  const later = (it: Socket | undefined, rxBytes: number): Socket => ({
    ...named('', 'x'),
    ...it,
    traffic: { rxBytes },
  });

  test('sort descending with unknown values last; a row moves with its rate', () => {
    const follower = new Follower(baseline([idle, slow, fast, unknown].flatMap((it) => it ?? [])), {
      type: 'sort',
      column: 'rxBytes',
      descending: true,
    });
    expect(follower.ids).toEqual(['2', '1', '0', 'unknown']);
    follower.do(
      { type: 'sort', column: 'rxRate', descending: true },
      batch({ monotonicMs: 1000, changed: [later(slow, 5000), later(fast, 2001)] }),
    );
    expect(follower.ids).toEqual(['1', '2', '0', 'unknown']);
    // No new counters: their rates end.
    expect(follower.do(batch({ monotonicMs: 2000 })).ids).toEqual(['0', '1', '2', 'unknown']);
    expect(follower.do({ type: 'reverse-sort' }).ids).toEqual(['0', '1', '2', 'unknown']);
  });

  test('a row whose counters change without its sort key keeps its position and shows them', () => {
    const follower = new Follower(baseline([idle, slow].flatMap((it) => it ?? [])));
    follower.do(batch({ monotonicMs: 1000, changed: [later(slow, 510)] }));
    expect(follower.order.rows().map(({ id, rxRate }) => [id, rxRate])).toEqual([
      ['0', 0],
      ['1', 500],
    ]);
  });
});

test.each<[ColumnId, Partial<Socket>, Partial<Socket>]>([
  ['rtt', { traffic: { rttMicros: 9 } }, { traffic: { rttMicros: 10 } }],
  ['retransmits', { traffic: { retransmits: 0 } }, { traffic: { retransmits: 1 } }],
  ['queues', { traffic: { recvQueue: 3, sendQueue: 0 } }, { traffic: { recvQueue: 1, sendQueue: 3 } }],
  ['netns', { netns: { inode: 9, name: 'a' } }, { netns: { inode: 7, name: 'b' } }],
  ['interface', { interface: 'eth0' }, { interface: 'lo' }],
  ['localAddress', { local: { address: '::1', port: 1 } }, { local: { address: '/run/x:1', port: 1 } }],
])('%s: %o before %o', (column, first, second) => {
  const sockets = [named('9', 'x', first), named('1', 'x', second)];
  expect(new Follower(baseline(sockets), { type: 'sort', column }).ids).toEqual(['9', '1']);
});

test.each<[ColumnId, Partial<Socket>, Partial<Socket>]>([
  ['process', { owners: [{ knowledge: 'kernel' }] }, { owners: [{ knowledge: 'hidden' }] }],
  ['pid', { owners: [{ knowledge: 'exact', pid: 5 }] }, { owners: [{ knowledge: 'gone' }] }],
  ['remoteAddress', { remote: { address: '0.0.0.1', port: 1 } }, { remote: null }],
  ['remotePort', { remote: { address: '192.0.2.1', port: 1 } }, { remote: null }],
  ['state', { state: 'LISTEN' }, {}],
  ['txBytes', { traffic: { txBytes: 0 } }, {}],
  ['queues', { traffic: { recvQueue: 0, sendQueue: 0 } }, {}],
  ['netns', { netns: { inode: 7 } }, {}],
  ['interface', { interface: 'lo' }, {}],
  ['exe', { owners: [{ knowledge: 'exact', exe: '/bin/x' }] }, { owners: [{ knowledge: 'exact' }] }],
])('%s: unknown values sort last in both directions', (column, known, unknown) => {
  const { state: _, ...bare } = named('1', 'x', unknown);
  const sockets = [named('9', 'x', known), { ...bare, ...unknown }];
  const follower = new Follower(baseline(sockets), { type: 'sort', column });
  expect(follower.ids).toEqual(['9', '1']);
  expect(follower.do({ type: 'reverse-sort' }).ids).toEqual(['9', '1']);
});

test('query and sort direction may change before the next paint', () => {
  const follower = new Follower(baseline([ant, bee, cat]));
  follower.state = after(follower.state, { type: 'reverse-sort' }, asking('e'));
  expect(follower.do(asking('process:a')).ids).toEqual(['2', '3']);
  expect(follower.do({ type: 'reverse-sort' }).ids).toEqual(['3', '2']);
});

test('finds rows by position and positions by id', () => {
  const { order } = new Follower(baseline([ant, bee]), batch({ closed: ['1'] }));
  expect([order.indexOf('1'), order.indexOf('2'), order.indexOf('3'), order.indexOf(null)]).toEqual([
    0, 1, -1, -1,
  ]);
  expect([order.length, order.openCount, order.at(2)]).toEqual([2, 1, undefined]);
  expect(order.slice(1, 5).map(({ id }) => id)).toEqual(['2']);
});

test('finds a row by id under any sort and grouping, and by the header of its folded group', () => {
  const follower = new Follower(baseline([ant, bee, cat, listener({ id: '4', user: 'ana' })]));
  const sorts = COLUMNS.map(({ id }): Action => ({ type: 'sort', column: id }));
  for (const group of [null, ...GROUPS]) {
    for (const sort of sorts) {
      const { order } = follower.do({ type: 'group', group }, sort);
      for (const id of ['1', '2', '3', '4']) expect(order.rowAt(order.indexOf(id))?.id).toBe(id);
      if (group === null) continue;
      follower.do({ type: 'fold-all' });
      for (const id of ['1', '2', '3', '4']) {
        expect(order.indexOf(id)).toBe(-1);
        const header = order.headerOf(id);
        const item = order.at(order.indexOf(header ?? null));
        expect([item?.type, item?.id]).toEqual(['group', header]);
      }
    }
  }
});

describe('the position of a row', () => {
  test.each([
    [null, FlatRows],
    ['process', Groups],
  ] as const)('is searched again only after lines may have moved, grouped by %s', (group, arrangement) => {
    const search = vi.spyOn(arrangement.prototype, 'indexOfEntry');
    const follower = new Follower(baseline([ant, bee, cat]), { type: 'group', group });
    const { order } = follower;
    const searches = (...actions: (Action | Batch)[]): number => {
      order.indexOf('2');
      follower.do(...actions);
      search.mockClear();
      expect(order.rowAt(order.indexOf('2'))?.id).toBe('2');
      return search.mock.calls.length;
    };
    const closing = { ...bee, state: 'CLOSE_WAIT' } as const;
    expect([
      searches(batch({ monotonicMs: 1000 })),
      searches(batch({ monotonicMs: 2000, changed: [closing] })),
      searches({ type: 'freeze' }, batch({ monotonicMs: 3000, changed: [bee] }), { type: 'pause' }),
    ]).toEqual([0, 0, 0]);
    follower.do({ type: 'pause' }, { type: 'freeze' });
    expect([
      searches(batch({ monotonicMs: 4000, spawned: [named('4', 'aardvark')] })),
      searches(batch({ monotonicMs: 5000, changed: [renamed(cat, 'zebra')] })),
      searches({ type: 'reverse-sort' }),
      searches(asking('cat')),
      searches({ type: 'group', group: 'user' }),
    ]).toEqual([1, 1, 1, 1, group === 'process' ? 1 : 0]);
    search.mockRestore();
  });
});

test('handles a burst of changes among very many rows', () => {
  const crowd = (process: string, length: number) =>
    Array.from({ length }, (_, i) => socket({ id: `id ${i}`, process: `${process}${i % 100}` }));
  // More than fit into the arguments of a call.
  const follower = new Follower(baseline(crowd('p', 150_000)));
  // Just below a quarter: the most changes that are moved one by one.
  follower.do(batch({ monotonicMs: 1000, changed: crowd('q', 37_000) }));
  expect(follower.order.length).toBe(150_000);
  const fresh = new RowOrder();
  fresh.update(follower.state);
  expect(follower.order.slice().every(({ id }, i) => fresh.at(i)?.id === id)).toBe(true);
});
