import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Lookups } from '../../../src/store/lookups.ts';
import { COLUMN_IDS } from '../../../src/store/columns.ts';
import type { State } from '../../../src/store/state.ts';
import { type ColumnRow, onRequest, wordsText } from '../../../src/view/columns/column.ts';
import { NETWORK_COLUMNS } from '../../../src/view/columns/network.ts';
import { NOTHING } from '../../../src/view/text/format.ts';
import { after, baseline, batch, emptyState, socket } from '../../helpers/fakes.ts';

/*
 * Proves what ARCHITECTURE says a late column takes: adds a made-up one, the region of the peer, to the table of
 * columns, and a field to the lookups. The answers arrive after the rows.
 */

/** The made-up field of lookups: regions by address. */
const regionsIn = new WeakMap<Lookups, Readonly<Record<string, string>>>();

const regionOf = ({ socket: { remote } }: ColumnRow, lookups: Lookups): string =>
  regionsIn.get(lookups)?.[remote?.address ?? ''] ?? '';

Object.assign(COLUMN_IDS, { [COLUMN_IDS.length]: 'region' });
Object.assign(NETWORK_COLUMNS, {
  region: onRequest({
    title: 'REGION',
    about: 'made up',
    align: 'left',
    width: { least: 2, good: 7, most: 20 },
    text: (row, { lookups }) => wordsText(regionOf(row, lookups)),
    key: regionOf,
    keyFrom: 'remote',
    isLate: true,
  }),
});

// Loaded after the column is added: the table of columns is made when its module is loaded.
const { columnOf } = await import('../../../src/view/columns/columns.ts');
const { FlatRows } = await import('../../../src/view/table/flat.ts');
const { RowOrder } = await import('../../../src/view/table/order.ts');
const { noteWidths, placeColumns } = await import('../../../src/view/table/place.ts');
const { cellContext, rowText, tableLines } = await import('../../../src/view/table/rows.ts');

const found = columnOf('region');
if (found === undefined) throw new Error('there is no column of regions');
const column = found;

const PEERS = { a: '192.0.2.1', b: '192.0.2.2', c: '192.0.2.3' };
const SOCKETS = Object.entries(PEERS).map(([id, address]) =>
  socket({ id, process: 'x', pid: 1, remote: `${address}:443` }),
);

/** Returns the state after an answer: with other lookups. */
function answered(before: State, regions: Readonly<Record<string, string>>): State {
  const lookups = { ...before.lookups };
  regionsIn.set(lookups, regions);
  return { ...before, lookups };
}

const FIRST = { [PEERS.b]: 'Chile' };
const SECOND = { ...FIRST, [PEERS.a]: 'Peru', [PEERS.c]: 'Angola' };

let state: State;
let order: InstanceType<typeof RowOrder>;

beforeEach(() => {
  state = after(emptyState(), baseline(SOCKETS), { type: 'columns', columns: [{ id: column.id }] });
  order = new RowOrder();
  order.update(state);
});

/** Returns the ids in the order of the table after it caught up with the state. */
function idsAt(next: State): string[] {
  state = next;
  order.update(state);
  return order.rows().map(({ id }) => id);
}

test('a late column shows and copies an answer when it arrives, and gets the width for it', () => {
  const shown = () => {
    const context = cellContext(state);
    const widest = noteWidths(state.widest, order.rows(), context, [column]);
    const columns = placeColumns(40, widest, state.table.seen, state.columns);
    return {
      cells: tableLines(state, order, columns, 0, 10, -1, true, (id) => id).map(({ spans }) =>
        spans
          .map(({ text }) => text)
          .join('')
          .slice(1)
          .trim(),
      ),
      copied: order.rows().map((row) => rowText(row, [column], context)),
      widest: widest.get(column.id),
    };
  };
  expect(shown()).toEqual({
    cells: [NOTHING, NOTHING, NOTHING],
    copied: [NOTHING, NOTHING, NOTHING],
    widest: NOTHING.length,
  });
  state = answered(state, { [PEERS.a]: 'South Georgia' });
  expect(shown()).toEqual({
    cells: ['South Georgia', NOTHING, NOTHING],
    copied: ['South Georgia', NOTHING, NOTHING],
    widest: 'South Georgia'.length,
  });
});

describe('rows sorted by a late column', () => {
  const sorted = () => after(state, { type: 'sort', column: column.id });

  test('are sorted again when an answer arrives', () => {
    expect(idsAt(sorted())).toEqual(['a', 'b', 'c']);
    expect(idsAt(answered(state, FIRST))).toEqual(['a', 'c', 'b']);
    expect(idsAt(answered(state, SECOND))).toEqual(['c', 'b', 'a']);
    expect(idsAt(after(state, { type: 'reverse-sort' }))).toEqual(['a', 'b', 'c']);
  });

  test('are sorted by the answers that arrived before the sort', () => {
    expect(idsAt(answered(state, SECOND))).toEqual(['a', 'b', 'c']);
    expect(idsAt(sorted())).toEqual(['c', 'b', 'a']);
  });

  test('include a row that arrives after the answers', () => {
    idsAt(answered(sorted(), SECOND));
    const spawned = [socket({ id: 'd', process: 'x', pid: 1, remote: `${PEERS.b}:443` })];
    expect(idsAt(after(state, batch({ monotonicMs: 1000, spawned })))).toEqual(['c', 'b', 'd', 'a']);
  });

  test('are sorted in their groups, and the groups too', () => {
    const grouped = after(sorted(), { type: 'group', group: 'host' });
    expect(idsAt(grouped)).toEqual(['a', 'b', 'c']);
    expect(idsAt(answered(state, SECOND))).toEqual(['c', 'b', 'a']);
  });

  test('keep a frozen order until it is no longer frozen', () => {
    idsAt(after(sorted(), { type: 'freeze' }));
    expect(idsAt(answered(state, SECOND))).toEqual(['a', 'b', 'c']);
    expect(idsAt(after(state, { type: 'freeze' }))).toEqual(['c', 'b', 'a']);
  });
});

test('rows sorted by another column are not sorted when an answer arrives', () => {
  const sort = vi.spyOn(FlatRows.prototype, 'sort');
  expect(idsAt(answered(state, SECOND))).toEqual(['a', 'b', 'c']);
  expect(sort).not.toHaveBeenCalled();
  idsAt(after(state, { type: 'sort', column: column.id }));
  expect(sort).toHaveBeenCalledOnce();
  sort.mockRestore();
});
