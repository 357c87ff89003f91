import { Cache } from '../model/cache.ts';
import { printQuery } from '../query/print.ts';
import { parseQuery } from '../query/query.ts';
import { NO_FOLDS, type State, type View } from './state.ts';

/** Views that always exist. They have the first number keys. */
export const BUILT_IN: readonly View[] = [
  { name: 'all', query: '' },
  { name: 'listening', query: 'listen' },
  { name: 'established', query: 'established' },
  { name: 'exposed', query: 'exposed' },
  { name: 'talkers', query: 'established', sort: { column: 'totalRate', descending: true } },
  { name: 'new', query: 'new', sort: { column: 'age', descending: false } },
];

/** Order of the rows unless a view or a setting says otherwise. */
export const DEFAULT_SORT = { column: 'process', descending: false } as const;

/** Returns all views in the order of their number keys: built-in ones, then the user's. */
export const viewsOf = ({ views }: Pick<State, 'views'>): readonly View[] => [...BUILT_IN, ...views];

/** Applies a view. Sort, columns and grouping return to their defaults if the view does not set them. */
export function applyView(state: State, view: View): State {
  const parsed = parseQuery(view.query);
  if ('problem' in parsed) {
    const text = `view "${view.name}": ${parsed.problem.message}`;
    return { ...state, message: { text, isError: true } };
  }
  return {
    ...state,
    query: parsed.query,
    sort: view.sort ?? DEFAULT_SORT,
    columns: view.columns ?? null,
    group: view.group ?? null,
    folds: NO_FOLDS,
    prompt: null,
    list: null,
  };
}

/** Returns the present query, sort, columns and grouping as a view with this name. */
export const viewFromState = ({ query, sort, columns, group }: State, name: string): View => ({
  name,
  query: query.text,
  sort,
  ...(columns && { columns }),
  ...(group && { group }),
});

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** Canonical texts of the queries of views, by the text of the query; null for one with a mistake. */
const canonical = new Cache<string, string | null>(100);

/** Returns the canonical text of a query, null for one with a mistake. Cached: each paint needs it for all views. */
function canonicalText(query: string): string | null {
  const known = canonical.get(query);
  if (known !== undefined) return known;
  const parsed = parseQuery(query);
  const text = 'query' in parsed ? printQuery(parsed.query.expression) : null;
  canonical.set(query, text);
  return text;
}

/** Returns the view that equals the present settings, else the first with the same query, else undefined. */
export function activeView(state: State): View | undefined {
  const present = printQuery(state.query.expression);
  const withSameQuery = viewsOf(state).filter(({ query }) => canonicalText(query) === present);
  const isSame = ({ sort = DEFAULT_SORT, columns, group }: View) =>
    same(sort, state.sort) && same(columns, state.columns) && same(group, state.group);
  return withSameQuery.find(isSame) ?? withSameQuery[0];
}

/** Returns true if the active view sets a sort and the rows are sorted by it. */
export function hasSortOfView(state: State): boolean {
  const sort = activeView(state)?.sort;
  return sort !== undefined && same(sort, state.sort);
}

/** Returns the views with one more, which replaces a view of the same name. */
export function withView(views: readonly View[], view: View): readonly View[] {
  const at = views.findIndex(({ name }) => name === view.name);
  return at < 0 ? [...views, view] : views.with(at, view);
}

export const isBuiltIn = (name: string): boolean => BUILT_IN.some((it) => it.name === name);
