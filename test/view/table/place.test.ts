import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_LOOKUPS } from '../../../src/store/lookups.ts';
import type { ColumnChoice, ColumnId } from '../../../src/store/columns.ts';
import { type CellContext, COLUMNS } from '../../../src/view/columns/columns.ts';
import { NOTHING_SEEN, type Seen } from '../../../src/store/seen-fields.ts';
import type { WidestSeen } from '../../../src/store/columns.ts';
import { columnsIn, noteWidths, placeColumns } from '../../../src/view/table/place.ts';
import { titleLine } from '../../../src/view/table/rows.ts';
import { rowLine } from '../../../src/view/table/row-line.ts';
import { displayWidth } from '../../../src/view/text/width.ts';
import { after, ALL_SEEN, baseline, emptyState, socket } from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';

const rowsOf = (...sockets: Parameters<typeof baseline>[0]) => [
  ...after(emptyState(), baseline(sockets)).table.rows.values(),
];

/** Columns that appear without being chosen. */
/** Without HOST, which appears when the user asks for names. */
const AUTOMATIC = COLUMNS.filter(({ id, onRequest }) => !onRequest && id !== 'host');

const CONTEXT: CellContext = { nowMs: 0, takenAtMs: 0, serviceNames: false, lookups: NO_LOOKUPS };
const NARROW = rowsOf(socket());
const WIDE = rowsOf(
  socket({
    local: '[2001:db8:1111:2222:3333:4444:5555:6666]:65535',
    remote: '[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65535',
    process: 'a-program-with-a-very-long-name-indeed',
  }),
);

const seen = (rows: typeof NARROW): WidestSeen => noteWidths(new Map(), rows, CONTEXT, COLUMNS);

const idsAt = (width: number, widest = seen(NARROW), sourceSeen = NOTHING_SEEN): ColumnId[] =>
  placeColumns(width, widest, sourceSeen).map(({ column }) => column.id);

const WIDTHS = Array.from({ length: 300 }, (_, i) => i + 1);

const TRAFFIC: Seen = { ...NOTHING_SEEN, traffic: true };

describe.each([
  ['short texts', seen(NARROW), NOTHING_SEEN],
  ['long texts', seen(WIDE), NOTHING_SEEN],
  ['no text yet', new Map<ColumnId, number>(), NOTHING_SEEN],
  ['with traffic', seen(NARROW), TRAFFIC],
  ['with all there is', seen(WIDE), ALL_SEEN],
])('at every width, %s', (_, widest, sourceSeen) => {
  test('columns do not overlap, have a space between them, and end within the pane', () => {
    for (const width of WIDTHS) {
      const placed = placeColumns(width, widest, sourceSeen);
      let free = 2;
      for (const { left, width: cells } of placed) {
        // Not `expect`, which takes longer than placing the columns.
        assert.ok(left >= free && cells > 0, `width ${width}: ${cells} cells at ${left}, free from ${free}`);
        free = left + cells + 1;
      }
      // Below that, the edge of the screen cuts the remaining column.
      if (width >= 10) expect(free - 1, `width ${width}`).toBeLessThanOrEqual(width);
      else expect(placed.map(({ column }) => column.id)).toEqual(['process']);
    }
  });

  test('from 40 columns on a wider pane shows no fewer columns', () => {
    for (const width of WIDTHS.filter((it) => it > 40)) {
      expect(idsAt(width, widest, sourceSeen), `from ${width - 1} to ${width}`).toEqual(
        expect.arrayContaining(idsAt(width - 1, widest, sourceSeen)),
      );
    }
  });

  test('no column is below its minimum or above its maximum', () => {
    for (const width of WIDTHS) {
      for (const { column, width: cells } of placeColumns(width, widest, sourceSeen)) {
        const { least, most } = column.width;
        assert.ok(cells >= least && cells <= most, `${column.id} has ${cells} cells of ${least} to ${most}`);
      }
    }
  });

  test('rows and titles use the same positions', () => {
    for (const width of WIDTHS.slice(9)) {
      const columns = placeColumns(width, widest, sourceSeen);
      const end = Math.max(...columns.map(({ left, width: cells }) => left + cells));
      for (const row of [...NARROW, ...WIDE]) {
        assert.equal(displayWidth(textOf(rowLine(row, columns, CONTEXT, 'none'))), end);
      }
      expect(
        displayWidth(
          textOf(titleLine(columns, { sort: { column: 'process', descending: true }, cell: null })),
        ),
      ).toBe(end);
    }
  });
});

