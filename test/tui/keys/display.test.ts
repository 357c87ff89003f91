import { expect, test } from 'vitest';
import { PALETTES, type State } from '../../../src/store/state.ts';
import { sortBy } from '../../../src/view/panes/table-pane.ts';
import { COLUMNS } from '../../../src/view/columns/columns.ts';
import { emptyState } from '../../helpers/fakes.ts';
import { press } from './press.ts';

test('columns whose largest values matter are sorted descending first', () => {
  expect(sortBy('rxRate')).toEqual({ type: 'sort', column: 'rxRate', descending: true });
  expect(sortBy('pid')).toEqual({ type: 'sort', column: 'pid' });
  const descending = COLUMNS.filter(({ id, onRequest }) => {
    const action = sortBy(id);
    return !onRequest && action.type === 'sort' && action.descending;
  });
  expect(descending.map(({ id }) => id)).toEqual([
    'rxRate',
    'txRate',
    'rateHistory',
    'rtt',
    'rxBytes',
    'txBytes',
    'retransmits',
    'queues',
  ]);
});

test('s cycles through the visible columns', () => {
  const sortedBy = (column: State['sort']['column']) =>
    press('s', { ...emptyState(), sort: { column, descending: true } });
  expect([sortedBy('process'), sortedBy('localPort'), sortedBy('state'), sortedBy('age')]).toEqual(
    ['localPort', 'state', 'process', 'process'].map((column) => ({ type: 'sort', column })),
  );
});

test.each([
  [1000, 2000, 500],
  [60_000, 60_000, 30_000],
  [100, 200, 100],
  // An interval between two steps goes to the next step.
  [1500, 2000, 1000],
  [3_600_000, 3_600_000, 60_000],
])('from %i ms: + gives %i, - gives %i', (intervalMs, longer, shorter) => {
  const state = { ...emptyState(), intervalMs };
  expect(press('+', state)).toEqual({ type: 'interval', intervalMs: longer });
  expect(press('=', state)).toEqual({ type: 'interval', intervalMs: longer });
  expect(press('-', state)).toEqual({ type: 'interval', intervalMs: shorter });
});

test('c cycles through the palettes', () => {
  const next = (palette: State['palette']) => press('c', { ...emptyState(), palette });
  expect(PALETTES.map(next)).toMatchObject([
    { palette: 'high-contrast' },
    { palette: 'colour-blind' },
    { palette: 'mono' },
    { palette: 'standard' },
  ]);
});
