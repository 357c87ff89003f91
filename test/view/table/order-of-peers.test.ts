import { describe, expect, test } from 'vitest';
import type { Socket } from '../../../src/model/socket.ts';
import type { State } from '../../../src/store/state.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { after, baseline, batch, emptyState, socket } from '../../helpers/fakes.ts';

describe('a query about peers', () => {
  const CLIENT = socket({ id: 'client', local: '127.0.0.1:40000', remote: '127.0.0.1:6379', process: 'app' });
  const pending = { local: '127.0.0.1:6379', remote: '127.0.0.1:40000', id: 'server' };
  const SERVER = socket({ ...pending, process: 'redis' });

  test.each<[string, string[]]>([
    ['peer:redis', ['client']],
    ['peer:app', ['server']],
    ['!peer:app', ['client', 'other']],
  ])('%s follows the programs of the peers, whichever comes last', (text, expected) => {
    const order = new RowOrder();
    const ids = (state: State): string[] => {
      order.update(state);
      return order.rows().map(({ id }) => id);
    };
    const other = socket({ id: 'other', process: 'curl' });
    const unknown = socket({ ...pending, owners: [{ knowledge: 'pending' }] });
    const unnamed: Socket = { ...CLIENT, owners: [{ knowledge: 'pending' }] };
    let state = after(emptyState(text), baseline([unnamed, unknown, other]));
    expect(ids(state).toSorted()).toEqual(text.startsWith('!') ? ['client', 'other', 'server'] : []);
    state = after(state, batch({ monotonicMs: 1000, changed: [SERVER] }));
    ids(state);
    state = after(state, batch({ monotonicMs: 2000, changed: [CLIENT] }));
    expect(ids(state).toSorted()).toEqual(expected);
    // Both change at once.
    state = after(emptyState(text), baseline([unnamed, unknown, other]));
    ids(state);
    state = after(state, batch({ monotonicMs: 1000, changed: [CLIENT, SERVER] }));
    expect(ids(state).toSorted()).toEqual(expected);
    state = after(state, batch({ monotonicMs: 2000, closed: ['server'] }), batch({ monotonicMs: 9000 }));
    expect(ids(state).toSorted()).toEqual(text.startsWith('!') ? ['client', 'other'] : []);
  });
});