describe('automatic columns', () => {
  const ESSENTIAL = ['process', 'localPort', 'remoteAddress', 'remotePort', 'state'];

  test('at 40 columns: program, peer, port and state, for any source', () => {
    expect(idsAt(40)).toEqual(ESSENTIAL);
    expect(idsAt(40, seen(NARROW), ALL_SEEN)).toEqual(ESSENTIAL);
  });

  test('at 120 columns: all of a source without traffic', () => {
    expect(idsAt(120)).toEqual(AUTOMATIC.filter(({ present }) => !present).map(({ id }) => id));
  });

  test('at 80 columns: program, pid, protocol, both ends and state', () => {
    expect(idsAt(80, seen(NARROW), ALL_SEEN)).toEqual([
      'process',
      'pid',
      'protocol',
      'localAddress',
      'localPort',
      'remoteAddress',
      'remotePort',
      'state',
    ]);
  });

  test('at 120 columns: all except the less important ones; at 200 all', () => {
    const rare: ColumnId[] = ['rateHistory', 'rxBytes', 'txBytes', 'retransmits', 'queues', 'interface'];
    expect(idsAt(120, seen(NARROW), TRAFFIC)).toEqual(
      AUTOMATIC.map(({ id }) => id).filter((id) => !rare.includes(id) && id !== 'netns'),
    );
    expect(idsAt(200, seen(NARROW), ALL_SEEN)).toEqual(AUTOMATIC.map(({ id }) => id));
  });

  test('names of peers come beside their addresses, also in a narrow pane', () => {
    const named = (width: number) => idsAt(width, seen(NARROW), { ...NOTHING_SEEN, names: true });
    expect(named(80)).toContain('host');
    expect(named(40)).toContain('host');
    expect(idsAt(200)).not.toContain('host');
  });

  test('each appears only once a source has shown values for it', () => {
    const withOnly = (kind: keyof Seen) => {
      const without = idsAt(300);
      return idsAt(300, seen(NARROW), { ...NOTHING_SEEN, [kind]: true }).filter(
        (id) => !without.includes(id),
      );
    };
    expect(withOnly('traffic')).toEqual([
      'rxRate',
      'txRate',
      'rateHistory',
      'rtt',
      'rxBytes',
      'txBytes',
      'retransmits',
    ]);
    expect(withOnly('queues')).toEqual(['queues']);
    expect(withOnly('namespaces')).toEqual(['netns']);
    expect(withOnly('interfaces')).toEqual(['interface']);
  });
});

test('at 120 columns no cell of an ordinary row is cut', () => {
  const columns = placeColumns(120, seen(NARROW), NOTHING_SEEN);
  expect(textOf(NARROW[0] && rowLine(NARROW[0], columns, CONTEXT, 'none')).split(/\s+/)).toEqual([
    '',
    'curl',
    '100',
    '·',
    'tcp',
    '192.0.2.10',
    '40000',
    '198.51.100.7',
    '443',
    'ESTABLISHED',
    '>0s',
  ]);
});

test('at 200 columns long IPv6 addresses are not cut', () => {
  const text = textOf(
    WIDE[0] && rowLine(WIDE[0], placeColumns(200, seen(WIDE), NOTHING_SEEN), CONTEXT, 'none'),
  );
  expect(text).toContain('2001:db8:1111:2222:3333:4444:5555:6666');
  expect(text).toContain('2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff');
});

test('a column that has grown keeps its width after the long text is gone', () => {
  const widest = seen(WIDE);
  const before = placeColumns(160, widest, NOTHING_SEEN);
  const later = noteWidths(widest, NARROW, CONTEXT, COLUMNS);
  expect(noteWidths(later, [], CONTEXT, COLUMNS)).toBe(later);
  expect(placeColumns(160, later, NOTHING_SEEN)).toEqual(before);
});

test('a narrow state column has short names instead of cut ones', () => {
  const row = rowsOf(socket({ state: 'CLOSE_WAIT' }))[0];
  expect(
    textOf(row && rowLine(row, placeColumns(40, seen(NARROW), NOTHING_SEEN), CONTEXT, 'none')),
  ).toContain('CLOS-W');
});

test('the title of the sorted column has an arrow', () => {
  const title = (descending: boolean) =>
    textOf(
      titleLine(placeColumns(120, seen(NARROW), NOTHING_SEEN), {
        sort: { column: 'pid', descending },
        cell: null,
      }),
    );
  expect(title(false)).toContain('PID▴');
  expect(title(true)).toContain('PID▾');
});

test('service names replace ports', () => {
  const context = { ...CONTEXT, serviceNames: true };
  const widest = noteWidths(new Map(), NARROW, context, COLUMNS);
  const row = NARROW[0];
  expect(textOf(row && rowLine(row, placeColumns(120, widest, NOTHING_SEEN), context, 'none'))).toMatch(
    / 40000 .* https /,
  );
});

