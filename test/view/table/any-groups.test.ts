import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';
import { locationOf } from '../../../src/store/locations.ts';
import type { Lookups } from '../../../src/store/lookups.ts';
import { type GroupBy, GROUPS as ALL_GROUPS, type State } from '../../../src/store/state.ts';
import type { Row } from '../../../src/store/row.ts';
import type { SortKey } from '../../../src/view/table/entry.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import type { Item } from '../../../src/view/table/item.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, listener, queryFrom, socket } from '../../helpers/fakes.ts';
import { fakeLocations } from '../../helpers/locations.ts';
import { anyChanges, OpenSockets } from '../../helpers/random-changes.ts';

// A naive reference implementation of grouping.

const KEYS: Readonly<Record<GroupBy, (row: Row, lookups: Lookups) => string>> = {
  process: ({ socket: { owners } }) => String(owners[0]?.process),
  host: ({ socket: { remote } }) => remote?.address ?? 'no peer',
  port: ({ socket: { remote, local }, direction }) =>
    `${(direction === 'out' && remote ? remote : local).port}/tcp`,
  user: ({ socket }) => String(socket.user ?? socket.uid ?? 'unknown'),
  ns: ({ socket }) => String(socket.netns?.inode ?? 'unknown'),
  country: ({ socket }, { locations }) => locationOf(locations, socket.remote)?.country?.code ?? 'no country',
  org: ({ socket }, { locations }) => {
    const { asn, name } = locationOf(locations, socket.remote)?.org ?? {};
    return asn === undefined ? (name ?? 'no organisation') : `AS${asn} ${name}`;
  },
};

/** Groups rows in the order of the list, with all that a header shows. */
function naiveGroups(rows: readonly Row[], group: GroupBy, lookups: Lookups) {
  const members = new Map<string, Row[]>();
  for (const row of rows) {
    const key = KEYS[group](row, lookups);
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
      closeWait: open.filter(({ socket }) => socket.state === 'CLOSE_WAIT').length,
      timeWait: open.filter(({ socket }) => socket.state === 'TIME_WAIT').length,
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
    /^(no peer|unknown|no country|no organisation)$/.test(label)
      ? '\uffff'
      : group === 'host'
        ? label
        : Number.parseInt(label) || label;
  return naiveGroups(rows, group ?? 'process', lookups).toSorted(
    (a, b) => lessKey(keyOf(a), keyOf(b)) || less(rankOf(a), rankOf(b)),
  );
}

const itemsOf = (groups: readonly NaiveGroup[], isFolded: (label: string) => boolean) =>
  groups.flatMap(({ label, rows, sum }) => [
    { label, sum, folded: isFolded(label) },
    ...(isFolded(label) ? [] : rows),
  ]);

const GROUPS: readonly (GroupBy | null)[] = [...ALL_GROUPS, null];
const LOCATIONS = [
  fakeLocations({ '192.0.2.1': ['DE', 'AS1 Alpha'], '192.0.2.2': ['DE', 'AS20 Beta'] }),
  fakeLocations({ '192.0.2.2': ['FR'], '192.0.2.30': ['DE', 'Gamma'] }),
];
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
const changes = anyChanges(version, IDS, { some: 20, many: 40 }).map((wanted) => ({
  type: 'tick' as const,
  wanted,
}));

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
        ...LOCATIONS.map((locations) => ({ type: 'locations' as const, locations })),
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
      const open = new OpenSockets();
      let before: Item[] = [];
      let rearranged = true;
      for (const [i, { what, painted }] of steps.entries()) {
        if (what.type === 'tick') {
          const changed = open.take(what.wanted, socketOf);
          state = after(state, batch({ monotonicMs: i * 1000, ...changed }));
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
        // `indexOf` keeps its last answer. It was asked for this row before the update too, so a stale answer is noticed here.
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
          const { group, folds, lookups } = state;
          const folded = new Set(
            naiveGroups(rows, group, lookups).flatMap(({ label, rows: [first] }) =>
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
          const sums = new Map(
            naiveGroups(rows, state.group, state.lookups).map(({ label, sum }) => [label, sum]),
          );
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
