import { withoutTerm } from '../../query/edit.ts';
import { isEverything, type Query } from '../../query/query.ts';
import type { State, View } from '../../store/state.ts';
import { viewsOf } from '../../store/views.ts';
import { withLastResult } from '../../model/last-result.ts';
import type { RowOrder } from './order.ts';

/** A query that matches nothing only because of the terms of a view. */
export interface Wider {
  readonly view: View;
  /** The query without the terms of the view. */
  readonly query: Query;
  /** Number of open sockets that it matches. */
  readonly count: number;
}

/** Reads all rows. The number is the revision of the order, which changes in place. */
const findWider = withLastResult<[Query, State['views'], RowOrder, number], Wider | undefined>(
  (query, views, order) => {
    for (const view of viewsOf({ views })) {
      const wider = withoutTerm(query, view.query);
      if (wider === query || isEverything(wider)) continue;
      const count = order.countOf(wider);
      if (count > 0) return { view, query: wider, count };
    }
    return undefined;
  },
);

/** Returns the query of an empty table without the terms of a view, if that matches sockets; else undefined. */
export const widerQuery = (
  { query, views }: Pick<State, 'query' | 'views'>,
  order: RowOrder,
): Wider | undefined => (order.length > 0 ? undefined : findWider(query, views, order, order.revision));
