import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Action } from '../../src/store/actions.ts';
import type { State } from '../../src/store/state.ts';
import { arrange } from '../../src/view/arrange.ts';
import { layoutOf } from '../../src/view/layout.ts';
import { ShownEvents } from '../../src/view/panes/shown-events.ts';
import { RowOrder } from '../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, queryFrom, socket } from '../helpers/fakes.ts';

const IDS = ['1', '2', '3', '4', '5', '6'];

const versionOf = (id: string, process: string, user: string) =>
  socket({ id, process, user, pid: Number(id) });

const arranged = (state: State, order: RowOrder) => {
  order.update(state);
  return arrange(state, { order, events: new ShownEvents() }, layoutOf(state, order.length));
};

/** A step between two paints: a tick, or a key. */
const anyStep = fc.oneof(
  fc.record({
    elapsedMs: fc.constantFrom(1, 1000, 7_200_000),
    changed: fc.dictionary(
      fc.constantFrom(...IDS),
      fc.tuple(fc.constantFrom('sh', 'a-much-longer-name'), fc.constantFrom('root', 'ana')),
      { maxKeys: 2 },
    ),
  }),
  fc.constantFrom<Action>(
    { type: 'service-names' },
    { type: 'query', query: queryFrom('sh') },
    { type: 'query', query: queryFrom('user:ana') },
    { type: 'resize', width: 80, height: 8 },
    { type: 'resize', width: 200, height: 40 },
    { type: 'reverse-sort' },
    { type: 'sort', column: 'user' },
    { type: 'pause' },
    { type: 'group', group: 'process' },
    { type: 'columns', columns: [{ id: 'user' }, { id: 'host' }, { id: 'process' }] },
    { type: 'columns', columns: null },
    { type: 'toggle-names' },
    {
      type: 'names',
      answers: new Map([
        ['198.51.100.7', { type: 'name', name: 'api.example', others: 0, from: 'hosts', atMs: 1 }],
      ]),
    },
    { type: 'silence', atMs: 9000, doing: 'poll' },
    { type: 'prompt', kind: 'query', text: 'sh' },
    { type: 'edit', edit: { type: 'insert', text: ' user:ana' } },
    { type: 'accept-prompt' },
    { type: 'cancel-prompt' },
  ),
);

test('finds the same widths and columns as without the rows of the last paint', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 12 }), (steps) => {
      let monotonicMs = 1000;
      let state = after(
        { ...emptyState(), size: { width: 120, height: 8 } },
        baseline(IDS.map((id) => versionOf(id, 'sh', 'root'))),
      );
      const order = new RowOrder();
      for (const step of steps) {
        if ('type' in step) state = after(state, step);
        else {
          monotonicMs += step.elapsedMs;
          const changed = Object.entries(step.changed).map(([id, [process, user]]) =>
            versionOf(id, process, user),
          );
          state = after(state, batch({ monotonicMs, changed }));
        }
        const action = arranged(state, order);
        expect(action).toEqual(arranged(state, new RowOrder()));
        state = after(state, action);
      }
    }),
  );
});
