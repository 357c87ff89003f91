import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from '../../../src/model/batch.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';
import type { Sort } from '../../../src/store/columns.ts';
import { type Folds, type GroupBy, NO_FOLDS, type State } from '../../../src/store/state.ts';
import type { Row } from '../../../src/store/row.ts';
import type { SortKey } from '../../../src/view/table/entry.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import type { GroupItem, Item } from '../../../src/view/table/item.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import {
  after,
  baseline,
  batch,
  emptyState,
  listener,
  queryFrom,
  socket,
  type SocketFields,
  udp,
} from '../../helpers/fakes.ts';

/** Returns `[node 2]` or `[node 2 folded]` for a header, and the id for a row. */
const shown = (items: readonly Item[]): string[] =>
  items.map((item) =>
    item.type === 'group' ? `[${item.label} ${item.sum.sockets}${item.folded ? ' folded' : ''}]` : item.id,
  );

/** A `RowOrder` that follows a state, grouped from the start. */
class Follower {
  readonly order = new RowOrder();
  state: State;

  constructor(group: GroupBy, ...actions: (Action | Batch)[]) {
    this.state = { ...emptyState(), group };
    this.do(...actions);
  }

  do(...actions: (Action | Batch)[]): this {
    for (const action of actions) this.set(after(this.state, action));
    return this;
  }

  set(state: Partial<State>): this {
    this.state = { ...this.state, ...state };
    this.order.update(this.state);
    return this;
  }

  get shown(): string[] {
    return shown(this.order.slice());
  }

  get headers(): GroupItem[] {
    return this.order.slice().flatMap((item) => (item.type === 'group' ? [item] : []));
  }
}

const sortedBy = (column: Sort['column'], descending = false): Action => ({
  type: 'sort',
  column,
  descending,
});
const named = (id: string, process: string, fields: SocketFields = {}): Socket =>
  socket({ id, process, ...fields });

describe('what groups are made of', () => {
  const labelsOf = (group: GroupBy, ...sockets: Socket[]) =>
    new Follower(group, baseline(sockets)).headers.map(({ label, sum }) => `${label} ${sum.sockets}`);

  test('programs by name, for any process; without a name by how the owner is known', () => {
    const unnamed = (id: string, owners: Socket['owners']) => socket({ id, owners });
    expect(
      labelsOf(
        'process',
        named('1', 'node', { pid: 1 }),
        named('2', 'node', { pid: 2 }),
        unnamed('3', [{ knowledge: 'hidden' }]),
        unnamed('4', [{ knowledge: 'hidden' }]),
        named('5', 'hidden'),
        unnamed('6', [{ knowledge: 'exact', pid: 6 }]),
        named('7', 'evil\x1b[2J'),
      ),
    ).toEqual(['evil?[2J 1', '"hidden" 1', 'node 2', '? 1', 'hidden 2']);
  });

  test('hosts by the address of the peer, v4-mapped or not', () => {
    expect(
      labelsOf(
        'host',
        socket({ id: '1', remote: '198.51.100.7:443' }),
        socket({ id: '2', local: '[::1]:1', remote: '[::ffff:198.51.100.7]:80' }),
        socket({ id: '3', local: '[::1]:1', remote: '[2001:db8::1]:80' }),
        listener({ id: '4' }),
        udp({ id: '5' }),
      ).toSorted(),
    ).toEqual(['198.51.100.7 2', '2001:db8::1 1', 'no peer 2']);
  });

  test('ports by the listening endpoint, with the protocol', () => {
    expect(
      labelsOf(
        'port',
        listener({ id: 'listener', local: '*:80' }),
        socket({ id: 'in', local: '192.0.2.10:80', remote: '198.51.100.7:50000' }),
        socket({ id: 'out', local: '192.0.2.10:50001', remote: '198.51.100.7:80', opened: 'out' }),
        udp({ id: 'udp', local: '*:80' }),
        udp({ id: 'nowhere', local: '*:0' }),
        socket({ id: 'raw', protocol: 'raw', local: '*:1', remote: null }),
        socket({ id: 'unix', protocol: 'unix', local: '*:0', remote: null }),
      ).toSorted(),
    ).toEqual(['*/udp 1', '80/tcp 3', '80/udp 1', 'icmp/raw 1', 'no port 1']);
  });

  test('users by name, or by number', () => {
    expect(
      labelsOf(
        'user',
        socket({ id: '1', user: 'ana', uid: 1000 }),
        socket({ id: '2', user: 'ana', uid: 1000 }),
        socket({ id: '3', uid: 0 }),
        socket({ id: '4', owners: [{ knowledge: 'exact', user: 'bob' }] }),
        socket({ id: '5' }),
      ).toSorted(),
    ).toEqual(['0 1', 'ana 2', 'bob 1', 'unknown 1']);
  });

  test('namespaces by name, or by inode', () => {
    expect(
      labelsOf(
        'ns',
        socket({ id: '1', netns: { inode: 7, name: 'web' } }),
        socket({ id: '2', netns: { inode: 8 } }),
        socket({ id: '3' }),
      ).toSorted(),
    ).toEqual(['8 1', 'unknown 1', 'web 1']);
  });
});

