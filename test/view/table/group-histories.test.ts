import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import { TICKS_PER_BAR } from '../../../src/store/rate-history.ts';
import type { State } from '../../../src/store/state.ts';
import { cellContext, groupLine, tableLines } from '../../../src/view/table/rows.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, queryFrom, socket } from '../../helpers/fakes.ts';
import { placed, textOf } from '../../helpers/lines.ts';

const at = (id: string, bytes: number): Socket =>
  socket({ id, local: `192.0.2.10:${id === 'a' ? 1 : 2}`, traffic: { rxBytes: bytes, txBytes: 0 } });

/** Yields the state after each tick. Two sockets of one program receive these bytes in each tick of a span. */
function* statesOf(...spans: readonly (readonly [a: number, b: number])[]): Generator<State, void> {
  const sums = { a: 0, b: 0 };
  let state = after(emptyState(), baseline([at('a', 0), at('b', 0)]), { type: 'group', group: 'process' });
  yield state;
  let monotonicMs = 0;
  for (const [a, b] of spans.flatMap((span) => new Array<typeof span>(TICKS_PER_BAR).fill(span))) {
    sums.a += a;
    sums.b += b;
    const changed = [...(a > 0 ? [at('a', sums.a)] : []), ...(b > 0 ? [at('b', sums.b)] : [])];
    monotonicMs += 1000;
    state = after(state, batch({ monotonicMs, changed }));
    yield state;
  }
}

const SPANS = [
  [1000, 0],
  [0, 0],
  [500, 500],
  [250, 250],
] as const;

const lastState = (): State => [...statesOf(...SPANS)].at(-1) ?? emptyState();

const columns = placed('process', 'rateHistory');

function barsOf(order: RowOrder, state: State): string {
  order.update(state);
  const [line] = tableLines(state, order, columns, 0, 1, -1, true, (id) => id);
  return line ? (textOf(line).trim().split(' ').at(-1) ?? '') : '';
}

describe('the history of a group', () => {
  test('has the sums of its rows', () => {
    const order = new RowOrder();
    expect(barsOf(order, lastState())).toMatch(/^▇▁▇▄$/);
  });

  test('continues while it is shown', () => {
    const order = new RowOrder();
    let bars = '';
    for (const state of statesOf(...SPANS)) bars = barsOf(order, state);
    expect(bars).toMatch(/^▇▁▇▄$/);
  });

  test('is that of the rows that the query shows', () => {
    const order = new RowOrder();
    const state = lastState();
    barsOf(order, state);
    expect(barsOf(order, after(state, { type: 'query', query: queryFrom(':2') }))).toMatch(/^▇▄$/);
  });

  test('is a dot in a header that is drawn without it', () => {
    const order = new RowOrder();
    const state = lastState();
    order.update(state);
    const header = order.at(0);
    if (header?.type !== 'group') throw new Error('no group');
    expect(textOf(groupLine(header, columns, cellContext(state), 'none'))).toMatch(/·$/);
  });
});

test('a row shows its own history, until the pause', () => {
  const order = new RowOrder();
  const state = after(lastState(), { type: 'group', group: null });
  expect(barsOf(order, state)).toMatch(/^▇▁▄▃$/);
  const paused = after(
    state,
    { type: 'pause' },
    ...Array.from({ length: TICKS_PER_BAR }, (_, i) => batch({ monotonicMs: 100_000 + i * 1000 })),
  );
  expect(barsOf(order, paused)).toMatch(/^▇▁▄▃$/);
});
