import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Batch } from '../../../src/model/batch.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';
import { compileForSubjects } from '../../../src/query/compile.ts';
import type { ColumnId } from '../../../src/store/columns.ts';
import { GROUPS, type State } from '../../../src/store/state.ts';
import type { Row } from '../../../src/store/row.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { RowFilter } from '../../../src/view/table/filter.ts';
import { FlatRows } from '../../../src/view/table/flat.ts';
import { Groups } from '../../../src/view/table/groups.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { queryContext } from '../../../src/view/table/query-context.ts';
import { after, baseline, batch, emptyState, listener, queryFrom, socket } from '../../helpers/fakes.ts';

const named = (id: string, process: string, fields: Partial<Socket> = {}): Socket => ({
  ...socket({ id, process }),
  ...fields,
});

const asking = (text: string): Action => ({ type: 'query', query: queryFrom(text) });

/** A `RowOrder` that follows a state, action by action. */
class Follower {
  readonly order = new RowOrder();
  state: State = emptyState();

  constructor(...actions: (Action | Batch)[]) {
    this.do(...actions);
  }

  do(...actions: (Action | Batch)[]): this {
    for (const action of actions) {
      this.state = after(this.state, action);
      this.order.update(this.state);
    }
    return this;
  }

  get ids(): string[] {
    return this.order.rows().map(({ id }) => id);
  }
}

const [ant, bee, cat] = [named('1', 'bee'), named('2', 'cat'), named('3', 'Ant')];
const renamed = (it: Socket, process: string): Socket => ({
  ...it,
  owners: [{ knowledge: 'exact', pid: 100, process }],
});

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

describe('hide rules', () => {
  const rule = { process: 'bee', remote: '198.51.100.7', port: 443 };

  test('hide rows, which are counted while open and matching the query', () => {
    const follower = new Follower(baseline([ant, bee, cat]), { type: 'hide', rule });
    const state = () => [follower.ids.join(' '), follower.order.hiddenCount, follower.order.openCount];
    expect(state()).toEqual(['3 2', 1, 2]);
    follower.do(asking('!bee'));
    expect(state()).toEqual(['3 2', 0, 2]);
    follower.do(asking(''), batch({ monotonicMs: 1000, spawned: [named('4', 'bee')] }));
    expect(state()).toEqual(['3 2', 2, 2]);
    // Closed rows are counted neither as shown nor as hidden.
    follower.do(batch({ monotonicMs: 2000, closed: ['1', '2'] }));
    expect(state()).toEqual(['3 2', 1, 1]);
    follower.do({ type: 'list', list: { kind: 'hide-rules', at: 0 } }, { type: 'remove-line' });
    expect(state()).toEqual(['3 1 4 2', 0, 2]);
  });

  test('do not match another program, peer or port', () => {
    const moved = { ...ant, remote: { address: '198.51.100.8', port: 443 } };
    for (const other of [renamed(ant, 'wasp'), moved]) {
      const follower = new Follower(baseline([ant, cat]), { type: 'hide', rule });
      expect(follower.ids).toEqual(['3']);
      follower.do(batch({ monotonicMs: 1000, changed: [other] }));
      expect([follower.ids.toSorted(), follower.order.hiddenCount]).toEqual([['1', '3'], 0]);
    }
  });

  test('count rows during a pause and in a frozen order', () => {
    for (const still of ['freeze', 'pause'] as const) {
      const follower = new Follower(baseline([ant, bee, cat]), { type: still }, { type: 'hide', rule });
      expect([follower.ids, follower.order.hiddenCount]).toEqual([['3', '2'], 1]);
      follower.do(batch({ monotonicMs: 1000, spawned: [named('4', 'bee')] }));
      expect(follower.order.hiddenCount).toBe(still === 'freeze' ? 2 : 1);
    }
  });
});

test('hidden rows stay counted while a query is typed', () => {
  const rule = { process: 'bee', remote: '198.51.100.7', port: 443 };
  const follower = new Follower(baseline([ant, bee, cat]), { type: 'hide', rule });
  for (const text of ['be', 'bee', '.7:4', '.7:44', '.7:443'])
    expect([text, follower.do(asking(text)).order.hiddenCount]).toEqual([text, 1]);
  expect(follower.do(asking('.7:4433')).order.hiddenCount).toBe(0);
});

