import { hasTerm, withoutTerm, withTerm } from '../query/edit.ts';
import type { Query } from '../query/query.ts';
import { type HideRule, withHideRule } from './hide-rules.ts';
import { withCursorInside } from './list-actions.ts';
import { withQuery } from './query-actions.ts';
import type { State, Undo } from './state.ts';
import { DEFAULT_SORT, hasSortOfView } from './views.ts';

/** Maximum number of actions that can be undone. */
const MAX_UNDO = 50;

const withUndo = (state: State, undo: Undo): State => ({
  ...state,
  undo: [...state.undo, undo].slice(-MAX_UNDO),
});

/** Adds a term to the query and sets the baseline, so that it can be undone. */
export function withTermAdded(state: State, term: string, baselineMs: number | undefined): State {
  const { query: before } = state;
  const after = withQuery({ ...state, baselineMs }, withTerm(before, term));
  const isChanged = after.query !== before || baselineMs !== state.baselineMs;
  return isChanged
    ? withUndo(after, { type: 'term', term, before, after: after.query, baselineMs: state.baselineMs })
    : after;
}

/**
 * Replaces the query, so that it can be undone. An empty query also removes the sort of the active view: it was part of the
 * view, as the query was.
 */
export function withQueryReplaced(state: State, query: Query): State {
  const { query: before, sort } = state;
  if (query.text === before.text) return { ...state, query };
  return query.text === '' && hasSortOfView(state)
    ? withUndo({ ...state, query, sort: DEFAULT_SORT }, { type: 'query', before, sort })
    : withUndo({ ...state, query }, { type: 'query', before });
}

/** Adds a hide rule, so that it can be undone. @param note message about it */
export function withHidden(state: State, rule: HideRule, note?: string): State {
  const hideRules = withHideRule(state.hideRules, rule);
  const message = note === undefined ? state.message : { text: note, isError: false };
  const hidden = { ...state, hideRules, question: null, message };
  return hideRules === state.hideRules ? hidden : withUndo(hidden, { type: 'hide', rule });
}

/** Takes back the last action that can be undone. If that is a term, later changes of the query stay. */
export function undo(state: State): State {
  const last = state.undo.at(-1);
  if (last === undefined) return state;
  const rest = { ...state, undo: state.undo.slice(0, -1) };
  const say = (text: string, change: Partial<State>): State => {
    const undone = { ...rest, ...change, message: { text, isError: false } };
    return { ...undone, list: undone.list && withCursorInside(undone, undone.list) };
  };
  switch (last.type) {
    case 'hide':
      return say(`no longer hidden: ${last.rule.process} port ${last.rule.port}`, {
        hideRules: state.hideRules.filter((it) => !isSame(it, last.rule)),
      });
    case 'query':
      return say(last.before.text === '' ? 'all sockets again' : 'the query is back', {
        query: last.before,
        ...(last.sort && { sort: last.sort }),
      });
    case 'term':
      return say(`undone: ${last.term}`, {
        query: queryBefore(state.query, last),
        baselineMs: last.baselineMs,
      });
  }
}

const isSame = (a: HideRule, b: HideRule): boolean =>
  a.process === b.process && a.remote === b.remote && a.port === b.port;

/** Returns the query before a term was added; if the query was changed since, the present one without the term. */
const queryBefore = (now: Query, { term, before, after }: Undo & { type: 'term' }): Query => {
  if (now.text === after.text) return before;
  return hasTerm(before, term) ? now : withoutTerm(now, term);
};