describe('the order of groups', () => {
  const rx = (id: string, process: string, rxBytes: number) => named(id, process, { traffic: { rxBytes } });
  const start = baseline([rx('1', 'a', 50), rx('2', 'b', 30), rx('3', 'b', 40), named('4', 'c')]);

  test('by name, ascending and descending', () => {
    const follower = new Follower('process', start);
    expect(follower.shown).toEqual(['[a 1]', '1', '[b 2]', '2', '3', '[c 1]', '4']);
    expect(follower.do({ type: 'reverse-sort' }).shown).toEqual([
      '[c 1]',
      '4',
      '[b 2]',
      '2',
      '3',
      '[a 1]',
      '1',
    ]);
  });

  test('by sums, unknown ones last', () => {
    const follower = new Follower('process', start, sortedBy('rxBytes', true));
    expect(follower.shown).toEqual(['[b 2]', '3', '2', '[a 1]', '1', '[c 1]', '4']);
    expect(follower.headers.map(({ sum }) => sum.rxBytes)).toEqual([70, 50, 0]);
    follower.do(batch({ monotonicMs: 1000, changed: [rx('1', 'a', 71)] }));
    expect(follower.shown).toEqual(['[a 1]', '1', '[b 2]', '3', '2', '[c 1]', '4']);
    expect(follower.do({ type: 'sort', column: 'rxRate', descending: true }).headers[0]?.sum.rxRate).toBe(21);
  });

  test('by their first rows if the column is not summed', () => {
    const follower = new Follower('process', start, batch({ spawned: [named('5', 'c')] }), sortedBy('age'));
    expect(follower.shown).toEqual(['[c 2]', '5', '4', '[a 1]', '1', '[b 2]', '2', '3']);
  });

  test('hosts by number', () => {
    const host = (id: string, remote: string) => socket({ id, remote });
    const follower = new Follower(
      'host',
      baseline([host('1', '10.0.0.10:1'), host('2', '10.0.0.9:1'), listener({ id: '3' })]),
      sortedBy('remoteAddress'),
    );
    expect(follower.shown).toEqual(['[10.0.0.9 1]', '2', '[10.0.0.10 1]', '1', '[no peer 1]', '3']);
  });

  test('with equal keys does not depend on arrival', () => {
    const same = [socket({ id: '1', process: 'x\x01' }), socket({ id: '2', process: 'x\x02' })];
    const order = (sockets: Socket[]) => new Follower('process', baseline(sockets), sortedBy('pid')).shown;
    expect(order(same)).toEqual(order(same.toReversed()));
  });
});

describe('closed sockets', () => {
  test('stay in their group until they are dropped, and are not in its sum', () => {
    const of = (id: string) => named(id, 'a', { traffic: { rxBytes: 5, txBytes: 7 } });
    const follower = new Follower('process', baseline([of('1'), of('2')]), batch({ closed: ['1'] }));
    expect(follower.shown).toEqual(['[a 1]', '1', '2']);
    expect(follower.headers[0]?.sum).toEqual({
      sockets: 1,
      listening: 0,
      established: 1,
      counted: 1,
      rxBytes: 5,
      txBytes: 7,
      rxRate: 0,
      txRate: 0,
    });
    follower.do(batch({ monotonicMs: 2000, closed: ['2'] }));
    expect(follower.shown).toEqual(['[a 0]', '1', '2']);
    expect(follower.do({ type: 'time', atMs: 99_000 }).shown).toEqual([]);
    expect(follower.order.length).toBe(0);
  });
});

