import { withoutTerm } from '../../query/edit.ts';
import { isEverything, type Query } from '../../query/query.ts';
import type { State, View } from '../../store/state.ts';
import { viewsOf } from '../../store/views.ts';
import type { RowOrder } from './order.ts';

/** A query that matches nothing only because of the terms of a view. */
export interface Wider {
  readonly view: View;
  /** The query without the terms of the view. */
  readonly query: Query;
  /** Number of open sockets that it matches. */
  readonly count: number;
}

/** The last result, and what it was made from: to make it reads all rows. */
let last: { readonly from: readonly unknown[]; readonly wider: Wider | undefined } | undefined;

/** Returns the query of an empty table without the terms of a view, if that matches sockets; else undefined. */
export function widerQuery(state: Pick<State, 'query' | 'views'>, order: RowOrder): Wider | undefined {
  if (order.length > 0) return undefined;
  const from = [state.query, state.views, order, order.revision];
  if (!last || !from.every((it, i) => it === last?.from[i])) last = { from, wider: findWider(state, order) };
  return last.wider;
}

function findWider(state: Pick<State, 'query' | 'views'>, order: RowOrder): Wider | undefined {
  for (const view of viewsOf(state)) {
    const query = withoutTerm(state.query, view.query);
    if (query === state.query || isEverything(query)) continue;
    const count = order.countOf(query);
    if (count > 0) return { view, query, count };
  }
  return undefined;
}
