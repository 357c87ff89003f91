import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { State } from '../../../src/store/state.ts';
import { cellContext, groupLine, tableLines } from '../../../src/view/table/rows.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, queryFrom, socket } from '../../helpers/fakes.ts';
import { placed, textOf } from '../../helpers/lines.ts';

const at = (id: string, bytes: number): Socket =>
  socket({ id, local: `192.0.2.10:${id === 'a' ? 1 : 2}`, traffic: { rxBytes: bytes, txBytes: 0 } });

/** Two sockets of one program; each tick adds bytes to both. */
function statesOf(...ticks: readonly (readonly [a: number, b: number])[]): State[] {
  const sums = { a: 0, b: 0 };
  const states = [
    after(emptyState(), baseline([at('a', 0), at('b', 0)]), { type: 'group', group: 'process' }),
  ];
  for (const [i, [a, b]] of ticks.entries()) {
    sums.a += a;
    sums.b += b;
    const changed = [...(a > 0 ? [at('a', sums.a)] : []), ...(b > 0 ? [at('b', sums.b)] : [])];
    states.push(after(states.at(-1) ?? emptyState(), batch({ monotonicMs: (i + 1) * 1000, changed })));
  }
  return states;
}

const columns = placed('process', 'rateHistory');

function barsOf(order: RowOrder, state: State): string {
  order.update(state);
  const [line] = tableLines(state, order, columns, 0, 1, -1, true, (id) => id);
  return line ? (textOf(line).trim().split(' ').at(-1) ?? '') : '';
}

const TICKS = [
  [1000, 0],
  [0, 0],
  [500, 500],
  [250, 250],
] as const;

describe('the history of a group', () => {
  test('has the sums of its rows', () => {
    const order = new RowOrder();
    const states = statesOf(...TICKS);
    expect(barsOf(order, states.at(-1) ?? emptyState())).toMatch(/^▇▁▇▄$/);
  });

  test('continues while it is shown', () => {
    const order = new RowOrder();
    let bars = '';
    const sums = { a: 0, b: 0 };
    let state = after(emptyState(), baseline([at('a', 0), at('b', 0)]), { type: 'group', group: 'process' });
    barsOf(order, state);
    for (const [i, [a, b]] of TICKS.entries()) {
      sums.a += a;
      sums.b += b;
      const changed = [...(a > 0 ? [at('a', sums.a)] : []), ...(b > 0 ? [at('b', sums.b)] : [])];
      state = after(state, batch({ monotonicMs: (i + 1) * 1000, changed }));
      bars = barsOf(order, state);
    }
    expect(bars).toMatch(/^▇▁▇▄$/);
  });

  test('is that of the rows that the query shows', () => {
    const order = new RowOrder();
    const state = statesOf(...TICKS).at(-1) ?? emptyState();
    barsOf(order, state);
    expect(barsOf(order, after(state, { type: 'query', query: queryFrom(':2') }))).toMatch(/^▇▄$/);
  });

  test('is not shown by a line alone', () => {
    const order = new RowOrder();
    const state = statesOf(...TICKS).at(-1) ?? emptyState();
    order.update(state);
    const header = order.at(0);
    if (header?.type !== 'group') throw new Error('no group');
    expect(textOf(groupLine(header, columns, cellContext(state), 'none'))).toMatch(/·$/);
  });
});

test('a row shows its own history, until the pause', () => {
  const order = new RowOrder();
  const state = after(statesOf(...TICKS).at(-1) ?? emptyState(), { type: 'group', group: null });
  expect(barsOf(order, state)).toMatch(/^▇▁▄▃$/);
  const paused = after(
    state,
    { type: 'pause' },
    batch({ monotonicMs: 9000 }),
    batch({ monotonicMs: 10_000 }),
  );
  expect(barsOf(order, paused)).toMatch(/^▇▁▄▃$/);
});