describe('inputs of a query besides the rows', () => {
  test('a baseline hides earlier rows although the query is new already', () => {
    const follower = new Follower(
      baseline([ant]),
      asking('new'),
      batch({ monotonicMs: 1000, spawned: [bee] }),
    );
    expect(follower.ids).toEqual(['2']);
    expect(follower.do({ type: 'baseline' }).ids).toEqual([]);
    expect(follower.do(batch({ monotonicMs: 2000, spawned: [cat] })).ids).toEqual(['3']);
  });

  test('the addresses of a host arrive and change', () => {
    const follower = new Follower(baseline([ant]), asking('@far.example'));
    const rowsFor = (...addresses: string[]) =>
      follower.do({ type: 'host', name: 'far.example', answer: { type: 'addresses', addresses } }).ids;
    expect(follower.ids).toEqual([]);
    expect([rowsFor('198.51.100.7'), rowsFor('198.51.100.8'), rowsFor('::1', '198.51.100.7')]).toEqual([
      ['1'],
      [],
      ['1'],
    ]);
  });

  test('an answer about a host evaluates only a query that names a host', () => {
    const evaluate = vi.spyOn(RowFilter.prototype, 'evaluate');
    const evaluations = (text: string): number => {
      const follower = new Follower(baseline([ant, bee]), asking(text));
      evaluate.mockClear();
      const answer = { type: 'addresses', addresses: ['198.51.100.7'] } as const;
      follower.do({ type: 'host', name: 'far.example', answer });
      return evaluate.mock.calls.length;
    };
    expect([evaluations('bee'), evaluations('bee or @far.example')]).toEqual([0, 2]);
    evaluate.mockRestore();
  });

  test('a host in a later query has the answer that arrived before', () => {
    const answer = { type: 'addresses', addresses: ['198.51.100.7'] } as const;
    const follower = new Follower(baseline([ant]), { type: 'host', name: 'far.example', answer });
    expect(follower.do(asking('@far.example')).ids).toEqual(['1']);
  });
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

describe('a query about time or rates', () => {
  /** Matches rows that are two seconds old, and no closed row. */
  const start = (...actions: (Action | Batch)[]) =>
    new Follower(baseline([ant]), asking('age>=2s !closed'), ...actions);

  test('is evaluated again as time passes', () => {
    const follower = start(batch({ monotonicMs: 1000, spawned: [bee, cat] }));
    expect(follower.ids).toEqual([]);
    expect(follower.do(batch({ monotonicMs: 2000 })).ids).toEqual(['1']);
    expect(follower.do(batch({ monotonicMs: 3000, closed: ['1'] })).ids).toEqual(['3', '2']);
    expect(follower.order.openCount).toBe(2);
  });

  test('is evaluated again in a frozen order and not during a pause', () => {
    const follower = start({ type: 'freeze' }, batch({ monotonicMs: 1000, spawned: [bee, cat] }));
    expect(follower.do(batch({ monotonicMs: 2000 })).ids).toEqual(['1']);
    expect(follower.do(batch({ monotonicMs: 3000 })).ids).toEqual(['1', '2', '3']);
    expect(follower.do({ type: 'freeze' }).ids).toEqual(['3', '1', '2']);
    const paused = start({ type: 'pause' }, batch({ monotonicMs: 9000 }));
    expect(paused.ids).toEqual([]);
    expect(paused.do({ type: 'pause' }).ids).toEqual(['1']);
  });
});

const QUERIES = [
  '',
  'process=a',
  'listen',
  ':443',
  'close',
  // Queries as they are typed: each one narrows the one before it.
  'a',
  'ab',
  'ab c',
  'ab cl',
  'cl',
  // Queries that depend on the clock, the baseline and host addresses.
  'age<3s',
  '!age>=2s closed or a',
  'new',
  'new or rx>1',
  '@far.example',
].map(asking);

const HIDES: readonly Action[] = ['a', 'B', 'zz'].map((process) => ({
  type: 'hide',
  rule: { process, remote: process === 'B' ? '*' : '198.51.100.7', port: process === 'B' ? 80 : 443 },
}));

const HOSTS: readonly Action[] = [
  { type: 'host', name: 'far.example', answer: { type: 'pending' } },
  { type: 'host', name: 'far.example', answer: { type: 'addresses', addresses: ['198.51.100.7'] } },
  { type: 'host', name: 'far.example', answer: { type: 'addresses', addresses: ['198.51.100.8'] } },
];

const version = fc.record({
  process: fc.constantFrom('a', 'B', 'ab', 'zz'),
  pid: fc.constantFrom(1, 20, 3),
  listens: fc.boolean(),
  closing: fc.boolean(),
  rxBytes: fc.nat(3),
});

const socketOf = (
  id: string,
  { process, pid, listens, closing, rxBytes }: typeof version extends fc.Arbitrary<infer T> ? T : never,
) =>
  listens
    ? listener({ id, process, pid })
    : socket({ id, process, pid, traffic: { rxBytes }, state: closing ? 'CLOSE_WAIT' : 'ESTABLISHED' });

/** The next version of a socket; null for closed. */
const becomes = fc.option(version, { freq: 4 });
const IDS = Array.from({ length: 80 }, (_, i) => `id ${i}`);
const FOLLOWED = 'id 0';
const changes = fc
  .oneof(
    // Few changes, which are moved one by one, and many, which sort all rows.
    fc.dictionary(fc.constantFrom(...IDS.slice(0, 8)), becomes),
    fc.dictionary(fc.constantFrom(...IDS), becomes, { maxKeys: 30 }),
    fc.dictionary(fc.constantFrom(...IDS), becomes, { minKeys: 50, maxKeys: 80 }),
  )
  .map((wanted) => ({ type: 'tick' as const, wanted }));

const step = fc.record({
  what: fc.oneof(
    { weight: 6, arbitrary: changes },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...COLUMNS.map(({ id }) => ({ type: 'sort' as const, column: id }))),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...QUERIES),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Action>({ type: 'reverse-sort' }, { type: 'freeze' }, { type: 'pause' }),
    },
    { weight: 1, arbitrary: fc.constantFrom<Action>({ type: 'baseline' }, ...HIDES, ...HOSTS) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...[...GROUPS, null].map((group) => ({ type: 'group' as const, group })),
        ...HIDES.map((_, at) => ({ type: 'shown-again' as const, at })),
      ),
    },
  ),
  /** Several steps may happen before the next paint. */
  painted: fc.boolean(),
});

