import { printQuery } from '../query/print.ts';
import { parseQuery } from '../query/query.ts';
import { NO_FOLDS, type State, type View } from './state.ts';

/** What everybody looks for, under the first number keys. */
export const BUILT_IN: readonly View[] = [
  { name: 'all', query: '' },
  { name: 'listening', query: 'listen' },
  { name: 'established', query: 'established' },
  { name: 'exposed', query: 'exposed' },
  { name: 'talkers', query: 'established', sort: { column: 'totalRate', descending: true } },
  { name: 'new', query: 'new', sort: { column: 'age', descending: false } },
];

/** How the rows are ordered where nothing is said of it. */
export const DEFAULT_SORT = { column: 'process', descending: false } as const;

/** Every view, in the order of their numbers: those that there always are, and the user's. */
export const viewsOf = ({ views }: Pick<State, 'views'>): readonly View[] => [...BUILT_IN, ...views];

/** Looks at the sockets by a view. One that does not say how they are ordered, or which columns there are, leaves that. */
export function lookBy(state: State, view: View): State {
  const parsed = parseQuery(view.query);
  if ('problem' in parsed) {
    const text = `the view ${view.name} asks for what cannot be understood: ${parsed.problem.message}`;
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

/** How the sockets are looked at now, under a name. */
export const presentView = ({ query, sort, columns, group }: State, name: string): View => ({
  name,
  query: query.text,
  sort,
  ...(columns && { columns }),
  ...(group && { group }),
});

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** The view by which one looks now, or the first that asks for the same; undefined where none does. */
export function viewNow(state: State): View | undefined {
  const now = printQuery(state.query.expression);
  const fitting = viewsOf(state).filter(({ query }) => {
    const parsed = parseQuery(query);
    return 'query' in parsed && printQuery(parsed.query.expression) === now;
  });
  const isWhole = ({ sort = DEFAULT_SORT, columns, group }: View) =>
    same(sort, state.sort) && same(columns, state.columns) && same(group, state.group);
  return fitting.find(isWhole) ?? fitting[0];
}

/** The views with another one, which takes the place of one of its name. */
export function withView(views: readonly View[], view: View): readonly View[] {
  const at = views.findIndex(({ name }) => name === view.name);
  return at < 0 ? [...views, view] : views.with(at, view);
}

export const isBuiltIn = (name: string): boolean => BUILT_IN.some((it) => it.name === name);
