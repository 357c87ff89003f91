import type { Batch } from '../../../src/model/batch.ts';
import type { Socket } from '../../../src/model/socket.ts';
import type { Action } from '../../../src/store/actions.ts';
import type { GroupBy, State } from '../../../src/store/state.ts';
import type { GroupItem, Item } from '../../../src/view/table/item.ts';
import { RowOrder } from '../../../src/view/table/order.ts';
import { after, emptyState, queryFrom, socket } from '../../helpers/fakes.ts';

/** Returns `[node 2]` or `[node 2 folded]` for a header, and the id for a row. */
const shown = (items: readonly Item[]): string[] =>
  items.map((item) =>
    item.type === 'group' ? `[${item.label} ${item.sum.sockets}${item.folded ? ' folded' : ''}]` : item.id,
  );

/** A `RowOrder` that follows a state, action by action. */
export class Follower {
  readonly order = new RowOrder();
  state: State = emptyState();

  constructor(...actions: (Action | Batch)[]) {
    this.do(...actions);
  }

  /** Returns a follower that is grouped from the start. */
  static grouped(group: GroupBy, ...actions: (Action | Batch)[]): Follower {
    return new Follower().set({ group }).do(...actions);
  }

  do(...actions: (Action | Batch)[]): this {
    for (const action of actions) this.set(after(this.state, action));
    return this;
  }

  set(state: Partial<State>): this {
    this.state = { ...this.state, ...state };
    this.order.update(this.state);
    return this;
  }

  get ids(): string[] {
    return this.order.rows().map(({ id }) => id);
  }

  get shown(): string[] {
    return shown(this.order.slice());
  }

  get headers(): GroupItem[] {
    return this.order.slice().flatMap((item) => (item.type === 'group' ? [item] : []));
  }
}

/** Returns a connection with this id, of a program with this name. */
export const named = (id: string, process: string, fields: Partial<Socket> = {}): Socket => ({
  ...socket({ id, process }),
  ...fields,
});

/** Returns a connection after its program has changed its name. */
export const renamed = (it: Socket, process: string): Socket => ({
  ...it,
  owners: [{ knowledge: 'exact', pid: 100, process }],
});

/** Three connections whose order by program differs from that by id. */
export const [ant, bee, cat] = [named('1', 'bee'), named('2', 'cat'), named('3', 'Ant')];

export const asking = (text: string): Action => ({ type: 'query', query: queryFrom(text) });
