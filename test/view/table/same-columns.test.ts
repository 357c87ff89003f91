import { expect, test } from 'vitest';
import type { Row } from '../../../src/store/row.ts';
import type { SameColumns } from '../../../src/store/columns.ts';
import { sameColumns } from '../../../src/view/table/same-columns.ts';
import { after, baseline, emptyState, queryFrom, type SocketFields, socket } from '../../helpers/fakes.ts';

const query = queryFrom('');
const context = { nowMs: 0, takenAtMs: 0, serviceNames: false, lookups: emptyState().lookups };

const rowsOf = (...all: SocketFields[]): Row[] => [
  ...after(
    emptyState(),
    baseline(all.map((fields, i) => socket({ id: String(i), ...fields }))),
  ).table.rows.values(),
];
const ana = { user: 'ana' };
const root = { user: 'root' };

const find = (same: SameColumns | null, rows: readonly Row[], now = query, isTyped = false) =>
  sameColumns(
    {
      same,
      query: now,
      prompt: isTyped ? { kind: 'query', text: '', cursor: 0, untouched: false, before: query } : null,
    },
    rows,
    () => rows,
    context,
  );
const ids = (same: SameColumns | null) => [...(same?.texts.keys() ?? [])];

test('finds the columns that say the same in every row, if there are several rows', () => {
  const found = find(null, rowsOf(ana, ana));
  expect(ids(found)).toEqual(expect.arrayContaining(['user', 'state', 'remoteAddress']));
  expect(ids(find(null, rowsOf(ana, root)))).not.toContain('user');
  expect(ids(find(null, rowsOf(ana)))).toEqual([]);
  expect(find(null, [])).toBe(null);
});

test('a column that a later row tells apart comes back, and stays until the query changes', () => {
  const first = find(null, rowsOf(ana, ana));
  expect(find(first, rowsOf(ana))).toBe(first);
  const later = find(first, rowsOf(ana, root));
  expect(ids(later)).not.toContain('user');
  expect(ids(later)).toContain('state');
  expect(find(later, rowsOf(ana, ana))).toBe(later);
  expect(ids(find(later, rowsOf(ana, ana), queryFrom('ana')))).toContain('user');
});

test('columns stay while a query is typed', () => {
  const first = find(null, rowsOf(ana, root));
  expect(find(first, rowsOf(ana, ana), queryFrom('ana'), true)).toBe(first);
});

test('a column that names the peers of local connections stays', () => {
  const ends = [40_000, 40_001].flatMap((port) => [
    { local: `127.0.0.1:${port}`, remote: '127.0.0.1:6379', process: 'app' },
    { local: '127.0.0.1:6379', remote: `127.0.0.1:${port}`, process: 'redis' },
  ]);
  const { rows } = after(emptyState(), baseline(ends.map((it) => socket(it)))).table;
  const clients = [...rows.values()].filter(({ socket: { local } }) => local.port !== 6379);
  const withPeers = sameColumns({ same: null, query, prompt: null }, clients, () => clients, {
    ...context,
    rows,
  });
  // Their peers are the same too, but nothing else names them.
  expect(ids(withPeers)).not.toContain('remoteAddress');
  expect(ids(withPeers)).toContain('remotePort');
  expect(ids(find(null, clients))).toContain('remoteAddress');
});
