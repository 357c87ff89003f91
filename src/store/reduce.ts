import { withTerm } from '../query/edit.ts';
import type { Action } from './actions.ts';
import { applyBatch } from './batch-actions.ts';
import { withHideRule } from './hide-rules.ts';
import { removeLine } from './list-actions.ts';
import { livePicture } from './picture.ts';
import { acceptPrompt, openPrompt, preview } from './prompt-actions.ts';
import { completePrompt, editPrompt, recall } from './prompt.ts';
import { toggleTerm, withQuery } from './query-actions.ts';
import { type Folds, NO_FOLDS, type Pause, type State } from './state.ts';
import { applyView } from './views.ts';

/** Returns the state after an action. Pure except for `state.table` and `state.log`, which change in place. */
export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'batch':
      return applyBatch(state.silence ? { ...state, silence: null } : state, action.batch);
    case 'time':
      state.table.fade(action.nowMs);
      return { ...state };
    case 'silence':
      return { ...state, silence: action.silence };
    case 'query':
      return { ...state, query: action.query };
    case 'toggle-term':
      return withQuery(state, toggleTerm(state.query, action.term, action.instead));
    case 'add-term':
      return withQuery(state, withTerm(state.query, action.term));
    case 'baseline':
      return withQuery({ ...state, baselineMs: state.nowMs }, withTerm(state.query, 'new'));
    case 'hide':
      return { ...state, hideRules: withHideRule(state.hideRules, action.rule) };
    case 'apply-view':
      return applyView(state, action.view);
    case 'host':
      return { ...state, hosts: new Map(state.hosts).set(action.name, action.answer) };
    case 'prompt':
      return { ...state, prompt: openPrompt(action.kind, action.text, state.query) };
    case 'edit':
      return state.prompt ? preview(state, editPrompt(state.prompt, action.edit)) : state;
    case 'complete':
      return state.prompt ? preview(state, completePrompt(state.prompt, action.by, action.values)) : state;
    case 'recall':
      return state.prompt ? preview(state, recall(state.prompt, action.by, state.history)) : state;
    case 'accept-prompt':
      return state.prompt ? acceptPrompt(state, state.prompt) : state;
    case 'cancel-prompt':
      return state.prompt ? { ...state, prompt: null, query: state.prompt.before } : state;
    case 'group':
      return { ...state, group: action.group, folds: NO_FOLDS };
    case 'fold':
      return { ...state, folds: folded(state.folds, action.id) };
    case 'fold-all':
      return { ...state, folds: state.folds.all && state.folds.except.size === 0 ? NO_FOLDS : ALL_FOLDED };
    case 'columns':
      return { ...state, columns: action.columns };
    case 'cell':
      return { ...state, cell: action.column };
    case 'list':
      return { ...state, list: action.list };
    case 'remove-line':
      return removeLine(state);
    case 'message':
      return { ...state, message: action.message };
    case 'sort': {
      const again = state.sort.column === action.column;
      const descending = again ? !state.sort.descending : (action.descending ?? false);
      return { ...state, sort: { column: action.column, descending } };
    }
    case 'reverse-sort':
      return { ...state, sort: { ...state.sort, descending: !state.sort.descending } };
    case 'freeze':
      return { ...state, frozen: !state.frozen };
    case 'pause':
      // Before the first batch there are no rows to pause.
      if (state.nowMs === undefined) return state;
      return { ...state, pause: state.pause ? null : startPause(state) };
    case 'select':
      return { ...state, selectedId: action.id, usage: null };
    case 'select-event':
      return { ...state, eventNumber: action.number };
    case 'focus':
      return { ...state, focus: action.focus };
    case 'pane':
      return {
        ...state,
        // The log opens at the newest event.
        ...(action.pane === 'events' && { focus: 'table', eventNumber: null }),
        panes: { ...state.panes, [action.pane]: action.open ?? !state.panes[action.pane] },
        helpTop: 0,
        usage: action.pane === 'details' ? null : state.usage,
      };
    case 'scroll-help':
      return {
        ...state,
        helpTop: Math.max(0, Math.min(state.helpTop + action.by, action.lines - action.height)),
      };
    case 'service-names':
      return { ...state, serviceNames: !state.serviceNames };
    case 'palette':
      return { ...state, palette: action.palette };
    case 'interval':
      return { ...state, intervalMs: action.intervalMs, pacedIntervalMs: action.intervalMs };
    case 'usage':
      return { ...state, usage: action.usage };
  }
}

const ALL_FOLDED: Folds = { all: true, except: new Set() };

function folded({ all, except }: Folds, id: string): Folds {
  const others = new Set(except);
  if (!others.delete(id)) others.add(id);
  return { all, except: others };
}

const startPause = (state: State): Pause => ({
  ...livePicture(state),
  rows: new Map(state.table.rows),
  spawned: 0,
  changed: 0,
  closed: 0,
});