describe('folds', () => {
  const start = baseline([named('1', 'a'), named('2', 'a'), named('3', 'b')]);
  const folded = (follower: Follower, ...labels: string[]): Folds => ({
    all: false,
    except: new Set(follower.headers.filter(({ label }) => labels.includes(label)).map(({ id }) => id)),
  });

  test('folds one group', () => {
    const follower = new Follower('process', start);
    follower.set({ folds: folded(follower, 'a') });
    expect(follower.shown).toEqual(['[a 2 folded]', '[b 1]', '3']);
    expect(follower.order.openCount).toBe(3);
    expect(follower.order.rows().map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect([follower.order.indexOf('1'), follower.order.indexOf('3')]).toEqual([-1, 2]);
    expect(follower.order.headerOf('1')).toBe(follower.headers[0]?.id);
    expect(follower.set({ folds: NO_FOLDS }).shown).toEqual(['[a 2]', '1', '2', '[b 1]', '3']);
  });

  test('folds all groups, also new ones, and all except one', () => {
    const follower = new Follower('process', start);
    follower.set({ folds: { all: true, except: new Set() } });
    follower.do(batch({ spawned: [named('4', 'c')] }));
    expect(follower.shown).toEqual(['[a 2 folded]', '[b 1 folded]', '[c 1 folded]']);
    follower.set({ folds: { ...folded(follower, 'b'), all: true } });
    expect(follower.shown).toEqual(['[a 2 folded]', '[b 1]', '3', '[c 1 folded]']);
  });

  test('are kept after the group is gone', () => {
    const follower = new Follower('process', start);
    follower.set({ folds: folded(follower, 'b') }).do(batch({ closed: ['3'] }), { type: 'time', atMs: 9999 });
    expect(follower.shown).toEqual(['[a 2]', '1', '2']);
    follower.do(batch({ monotonicMs: 10_000, spawned: [named('5', 'b')] }));
    expect(follower.shown).toEqual(['[a 2]', '1', '2', '[b 1 folded]']);
  });
});

test('a frozen order keeps groups and rows in place and adds new or moved ones last', () => {
  const [a, b] = [named('1', 'b'), named('2', 'd')];
  const follower = new Follower('process', baseline([a, named('3', 'b'), b, named('4', 'e')]), {
    type: 'freeze',
  });
  follower.do(
    batch({ monotonicMs: 1000, changed: [{ ...a, owners: [{ knowledge: 'exact', process: 'd' }] }] }),
    batch({ monotonicMs: 2000, spawned: [named('0', 'b'), named('5', 'a')] }),
  );
  expect(follower.shown).toEqual(['[b 2]', '3', '0', '[d 2]', '2', '1', '[e 1]', '4', '[a 1]', '5']);
  expect(follower.do({ type: 'freeze' }).shown).toEqual([
    '[a 1]',
    '5',
    '[b 2]',
    '0',
    '3',
    '[d 2]',
    '1',
    '2',
    '[e 1]',
    '4',
  ]);
});

test('a pause keeps its groups and sums', () => {
  const follower = new Follower('process', baseline([named('1', 'a')]), { type: 'pause' });
  follower.do(batch({ monotonicMs: 1000, spawned: [named('2', 'a')] }));
  expect(follower.shown).toEqual(['[a 1]', '1']);
  expect(follower.do({ type: 'pause' }).shown).toEqual(['[a 2]', '1', '2']);
});

test('switches to another grouping and to none', () => {
  const follower = new Follower('process', baseline([named('1', 'a'), listener({ id: '2', process: 'a' })]));
  expect(follower.set({ group: 'host' }).shown).toEqual(['[198.51.100.7 1]', '1', '[no peer 1]', '2']);
  expect(follower.set({ group: null }).shown).toEqual(['2', '1']);
  expect(follower.order.headerOf('1')).toBeUndefined();
});

// A naive reference implementation of grouping.

const KEYS: Readonly<Record<GroupBy, (row: Row) => string>> = {
  process: ({ socket: { owners } }) => String(owners[0]?.process),
  host: ({ socket: { remote } }) => remote?.address ?? 'no peer',
  port: ({ socket: { remote, local }, direction }) =>
    `${(direction === 'out' && remote ? remote : local).port}/tcp`,
  user: ({ socket }) => String(socket.user ?? socket.uid ?? 'unknown'),
  ns: ({ socket }) => String(socket.netns?.inode ?? 'unknown'),
};

/** Groups rows in the order of the list, with all that a header shows. */
function naiveGroups(rows: readonly Row[], group: GroupBy) {
  const members = new Map<string, Row[]>();
  for (const row of rows) {
    const key = KEYS[group](row);
    members.set(key, [...(members.get(key) ?? []), row]);
  }
  return [...members].map(([label, rows]) => {
    const open = rows.filter(({ mark }) => mark !== 'closed');
    const of = (value: (row: Row) => number | undefined) =>
      open.reduce((sum, row) => sum + (value(row) ?? 0), 0);
    const sum = {
      sockets: open.length,
      listening: open.filter(({ socket }) => socket.state === 'LISTEN').length,
      established: open.filter(({ socket }) => socket.state === 'ESTABLISHED').length,
      counted: open.filter(({ socket }) => socket.traffic).length,
      rxBytes: of(({ socket }) => socket.traffic?.rxBytes),
      txBytes: of(({ socket }) => socket.traffic?.txBytes),
      rxRate: of(({ rxRate }) => rxRate),
      txRate: of(({ txRate }) => txRate),
    };
    return { label, rows, sum };
  });
}

type NaiveGroup = ReturnType<typeof naiveGroups>[number];

function naiveOrder(rows: readonly Row[], { group, sort, lookups }: State): NaiveGroup[] {
  const column = COLUMNS.find(({ id }) => id === sort.column);
  const keyOf = ({ sum, rows: [first] }: NaiveGroup) => {
    const { column: id } = sort;
    if (id === 'rxRate' || id === 'txRate' || id === 'rxBytes' || id === 'txBytes')
      return sum.counted > 0 ? sum[id] : null;
    if (id === 'rateHistory') return sum.counted > 0 ? sum.rxRate + sum.txRate : null;
    return first && column ? column.key(first, lookups) : null;
  };
  const less = (a: string | number, b: string | number) =>
    typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === 'number' ? -1 : 1;
  const lessKey = (a: SortKey, b: SortKey) =>
    a === null || b === null
      ? Number(a === null) - Number(b === null)
      : sort.descending
        ? less(b, a)
        : less(a, b);
  // Ports and inodes sort by number; rows without one come last.
  const rankOf = ({ label }: NaiveGroup) =>
    /^(no peer|unknown)$/.test(label) ? '\uffff' : group === 'host' ? label : Number.parseInt(label) || label;
  return naiveGroups(rows, group ?? 'process').toSorted(
    (a, b) => lessKey(keyOf(a), keyOf(b)) || less(rankOf(a), rankOf(b)),
  );
}

const itemsOf = (groups: readonly NaiveGroup[], isFolded: (label: string) => boolean) =>
  groups.flatMap(({ label, rows, sum }) => [
    { label, sum, folded: isFolded(label) },
    ...(isFolded(label) ? [] : rows),
  ]);

const GROUPS: readonly (GroupBy | null)[] = ['process', 'host', 'port', 'user', 'ns', null];
const QUERIES = ['', 'process=a', 'listen', 'a', 'ab'].map(queryFrom);

const version = fc.record({
  process: fc.constantFrom('a', 'B', 'ab', 'zz'),
  listens: fc.boolean(),
  port: fc.constantFrom(80, 443, 5000),
  host: fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.30'),
  user: fc.constantFrom(undefined, 'ana', 'bob'),
  netns: fc.constantFrom(undefined, 7, 8),
  rxBytes: fc.option(fc.nat(3), { nil: undefined }),
});

const socketOf = (
  id: string,
  {
    process,
    listens,
    port,
    host,
    user,
    netns,
    rxBytes,
  }: typeof version extends fc.Arbitrary<infer T> ? T : never,
): Socket => ({
  ...(listens
    ? listener({ id, process, local: `*:${port}` })
    : socket({ id, process, local: `10.0.0.1:${port}`, remote: `${host}:443` })),
  ...(user && { user }),
  ...(netns && { netns: { inode: netns } }),
  ...(rxBytes !== undefined && { traffic: { rxBytes, txBytes: 3 - rxBytes } }),
});

const IDS = Array.from({ length: 60 }, (_, i) => `id ${i}`);
const FOLLOWED = 'id 0';
const becomes = fc.option(version, { freq: 4 });
const changes = fc
  .oneof(
    fc.dictionary(fc.constantFrom(...IDS.slice(0, 8)), becomes),
    fc.dictionary(fc.constantFrom(...IDS), becomes, { maxKeys: 20 }),
    fc.dictionary(fc.constantFrom(...IDS), becomes, { minKeys: 40, maxKeys: 60 }),
  )
  .map((wanted) => ({ type: 'tick' as const, wanted }));

const step = fc.record({
  what: fc.oneof(
    { weight: 8, arbitrary: changes },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Action>(
        ...COLUMNS.map(({ id }) => ({ type: 'sort' as const, column: id })),
        ...QUERIES.map((query) => ({ type: 'query' as const, query })),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom<Action>({ type: 'reverse-sort' }, { type: 'freeze' }, { type: 'pause' }),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Action>(
        { type: 'fold-all' },
        ...GROUPS.map((group) => ({ type: 'group' as const, group })),
      ),
    },
    { weight: 1, arbitrary: fc.nat(99).map((index) => ({ type: 'fold-one' as const, index })) },
  ),
  /** Several steps may happen before the next paint. */
  painted: fc.boolean(),
});

/** Returns each group of a list with the ids of its rows. */
function blocksOf(items: readonly Item[]): { id: string; rows: string[] }[] {
  const blocks: { id: string; rows: string[] }[] = [];
  for (const item of items) {
    if (item.type === 'group') blocks.push({ id: item.id, rows: [] });
    else blocks.at(-1)?.rows.push(item.id);
  }
  return blocks;
}

/** Expects that the remaining items of `before` come first in `now`, in the same order. */
const expectKept = (before: readonly string[], now: readonly string[]): void => {
  const kept = before.filter((id) => now.includes(id));
  expect(now.slice(0, kept.length)).toEqual(kept);
};

test('after any steps the groups equal those of the reference implementation', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const order = new RowOrder();
      let state: State = { ...after(emptyState(), baseline([])), group: 'process' };
      const open = new Set<string>();
      let before: Item[] = [];
      let rearranged = true;
      for (const [i, { what, painted }] of steps.entries()) {
        if (what.type === 'tick') {
          const wanted = Object.entries(what.wanted);
          const sockets = wanted.flatMap(([id, fields]) => (fields ? [socketOf(id, fields)] : []));
          const spawned = sockets.filter(({ id }) => !open.has(id));
          const changed = sockets.filter(({ id }) => open.has(id));
          const closed = wanted.flatMap(([id, fields]) => (fields === null && open.delete(id) ? [id] : []));
          for (const { id } of spawned) open.add(id);
          state = after(state, batch({ monotonicMs: i * 1000, spawned, changed, closed }));
        } else if (what.type === 'fold-one') {
          const headers = before.filter(({ type }) => type === 'group');
          const header = headers[what.index % Math.max(1, headers.length)];
          if (header) state = after(state, { type: 'fold', id: header.id });
          rearranged = true;
        } else {
          state = after(state, what);
          rearranged ||= what.type !== 'pause';
        }
        if (!painted) continue;
        order.update(state);
        const items = order.slice();
        expect(items).toHaveLength(order.length);
        // Asked last before the update and first after it: the answer from before must not be kept if the row moved.
        expect(order.indexOf(FOLLOWED)).toBe(items.findIndex(({ id }) => id === FOLLOWED));
        expect(items.every(({ id }, index) => order.indexOf(id) === index)).toBe(true);
        expect(items.every((item, index) => order.at(index)?.id === item.id)).toBe(true);
        const middle = Math.floor(items.length / 3);
        expect(order.slice(middle, middle + 7)).toEqual(items.slice(middle, middle + 7));
        const flat = new RowOrder();
        flat.update({ ...state, group: null });
        const rows = flat.rows();
        expect(new Set(order.rows())).toEqual(new Set(rows));
        expect(order.openCount).toBe(flat.openCount);
        if (state.group !== null && !state.frozen) {
          const { group, folds } = state;
          const folded = new Set(
            naiveGroups(rows, group).flatMap(({ label, rows: [first] }) =>
              first && folds.except.has(order.headerOf(first.id) ?? '') !== folds.all ? [label] : [],
            ),
          );
          expect(
            items.map((item) =>
              item.type === 'group'
                ? { label: item.label, sum: item.sum, folded: item.folded }
                : item.type === 'row' && item.row,
            ),
          ).toEqual(itemsOf(naiveOrder(rows, state), (label) => folded.has(label)));
        }
        if (state.group !== null && state.frozen) {
          const sums = new Map(naiveGroups(rows, state.group).map(({ label, sum }) => [label, sum]));
          for (const item of items) if (item.type === 'group') expect(item.sum).toEqual(sums.get(item.label));
          if (!rearranged) {
            const [then, now] = [blocksOf(before), blocksOf(items)];
            expectKept(
              then.map(({ id }) => id),
              now.map(({ id }) => id),
            );
            for (const block of now)
              expectKept(then.find(({ id }) => id === block.id)?.rows ?? [], block.rows);
          }
        }
        order.indexOf(FOLLOWED);
        [before, rearranged] = [items, false];
      }
    }),
    { numRuns: 300 },
  );
});
