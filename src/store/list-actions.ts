import { SIGNALS } from '../model/process.ts';
import type { List, State } from './state.ts';
import { isBuiltIn, viewsOf } from './views.ts';

/** Returns the items of a list, one for each line. */
const LINES: Readonly<Record<Exclude<List['kind'], 'columns'>, (state: State) => readonly unknown[]>> = {
  views: viewsOf,
  'hide-rules': ({ hideRules }) => hideRules,
  signals: () => SIGNALS,
};

/** Removes the view or hide rule under the cursor of the open list; built-in views stay. */
export function removeLine(state: State): State {
  const { list } = state;
  if (list === null || list.kind === 'columns' || list.kind === 'signals') return state;
  if (list.kind === 'hide-rules')
    return clampCursor({ ...state, hideRules: state.hideRules.toSpliced(list.at, 1) }, list);
  const name = viewsOf(state)[list.at]?.name;
  if (name === undefined) return state;
  if (isBuiltIn(name))
    return {
      ...state,
      message: { text: `"${name}" is a built-in view: it cannot be deleted`, isError: true },
    };
  return clampCursor({ ...state, views: state.views.filter((it) => it.name !== name) }, list);
}

const clampCursor = (state: State, list: List): State => ({ ...state, list: withCursorInside(state, list) });

/** Returns the list with its cursor on the nearest line that exists; on the first line if the list is empty. */
export function withCursorInside(state: State, list: List): List {
  if (list.kind === 'columns') return list;
  const { length } = LINES[list.kind](state);
  return { ...list, at: Math.max(0, Math.min(list.at, length - 1)) };
}
