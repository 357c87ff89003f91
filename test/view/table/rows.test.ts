import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { ColumnId } from '../../../src/store/columns.ts';
import type { Row } from '../../../src/store/row.ts';
import { NO_LOOKUPS } from '../../../src/store/lookups.ts';
import type { GroupItem } from '../../../src/view/table/item.ts';
import { emptyLines } from '../../../src/view/table/empty.ts';
import { placeColumns } from '../../../src/view/table/place.ts';
import { KEYS } from '../../../src/tui/keymap.ts';
import { keyText } from '../../../src/view/header/key-help.ts';
import { groupLine, tableLines, titleLine } from '../../../src/view/table/rows.ts';
import { rowLine } from '../../../src/view/table/row-line.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { emptySum } from '../../../src/store/sums.ts';
import { after, ALL_SEEN, baseline, batch, emptyState, queryFrom, socket } from '../../helpers/fakes.ts';
import { placed, textOf, UNSAFE } from '../../helpers/lines.ts';

const state = {
  ...after(
    emptyState(),
    baseline(
      [1, 2].map((id) => socket({ id: `${id}`, process: 'node', traffic: { rxBytes: 1000, txBytes: 5 } })),
    ),
    batch({
      changed: [socket({ id: '1', process: 'node', traffic: { rxBytes: 2500, txBytes: 5 } })],
    }),
  ),
  group: 'process' as const,
};
const [row] = state.table.rows.values();
if (row === undefined) throw new Error('there is no row');

const header = (fields: Partial<GroupItem> = {}): GroupItem => ({
  type: 'group',
  id: 'group',
  label: 'node',
  folded: false,
  sum: { ...emptySum(), sockets: 12, counted: 2, rxBytes: 3500, txBytes: 10, rxRate: 1500 },
  first: row,
  ...fields,
});

const context = { nowMs: 1000, takenAtMs: 0, serviceNames: false, lookups: NO_LOOKUPS };
const columnsOf = (width: number) => placeColumns(width, new Map(), ALL_SEEN);
const lineOf = (item: GroupItem, width: number) => textOf(groupLine(item, columnsOf(width), context, 'none'));

describe('the header of a group', () => {
  test('shows name, count, and sums below their column titles', () => {
    const columns = columnsOf(200);
    const text = lineOf(header(), 200);
    expect(text.slice(0, 22)).toBe('▾ node (12)  12 other ');
    const cells = columns.flatMap(({ column: { id }, left, width }) => {
      const cell = text.slice(left, left + width).trim();
      return left >= 60 && cell !== '' ? [[id, cell]] : [];
    });
    expect(cells).toEqual([
      ['rxRate', '1.5k'],
      ['txRate', '0'],
      ['rateHistory', '·'],
      ['rxBytes', '3.5k'],
      ['txBytes', '10'],
    ]);
    expect(displayWidth(text)).toBe(displayWidth(textOf(rowLine(row, columns, context, 'none'))));
  });

  test('shows counts by state if there is room', () => {
    const mixed = header({ sum: { ...header().sum, listening: 2, established: 9 } });
    expect(lineOf(mixed, 200)).toContain('▾ node (12)  2 listening  9 established  1 other ');
    const leaking = header({ sum: { ...mixed.sum, established: 3, closeWait: 4, timeWait: 2 } });
    expect(lineOf(leaking, 200)).toContain(
      '▾ node (12)  2 listening  3 established  4 CLOSE_WAIT  2 TIME_WAIT  1 other ',
    );
    expect(lineOf(leaking, 66)).toContain('▾ node (12)  2 listen  3 estab  4 CLOS-W  2 TIME-W  1 other ');
    const listening = header({ sum: { ...emptySum(), sockets: 12, listening: 12 } });
    expect(lineOf(listening, 120)).toMatch(/▾ node \(12\) {2}12 listening +·/);
    expect(lineOf(mixed, 30)).not.toMatch(/listen/);
  });

  test('shows a folded group and large counts', () => {
    expect(lineOf(header({ folded: true, sum: { ...header().sum, sockets: 1234 } }), 80)).toMatch(
      /^▸ node \(1,234\) /,
    );
  });

  test('leaves out unknown sums: rates at the first poll, bytes without counters', () => {
    const at = { ...context, nowMs: 0 };
    const text = textOf(groupLine(header(), columnsOf(200), at, 'none'));
    expect(text.slice(60).trim().split(/\s+/)).toEqual(['·', '·', '·', '3.5k', '10']);
    const unknown = header({ sum: { ...emptySum(), sockets: 1 } });
    expect(lineOf(unknown, 200).slice(60).trim().split(/\s+/)).toEqual(['·', '·', '·', '·', '·']);
  });

  test('a long name may exceed its column, and is cut before the count', () => {
    const address = '2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff';
    expect(lineOf(header({ label: address }), 200)).toContain(`▾ ${address} (12)`);
    const narrow = lineOf(header({ label: address }), 30);
    expect(narrow).toMatch(/^▾ 2001:db8.*….*ffff \(12\)$/);
  });

  test('has its own tone; selected, it is a bar, or has the mark while the keys act elsewhere', () => {
    const shown = (selection: 'none' | 'resting' | 'moving') =>
      groupLine(header(), columnsOf(80), context, selection);
    // Counts by state are quieter than name and sums.
    expect(shown('none').spans.map(({ tone }) => tone)).toEqual(['group', 'quiet', 'group']);
    expect(shown('moving').selected).toBe(true);
    expect(new Set(shown('moving').spans.map(({ tone }) => tone))).toEqual(new Set(['plain']));
    expect(shown('resting').selected).toBe(false);
    expect(textOf(shown('resting'))).toMatch(/^▾›node/);
  });

  test('fits in any pane with any name', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 220 }),
        fc.stringMatching(/^[ -~日本]{0,60}$/),
        fc.nat(2_000_000),
        (width, label, sockets) => {
          const text = lineOf(header({ label, sum: { ...header().sum, sockets } }), width);
          const row_ = textOf(rowLine(row, columnsOf(width), context, 'none'));
          expect(displayWidth(text)).toBe(displayWidth(row_));
          expect(text).not.toMatch(UNSAFE);
        },
      ),
    );
  });
});

