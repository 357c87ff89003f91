import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Batch } from '../../../src/model/batch.ts';
import type { Action } from '../../../src/store/actions.ts';
import type { State } from '../../../src/store/state.ts';
import { placeColumns } from '../../../src/view/table/place.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { tableLines } from '../../../src/view/table/rows.ts';
import { after, ALL_SEEN, baseline, batch, emptyState, queryFrom, socket } from '../../helpers/fakes.ts';
import { textOf } from '../../helpers/lines.ts';

const IDS = ['1', '2', '3', '4'];

const versionOf = (id: string, rxBytes: number, directory: string) =>
  socket({
    id,
    owners: [{ knowledge: 'exact', process: 'node', command: `node ${id}.js`, directory, pid: Number(id) }],
    traffic: { rxBytes, txBytes: 5 },
  });

const START = after(emptyState(), baseline(IDS.map((id) => versionOf(id, 1000, '/srv/a'))));

const linesOf = (state: State, order: RowOrder, width = 200, selected = 0) => {
  order.update(state);
  return tableLines(
    state,
    order,
    placeColumns(width, new Map(), ALL_SEEN),
    0,
    20,
    selected,
    true,
    (id) => id,
  );
};

const id = fc.constantFrom(...IDS);

/** A change between two paints: time passes and sockets change, or the user presses a key. */
const anyStep = fc.oneof(
  fc.record({
    elapsedMs: fc.constantFrom(1, 1000, 60_000, 7_200_000),
    changed: fc.dictionary(id, fc.tuple(fc.nat(5000), fc.constantFrom('/srv/a', '/srv/b')), { maxKeys: 2 }),
  }),
  fc.constantFrom<Action>(
    { type: 'service-names' },
    { type: 'cell', column: 'state' },
    { type: 'query', query: queryFrom('node') },
    { type: 'mark', id: '2' },
    { type: 'query', query: queryFrom('js process:node') },
    { type: 'pause' },
    { type: 'toggle-names' },
    {
      type: 'names',
      answers: new Map([
        ['198.51.100.7', { type: 'name', name: 'api.example', others: 0, from: 'hosts', atMs: 1 }],
      ]),
    },
    { type: 'silence', atMs: 9000, doing: 'poll' },
  ),
);

test('shows the same lines as without those of the last paint', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyStep, fc.constantFrom(60, 200), fc.nat(4)), { maxLength: 12 }),
      (steps) => {
        let state = after(emptyState(), baseline(IDS.map((it) => versionOf(it, 1000, '/srv/a'))));
        let monotonicMs = 1000;
        const order = new RowOrder();
        for (const [step, width, selected] of steps) {
          const next = (): Action | Batch => {
            if ('type' in step) return step;
            monotonicMs += step.elapsedMs;
            const changed = Object.entries(step.changed).map(([it, [bytes, folder]]) =>
              versionOf(it, bytes, folder),
            );
            return batch({ monotonicMs, changed });
          };
          state = after(state, next());
          expect(linesOf(state, order, width, selected)).toEqual(
            linesOf(state, new RowOrder(), width, selected),
          );
        }
      },
    ),
  );
});

test('a line that says the same is the same object', () => {
  const order = new RowOrder();
  const first = linesOf(after(START, batch({ monotonicMs: 400_000 })), order);
  const second = linesOf(after(START, batch({ monotonicMs: 401_000 })), order);
  expect(second.map((line, i) => line === first[i])).toEqual([true, true, true, true]);
});

test('a line with another age is another object', () => {
  const order = new RowOrder();
  const first = linesOf(after(START, batch({ monotonicMs: 400_000 })), order);
  const second = linesOf(after(START, batch({ monotonicMs: 4_000_000 })), order);
  expect(second.map(textOf)).not.toEqual(first.map(textOf));
});
