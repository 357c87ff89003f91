import type { SocketState } from '../../model/socket.ts';
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
  /** Number of columns, by importance, that shrink before one of them leaves. */
  readonly essential: number;
  /** Columns that the query is about: they need no wide pane. */
  readonly wanted: readonly Column[];
}

/** The automatic columns of one kind of row. */
interface Shape {
  /** The only columns, in order of the screen; absent for all columns. */
  readonly order?: readonly ColumnId[];
  /** Columns by importance; all others follow. */
  readonly ranked: readonly ColumnId[];
  /** See `Plan`. */
  readonly essential: number;
  readonly wanted: readonly ColumnId[];
  /** Columns that leave first, because they say nothing about such rows. */
  readonly idle?: readonly ColumnId[];
}

const LISTENERS: Shape = {
  order: ['process', 'pid', 'user', 'protocol', 'netns', 'local', 'exposure', 'queues', 'age'],
  ranked: ['local', 'process', 'exposure', 'pid', 'protocol', 'user', 'age', 'queues', 'netns'],
  essential: 4,
  wanted: [],
};

/** Connections that wait for their end or start: the columns show since when, and the bytes that wait with them. */
const WAITING: Shape = {
  ranked: ['process', 'remoteAddress', 'age', 'queues', 'pid', 'remotePort', 'localPort', 'localAddress'],
  essential: 6,
  wanted: ['age', 'queues'],
  idle: ['rxRate', 'txRate', 'rateHistory', 'rtt'],
};

const ALL: Shape = {
  ranked: ['process', 'remoteAddress', 'remotePort', 'localPort', 'state', 'localAddress', 'pid'],
  essential: 6,
  wanted: [],
};

/** Returns the shape for rows of several namespaces, which distinguish rows that are else alike. */
function withNamespaces(shape: Shape): Shape {
  const others: readonly ColumnId[] = shape.ranked.filter((id) => id !== 'netns');
  // Listeners also say `container web` in EXPOSURE.
  const at = others.indexOf('pid') + (shape === LISTENERS ? 1 : 0);
  return {
    ...shape,
    ranked: others.toSpliced(at, 0, 'netns'),
    essential: shape.essential + (shape === LISTENERS ? 0 : 2),
  };
}

/** Returns the shape for rows whose peers have names, which the user has asked for. */
function withHost(shape: Shape, { names }: Seen): Shape {
  if (!names || shape.order) return shape;
  const at = shape.ranked.indexOf('remoteAddress') + 1;
  return { ...shape, ranked: shape.ranked.toSpliced(at, 0, 'host'), essential: shape.essential + 1 };
}

const FILLER: ColumnId = 'command';

/** Returns true if the expression matches listeners only. */
const asksForListeners = (expression: Expression): boolean =>
  conjuncts(expression).some(
    (it) =>
      (it.kind === 'flag' && (it.flag === 'listen' || it.flag === 'exposed')) ||
      (it.kind === 'list' && it.field === 'state' && it.values.every((state) => state === 'LISTEN')),
  );

/** States in which a connection takes no new data: it waits for its end or start. */
const WAITING_STATES: ReadonlySet<string> = new Set<SocketState>([
  'SYN_SENT',
  'SYN_RECV',
  'NEW_SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'CLOSE_WAIT',
  'CLOSING',
  'LAST_ACK',
  'TIME_WAIT',
]);

/** Returns true if the expression matches only connections that wait for their end or start. */
const asksForWaiting = (expression: Expression): boolean =>
  conjuncts(expression).some(
    (it) =>
      it.kind === 'list' && it.field === 'state' && it.values.every((state) => WAITING_STATES.has(state)),
  );

/** Returns the shape for the rows of a query. @param state the state of all rows, if they have the same */
function shapeFor(query: Query | undefined, state: string | undefined): Shape {
  if (query === undefined) return ALL;
  if (asksForListeners(query.expression)) return LISTENERS;
  const areWaiting = asksForWaiting(query.expression) || (state !== undefined && WAITING_STATES.has(state));
  return areWaiting ? WAITING : ALL;
}

const columnsOf = (ids: readonly ColumnId[], present: readonly Column[]): Column[] =>
  ids.flatMap((id) => {
    const column = columnOf(id);
    return column && (column.onRequest || present.includes(column)) ? [column] : [];
  });

/** Returns the columns without those of the set, and then those of the set. */
const withLast = (columns: readonly Column[], last: readonly ColumnId[]): Column[] => [
  ...columns.filter(({ id }) => !last.includes(id)),
  ...columns.filter(({ id }) => last.includes(id)),
];

/** Inputs of `planOf`. */
export interface PlanInputs {
  readonly seen: Seen;
  readonly query?: Query;
  readonly same?: SameColumns | null;
  readonly sort?: Sort;
}

/**
 * Returns the automatic columns for a query: those of listeners, of waiting connections, or of all sockets. Columns that
 * say the same in every row leave first. The column of the sort order stays, also one that is otherwise on request.
 */
export function planOf({ seen, query, same, sort }: PlanInputs): Plan {
  const present = presentColumns(seen);
  const texts = same?.texts ?? new Map<ColumnId, string>();
  // A namespace that all rows share needs no column.
  const isShown = ({ id }: Column) => id !== 'netns' || !texts.has('netns');
  const usual = withHost(shapeFor(query, texts.get('state')), seen);
  const shape = same?.isOfSeveral === true && !texts.has('netns') ? withNamespaces(usual) : usual;
  const byShape = columnsOf(shape.ranked, present);
  const order = shape.order ? columnsOf(shape.order, present) : present;
  const ranked = [
    ...byShape,
    ...order.filter((it) => !byShape.includes(it)).toSorted((a, b) => a.priority - b.priority),
  ];
  const sorted = sort && columnOf(sort.column);
  const [first, ...others] = withLast(withLast(ranked.filter(isShown), [...texts.keys()]), shape.idle ?? []);
  const rest = others.filter((it) => it !== sorted);
  const filler = columnOf(FILLER);
  return {
    order: sorted === undefined || sorted === filler || order.includes(sorted) ? order : [...order, sorted],
    ranked: [...(first ? [first] : []), ...(sorted && sorted !== first ? [sorted] : []), ...rest],
    sorted,
    filler,
    isFitted: usual === LISTENERS,
    essential: shape.essential,
    wanted: columnsOf(shape.wanted, present),
  };
}