test('the title of the sorted column differs from the others', () => {
  const { spans } = titleLine(columnsOf(80), { sort: { column: 'state', descending: true }, cell: null });
  expect(spans.filter(({ tone }) => tone === 'sorted').map(({ text }) => text.trim())).toEqual(['STATE▾']);
});

const keyOf = (id: string): string => keyText(KEYS, id);

test('the table shows headers and rows that fit', () => {
  const order = new RowOrder();
  order.update(state);
  const lines = (height: number, selected: number) =>
    tableLines(state, order, columnsOf(80), 0, height, selected, true, keyOf);
  expect(lines(9, 0).map((it) => textOf(it).slice(0, 8))).toEqual(['▾ node (', '  node  ', '  node  ']);
  expect(lines(2, 0).map(({ selected }) => selected)).toEqual([true, false]);
});

/** Returns the text of the table for a query that matches nothing. */
function emptyTextOf(query: string, width: number): string {
  const asked = after(state, { type: 'query', query: queryFrom(query) }, { type: 'group', group: null });
  const order = new RowOrder();
  order.update(asked);
  return emptyLines(asked, order, width, keyOf).map(textOf).join('\n');
}

test.each([
  ['proces:node', '  nothing matches: unknown field proces: did you mean process:?'],
  ['Prot=tcp or absent', '  nothing matches: unknown field Prot: did you mean proto:?'],
  ['absent', '  nothing matches: esc clears the query'],
  ['http://absent', '  nothing matches: esc clears the query'],
  ['fe80::1234', '  nothing matches: esc clears the query'],
  ['new absent', '  nothing new matches yet: esc clears the query'],
  ['!(proces:node)', undefined],
])('an empty result of %s: %s', (text, expected) => {
  const asked = after(state, { type: 'query', query: queryFrom(text) }, { type: 'group', group: null });
  const order = new RowOrder();
  order.update(asked);
  const [line] = emptyLines(asked, order, 80, keyOf);
  if (expected === undefined) expect(order.length).toBe(2);
  else expect(line && textOf(line)).toBe(expected);
});

test.each([
  ['exposed process:node', '  nothing matches in "exposed", 2 outside: esc shows them'],
  ['exposed established process:node', '  nothing matches in "exposed", 2 outside: esc shows them'],
  ['exposed', '  nothing matches: esc clears the query'],
  ['exposed process:absent', '  nothing matches: esc clears the query'],
])('an empty result of %s in a view that leaves out the matches: %s', (text, expected) => {
  expect(emptyTextOf(text, 80)).toBe(expected);
});