test('a long protocol name is shortened if it does not fit', () => {
  const [row] = rowsOf(socket({ protocol: 'packet' }));
  const text = (widest: WidestSeen) =>
    textOf(row && rowLine(row, placeColumns(120, widest, NOTHING_SEEN), CONTEXT, 'none'));
  expect(text(new Map())).toMatch(/ pkt +192/);
  expect(text(seen(rowsOf(socket({ protocol: 'packet' }))))).toMatch(/ packet +192/);
});

describe('chosen columns', () => {
  const place = (
    width: number,
    choices: readonly ColumnChoice[],
    widest: ReadonlyMap<ColumnId, number> = new Map(),
  ) =>
    placeColumns(width, widest, NOTHING_SEEN, choices).map(({ column, left, width: cells }) => [
      column.id,
      left,
      cells,
    ]);

  test('appear exactly as chosen, for any source', () => {
    expect(place(80, [{ id: 'age' }, { id: 'rtt' }, { id: 'process' }])).toEqual([
      ['age', 2, 5],
      ['rtt', 9, 5],
      ['process', 16, 10],
    ]);
  });

  test('get remaining cells if they had wider texts; a chosen width stays', () => {
    const choices: ColumnChoice[] = [{ id: 'process' }, { id: 'remoteAddress', width: 8 }];
    expect(place(80, choices, seen(WIDE))).toEqual([
      ['process', 2, 24],
      ['remoteAddress', 28, 8],
    ]);
    expect(place(300, [{ id: 'pid', width: 500 }])).toEqual([['pid', 2, 120]]);
    expect(place(300, [{ id: 'pid', width: 0 }])).toEqual([['pid', 2, 1]]);
  });

  test('shrink from the last one first, then are dropped from the end', () => {
    const choices: ColumnChoice[] = [{ id: 'process' }, { id: 'state' }, { id: 'user' }];
    const sizes = (width: number) => place(width, choices).map(([, , cells]) => cells);
    expect([35, 33, 32, 30, 29, 25, 24, 23, 22].map(sizes)).toEqual([
      [10, 11, 8],
      [10, 11, 8],
      [10, 11, 7],
      [10, 10, 6],
      [10, 9, 6],
      [9, 6, 6],
      [8, 6, 6],
      [10, 10],
      [10, 9],
    ]);
  });

  test('a single column is narrowed to the pane', () => {
    expect(place(40, [{ id: 'command', width: 100 }, { id: 'pid' }])).toEqual([['command', 2, 38]]);
    expect(place(1, [{ id: 'command' }])).toEqual([['command', 2, 1]]);
  });

  test('an empty choice means automatic columns', () => {
    expect(place(80, [])).toEqual(
      placeColumns(80, new Map(), NOTHING_SEEN).map(({ column, left, width }) => [column.id, left, width]),
    );
  });

  test('measures only the columns that are placed, and the command line', () => {
    const choices: ColumnChoice[] = [{ id: 'exe' }, { id: 'pid' }, { id: 'command' }];
    expect(columnsIn(30, new Map(), NOTHING_SEEN, choices).map(({ id }) => id)).toEqual(['exe', 'pid']);
    expect(
      columnsIn(40, new Map(), ALL_SEEN, null)
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...idsAt(40), 'command'].sort());
  });

  test('do not overlap, fit in the pane and match their titles, for any choice and width', () => {
    const choice = fc.record({
      id: fc.constantFrom(...COLUMNS.map(({ id }) => id)),
      width: fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(choice, { selector: ({ id }) => id, minLength: 1 }),
        fc.integer({ min: 3, max: 300 }),
        (drawn, width) => {
          const choices = drawn.map(({ id, width: cells }) => ({
            id,
            ...(cells !== undefined && { width: cells }),
          }));
          const placed = placeColumns(width, seen(WIDE), ALL_SEEN, choices);
          expect(placed.map(({ column }) => column.id)).toEqual(
            choices.slice(0, placed.length).map(({ id }) => id),
          );
          const [last] = placed.slice(-1);
          const end = (last?.left ?? 0) + (last?.width ?? 0);
          expect(end).toBeLessThanOrEqual(width);
          for (const [i, { width: cells }] of placed.entries()) {
            const fixed = choices[i]?.width;
            if (fixed !== undefined && placed.length > 1) expect(cells).toBe(fixed);
            expect(cells).toBeGreaterThan(0);
          }
          for (const row of WIDE)
            expect(displayWidth(textOf(rowLine(row, placed, CONTEXT, 'none')))).toBe(end);
          const sort = { column: choices[0]?.id ?? 'pid', descending: true };
          expect(displayWidth(textOf(titleLine(placed, { sort, cell: null })))).toBe(end);
        },
      ),
    );
  });
});
