import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ColumnChoice, COLUMN_IDS } from '../../../src/store/columns.ts';
import {
  columnAfter,
  columnPaneLines,
  listedColumns,
  moveColumn,
  startingChoices,
  toggleColumn,
  widenColumn,
} from '../../../src/view/panes/column-pane.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { placeColumns } from '../../../src/view/table/place.ts';
import { ALL_SEEN } from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';

const CHOICES: readonly ColumnChoice[] = [{ id: 'age' }, { id: 'process', width: 20 }, { id: 'remote' }];
const ids = (choices: readonly ColumnChoice[]) => choices.map(({ id }) => id);

describe('the list', () => {
  test('shows the chosen columns first, in their order, then all others', () => {
    const listed = listedColumns(CHOICES).map(({ id }) => id);
    expect(listed.slice(0, 5)).toEqual(['age', 'process', 'remote', 'pid', 'user']);
    expect(listed.toSorted()).toEqual(COLUMN_IDS.toSorted());
  });

  test('shows for each column if it is chosen, its width and its description', () => {
    const lines = columnPaneLines({ choices: CHOICES, cursor: 'process' }, 60, 8);
    expect(lines.map((line) => textOf(line).trimEnd())).toEqual([
      `COLUMNS  1–4 of ${COLUMNS.length} · 3 shown`,
      '[x] AGE         auto  age; > at least, since netpane first …',
      '[x] PROCESS       20  program; a → b: now runs b; (name) la…',
      '[x] REMOTE:PORT auto  address and port of the peer; * means…',
      '[ ] PID               process id',
      'program; a → b: now runs b; (name) last known; [name]',
      'listener; name? seen sending; +n: n more hold it',
      '',
    ]);
    expect(lines.map(({ selected }) => selected ?? false)).toEqual([
      false,
      false,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test('keeps the cursor visible and the list full at every height', () => {
    for (const cursor of COLUMN_IDS) {
      for (const height of [2, 5, 8, 20, 80]) {
        const lines = columnPaneLines({ choices: CHOICES, cursor }, 80, height);
        expect(lines.length).toBeLessThanOrEqual(height);
        expect(lines.filter(({ selected }) => selected)).toHaveLength(1);
        if (height < 50) expect(lines).toHaveLength(height);
      }
    }
  });

  test('shows every description in full at the bottom of a pane of 40 columns', () => {
    for (const { id, about } of COLUMNS) {
      const foot = columnPaneLines({ choices: CHOICES, cursor: id }, 40, 10).slice(-3);
      expect(foot.map(textOf).join(' ').trimEnd()).toBe(about);
    }
  });

  test('returns no line for a height of 0', () => {
    expect(columnPaneLines({ choices: CHOICES, cursor: 'age' }, 40, 0)).toEqual([]);
  });
});

test('starts with the columns on the screen', () => {
  const placed = placeColumns(80, new Map(), ALL_SEEN);
  expect(ids(startingChoices(null, placed))).toEqual(placed.map(({ column }) => column.id));
  expect(ids(startingChoices([], placed))).toEqual(placed.map(({ column }) => column.id));
  expect(startingChoices(CHOICES, placed)).toBe(CHOICES);
});

test('moves the cursor through the list as shown and keeps it inside', () => {
  const from = (cursor: ColumnChoice['id'], by: number) => columnAfter({ choices: CHOICES, cursor }, by);
  expect([from('age', 1), from('process', 1), from('remote', 1), from('pid', -1)]).toEqual([
    'process',
    'remote',
    'pid',
    'remote',
  ]);
  expect([from('age', -1), from('pid', -Infinity), from('age', Infinity)]).toEqual(['age', 'age', 'mark']);
});

test('adds a column at the end, removes it, and keeps the last one', () => {
  expect(ids(toggleColumn(CHOICES, 'pid'))).toEqual(['age', 'process', 'remote', 'pid']);
  expect(ids(toggleColumn(CHOICES, 'age'))).toEqual(['process', 'remote']);
  const one = [{ id: 'pid' }] as const;
  expect(toggleColumn(one, 'pid')).toBe(one);
});

test('moves a column by one place, except at an end or if it is not chosen', () => {
  expect(ids(moveColumn(CHOICES, 'age', 1))).toEqual(['process', 'age', 'remote']);
  expect(moveColumn(CHOICES, 'process', -1)[0]).toEqual({ id: 'process', width: 20 });
  expect(moveColumn(CHOICES, 'age', -1)).toBe(CHOICES);
  expect(moveColumn(CHOICES, 'remote', 1)).toBe(CHOICES);
  expect(moveColumn(CHOICES, 'pid', 1)).toBe(CHOICES);
});

test('changes a width from its present value and keeps it within bounds', () => {
  const placed = placeColumns(80, new Map([['age', 5]]), ALL_SEEN, CHOICES);
  const widthOf = (choices: readonly ColumnChoice[], id: ColumnChoice['id']) =>
    choices.find((it) => it.id === id)?.width;
  expect(widthOf(widenColumn(CHOICES, 'age', 1, placed), 'age')).toBe(6);
  expect(widthOf(widenColumn(CHOICES, 'process', -1, placed), 'process')).toBe(19);
  // A column that had no room.
  expect(widthOf(widenColumn([{ id: 'exe' }], 'exe', 1, []), 'exe')).toBe(25);
  expect(widthOf(widenColumn([{ id: 'exe', width: 120 }], 'exe', 1, []), 'exe')).toBe(120);
  expect(widthOf(widenColumn([{ id: 'exe', width: 1 }], 'exe', -1, []), 'exe')).toBe(1);
  expect(widenColumn(CHOICES, 'pid', 1, placed)).toEqual(CHOICES);
});

test('chooses each column at most once and at least one, for any keys', () => {
  const id = fc.constantFrom(...COLUMN_IDS);
  const by = fc.constantFrom(1 as const, -1 as const);
  const step = fc.oneof(
    id.map((it) => (choices: readonly ColumnChoice[]) => toggleColumn(choices, it)),
    fc.tuple(id, by).map(
      ([it, to]) =>
        (choices: readonly ColumnChoice[]) =>
          moveColumn(choices, it, to),
    ),
    fc.tuple(id, by).map(
      ([it, to]) =>
        (choices: readonly ColumnChoice[]) =>
          widenColumn(choices, it, to, []),
    ),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const end = steps.reduce((choices, it) => it(choices), CHOICES);
      expect(end.length).toBeGreaterThan(0);
      expect(new Set(ids(end)).size).toBe(end.length);
      for (const { width = 1 } of end) expect(width >= 1 && width <= 120).toBe(true);
    }),
  );
});