test('the matches outside of a view are counted again only when a row has changed', () => {
  const two = baseline([1, 2].map((id) => socket({ id: `${id}`, process: 'node' })));
  let asked = after(emptyState('exposed process:node'), two);
  const order = new RowOrder();
  const countOf = vi.spyOn(order, 'countOf');
  const lines = () => {
    order.update(asked);
    return emptyLines(asked, order, 80, keyOf).map(textOf);
  };
  expect(lines()).toEqual(['  nothing matches in "exposed", 2 outside: esc shows them']);
  expect(lines()).toEqual(['  nothing matches in "exposed", 2 outside: esc shows them']);
  expect(countOf).toHaveBeenCalledOnce();
  asked = after(asked, batch({ monotonicMs: 5000, spawned: [socket({ id: '3', process: 'node' })] }));
  expect(lines()).toEqual(['  nothing matches in "exposed", 3 outside: esc shows them']);
});

test('the text of an empty result is whole in a narrow pane', () => {
  expect(emptyTextOf('exposed process:node', 40)).toBe(
    '  nothing matches in "exposed", 2\n  outside: esc shows them',
  );
});

test('an empty result while an invalid query is typed does not explain the query before it', () => {
  const typing = after(
    state,
    { type: 'query', query: queryFrom('absent') },
    { type: 'group', group: null },
    { type: 'prompt', kind: 'query', text: 'state:' },
    { type: 'edit', edit: { type: 'insert', text: 'bogus' } },
  );
  const order = new RowOrder();
  order.update(typing);
  const [line] = emptyLines(typing, order, 80, keyOf);
  expect(line && textOf(line)).toBe('  nothing matches: correct the query');
});

describe('the chosen cell', () => {
  test.each([40, 80, 200])('is in brackets beside its text, in any column, at %i cells', (width) => {
    const columns = columnsOf(width);
    const plain = textOf(rowLine(row, columns, context, 'moving'));
    for (const { column, left, width: cells } of columns) {
      const text = textOf(rowLine(row, columns, context, 'moving', column.id));
      expect(text.slice(left - 1, left + cells + 1)).toBe(`[${plain.slice(left, left + cells)}]`);
      expect(text.replace(/[[\]]/g, ' ').trimEnd()).toBe(plain.trimEnd());
    }
    expect(textOf(rowLine(row, columns, context, 'resting', 'state'))).not.toContain('[');
  });
});

test.each<[readonly ColumnId[], string]>([
  [['localAddress', 'localPort', 'remoteAddress', 'remotePort'], 'LOCAL PORT REMOTE PORT'],
  [['localAddress', 'localPort', 'remotePort'], 'LOCAL PORT RPORT'],
  [['localPort', 'remotePort', 'remoteAddress'], 'LPORT RPORT REMOTE'],
  [['process', 'remotePort'], 'PROCESS▴ RPORT'],
])('the titles of two ports are distinct: %j', (ids, expected) => {
  const placed = placeColumns(
    120,
    new Map(),
    ALL_SEEN,
    ids.map((id) => ({ id })),
  );
  const titles = textOf(titleLine(placed, { sort: { column: 'process', descending: false }, cell: null }));
  expect(titles.trim().replace(/ +/g, ' ')).toBe(expected);
});

describe('columns that say nothing of what has changed', () => {
  /** Returns the tone of a column of a row with a mark. */
  function toneOf(id: ColumnId, mark: Row['mark']): string | undefined {
    const [column] = placed(id);
    const owners = [{ knowledge: 'exact', pid: 7, process: 'node', command: 'serve' }] as const;
    const socket_ = socket({ owners: [...owners], state: 'CLOSE_WAIT' });
    const its = { ...row, mark, socket: socket_ } as Row;
    const { spans } = rowLine(its, column ? [column] : [], context, 'none');
    return spans.findLast(({ text }) => text.trim() !== '')?.tone;
  }

  test.each<ColumnId>(['rateHistory', 'command'])('%s has no colour in a changed row', (id) => {
    expect(toneOf(id, 'changed')).toBe('plain');
    expect([toneOf(id, 'spawned'), toneOf(id, 'closed')]).toEqual(['spawned', 'closed']);
    expect(toneOf(id, 'none')).toBe('plain');
  });

  test('all other columns of a changed row have the colour of the mark', () => {
    expect([toneOf('state', 'changed'), toneOf('process', 'changed')]).toEqual(['changed', 'changed']);
  });
});
