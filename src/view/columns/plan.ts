import { conjuncts, type Expression } from '../../query/expression.ts';
import type { Query } from '../../query/query.ts';
import type { SameColumns, Sort } from '../../store/columns.ts';
import type { ColumnId } from '../../store/columns.ts';
import type { Seen } from '../../store/seen-fields.ts';
import { type Column, columnOf, presentColumns } from './columns.ts';

/** The automatic columns of a table. */
export interface Plan {
  /** In order of the screen, without the filler. */
  readonly order: readonly Column[];
  /** The same columns by importance, that of the sort order among the first two: the last ones leave first. */
  readonly ranked: readonly Column[];
  /** The column of the sort order, which the narrowest pane shows too. */
  readonly sorted: Column | undefined;
  /** The last column of the screen, which takes the cells that no other column needs; not shown if these are too few. */
  readonly filler: Column | undefined;
  /** True if a column is no wider than the texts seen so far, so that the filler gets more. */
  readonly isFitted: boolean;
}

/** Columns of listeners in order of the screen, and by importance. */
const LISTENERS = {
  order: ['process', 'pid', 'user', 'protocol', 'netns', 'local', 'exposure', 'queues', 'age'],
  ranked: ['local', 'process', 'exposure', 'pid', 'protocol', 'user', 'age', 'queues', 'netns'],
} as const satisfies Readonly<Record<string, readonly ColumnId[]>>;

const FILLER: ColumnId = 'command';

/** Returns true if the expression matches listeners only. */
const asksForListeners = (expression: Expression): boolean =>
  conjuncts(expression).some(
    (it) =>
      (it.kind === 'flag' && (it.flag === 'listen' || it.flag === 'exposed')) ||
      (it.kind === 'list' && it.field === 'state' && it.values.every((state) => state === 'LISTEN')),
  );

const columnsOf = (ids: readonly ColumnId[], present: readonly Column[]): Column[] =>
  ids.flatMap((id) => {
    const column = columnOf(id);
    return column && (column.onRequest || present.includes(column)) ? [column] : [];
  });

/** Returns the columns without those of the set, and then those of the set. */
const withLast = (columns: readonly Column[], last: ReadonlyMap<ColumnId, string>): Column[] => [
  ...columns.filter(({ id }) => !last.has(id)),
  ...columns.filter(({ id }) => last.has(id)),
];

/** What decides on the automatic columns. */
export interface PlanInputs {
  readonly seen: Seen;
  readonly query?: Query;
  readonly same?: SameColumns | null;
  readonly sort?: Sort;
}

/**
 * Returns the automatic columns for a query: those of listeners, or those of all sockets. Columns that say the same in
 * every row leave first. The column of the sort order stays, also one that is otherwise on request.
 */
export function planOf({ seen, query, same, sort }: PlanInputs): Plan {
  const present = presentColumns(seen);
  const isOfListeners = query !== undefined && asksForListeners(query.expression);
  const texts = same?.texts ?? new Map<ColumnId, string>();
  // The namespace of all rows needs no column.
  const isShown = ({ id }: Column) => id !== 'netns' || !texts.has('netns');
  const ranked = isOfListeners
    ? columnsOf(LISTENERS.ranked, present)
    : present.toSorted((a, b) => a.priority - b.priority);
  const order = isOfListeners ? columnsOf(LISTENERS.order, present) : present;
  const sorted = sort && columnOf(sort.column);
  const [first, ...others] = withLast(ranked.filter(isShown), texts);
  const rest = others.filter((it) => it !== sorted);
  const filler = columnOf(FILLER);
  return {
    order: sorted === undefined || sorted === filler || order.includes(sorted) ? order : [...order, sorted],
    ranked: [...(first ? [first] : []), ...(sorted && sorted !== first ? [sorted] : []), ...rest],
    sorted,
    filler,
    isFitted: isOfListeners,
  };
}