const openOf = (rows: readonly Row[]): number => rows.filter(({ mark }) => mark !== 'closed').length;

/** Returns the rows to show and those hidden by a hide rule, computed directly from the state. */
function wantedOf(state: State): { shown: Row[]; hidden: Row[] } {
  const rows = [...(state.pause ?? state.table).rows.values()];
  const nowMs = state.pause?.nowMs ?? state.nowMs ?? 0;
  const matches = compileForSubjects(state.query, { ...queryContext(state), nowMs });
  const isHidden = ({ socket: { owners, remote, local } }: Row): boolean =>
    state.hideRules.some(
      (it) =>
        it.process === owners[0]?.process &&
        it.remote === (remote?.address ?? '*') &&
        it.port === (remote?.port ?? local.port),
    );
  const asked = rows.filter(matches);
  return { shown: asked.filter((row) => !isHidden(row)), hidden: asked.filter(isHidden) };
}

test('after any steps the order equals a fresh sort of the matching rows', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const order = new RowOrder();
      let state = after(emptyState(), baseline([]));
      const open = new Set<string>();
      let before: string[] = [];
      let resorted = true;
      for (const [i, { what, painted }] of steps.entries()) {
        if (what.type === 'tick') {
          const wanted = Object.entries(what.wanted);
          const sockets = wanted.flatMap(([id, fields]) => (fields ? [socketOf(id, fields)] : []));
          const spawned = sockets.filter(({ id }) => !open.has(id));
          const changed = sockets.filter(({ id }) => open.has(id));
          const closed = wanted.flatMap(([id, fields]) => (fields === null && open.delete(id) ? [id] : []));
          for (const { id } of spawned) open.add(id);
          state = after(state, batch({ monotonicMs: i * 1000, spawned, changed, closed }));
        } else if (what.type === 'shown-again') {
          const list = { kind: 'hide-rules' as const, at: what.at };
          state = after(state, { type: 'list', list }, { type: 'remove-line' });
          resorted = true;
        } else {
          state = after(state, what);
          resorted ||= what.type !== 'pause';
        }
        if (!painted) continue;
        order.update(state);
        const now = order.slice().map(({ id }) => id);
        // Asked last before the update and first after it: the answer from before must not be kept if the row moved.
        expect(order.indexOf(FOLLOWED)).toBe(now.indexOf(FOLLOWED));
        const fresh = new RowOrder();
        fresh.update(state);
        if (state.frozen) {
          expect(new Set(order.rows())).toEqual(new Set(fresh.rows()));
          const kept = before.filter((id) => now.includes(id));
          if (!resorted && state.group === null) expect(now.slice(0, kept.length)).toEqual(kept);
        } else expect(order.slice()).toEqual(fresh.slice());
        expect(now.every((id, index) => order.indexOf(id) === index)).toBe(true);
        const wanted = wantedOf(state);
        expect(new Set(order.rows())).toEqual(new Set(wanted.shown));
        expect(order.openCount).toBe(openOf(wanted.shown));
        expect(order.hiddenCount).toBe(openOf(wanted.hidden));
        for (const id of IDS) if (!now.includes(id)) expect(order.indexOf(id)).toBe(-1);
        order.indexOf(FOLLOWED);
        [before, resorted] = [now, false];
      }
    }),
    { numRuns: 300 },
  );
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

test('reports a regex that is too slow until the query changes', () => {
  const follower = new Follower(
    baseline(Array.from({ length: 40 }, (_, i) => named(`${i}`, `program ${i}`))),
  );
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (spentMs += 400));
  let spentMs = 0;
  try {
    follower.do(asking('/(pro)+gram/'));
  } finally {
    clock.mockRestore();
  }
  expect(follower.order.tooSlow).toBe('(pro)+gram');
  expect(follower.order.length).toBeLessThan(40);
  expect(follower.do(asking('/(pro)+/')).order.tooSlow).toBeUndefined();
  expect(follower.order.length).toBe(40);
});
