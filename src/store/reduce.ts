import type { Batch } from '../model/batch.ts';
import type { GapEvent } from '../model/event.ts';
import { hasTerm, withoutTerm, withTerm } from '../query/edit.ts';
import type { Parsed, Query } from '../query/query.ts';
import type { Action } from './actions.ts';
import { DEFAULT_EVENTS_KEPT, EventLog } from './log.ts';
import { type HideRule, withHideRule } from './hide-rules.ts';
import { completePrompt, editPrompt, queryOfPrompt, recall, addToHistory } from './prompt.ts';
import {
  type ColumnChoice,
  type Folds,
  type GroupBy,
  type List,
  NO_FOLDS,
  type Palette,
  type Pause,
  type Prompt,
  type PromptKind,
  type Sort,
  type State,
  type View,
} from './state.ts';
import { livePicture } from './picture.ts';
import { measureInterfaces } from './rates.ts';
import { SocketTable } from './table.ts';
import { DEFAULT_SORT, isBuiltIn, applyView, viewFromState, viewsOf, withView } from './views.ts';

/** What the state starts with. Optional fields have the defaults of `initialState`. */
export interface Settings {
  readonly host: string;
  /** Operating system and version, such as `Linux 6.18`. */
  readonly system: string;
  readonly intervalMs: number;
  /** How long marks and closed rows stay, milliseconds. */
  readonly lingerMs: number;
  /** Maximum number of events in the log. */
  readonly eventsKept?: number;
  /** Maximum number of closed rows. @default Infinity */
  readonly closedRows?: number;
  readonly query: Query;
  readonly palette: Palette;
  readonly sort?: Sort;
  readonly group?: GroupBy | null;
  readonly columns?: readonly ColumnChoice[] | null;
  readonly serviceNames?: boolean;
  readonly views?: readonly View[];
  readonly hideRules?: readonly HideRule[];
  readonly history?: readonly string[];
}

/** Returns the state before the first batch. */
export const initialState = (settings: Settings): State => ({
  host: settings.host,
  system: settings.system,
  source: '',
  intervalMs: settings.intervalMs,
  pacedIntervalMs: settings.intervalMs,
  table: new SocketTable(settings.lingerMs, settings.closedRows),
  log: new EventLog(settings.eventsKept ?? DEFAULT_EVENTS_KEPT),
  nowMs: undefined,
  takenAtMs: 0,
  silence: null,
  interfaces: [],
  lastTick: undefined,
  cost: undefined,
  degradations: [],
  coverage: undefined,
  gaps: [],
  query: settings.query,
  hosts: new Map(),
  history: settings.history ?? [],
  baselineMs: undefined,
  hideRules: settings.hideRules ?? [],
  views: settings.views ?? [],
  sort: settings.sort ?? DEFAULT_SORT,
  group: settings.group ?? null,
  folds: NO_FOLDS,
  columns: settings.columns ?? null,
  frozen: false,
  pause: null,
  selectedId: null,
  cell: null,
  eventNumber: null,
  focus: 'table',
  prompt: null,
  list: null,
  message: null,
  panes: { events: false, details: false, traffic: false, graph: false, help: false },
  helpTop: 0,
  serviceNames: settings.serviceNames ?? false,
  palette: settings.palette,
  usage: null,
});

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
      return withQuery(state, toggle(state.query, action.term, action.instead));
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

/** How long gaps are shown, milliseconds. */
const GAPS_SHOWN_MS = 60_000;

/** Applies a part of a batch. All but its rows and events take effect with the last part. */
function applyBatch(before: State, batch: Batch): State {
  const lastTick = before.table.apply(batch);
  before.log.add(batch.events);
  const isGap = (event: { readonly type: string }): event is GapEvent => event.type === 'gap';
  const gaps = [...before.gaps, ...batch.events.filter(isGap)];
  const state = gaps.length === 0 ? before : { ...before, gaps };
  if (lastTick === undefined) return state;
  const { pause, nowMs } = state;
  const elapsedMs = nowMs === undefined ? undefined : batch.monotonicMs - nowMs;
  return {
    ...state,
    source: batch.source,
    pacedIntervalMs: batch.pacedIntervalMs,
    nowMs: batch.monotonicMs,
    takenAtMs: batch.takenAtMs,
    interfaces: measureInterfaces(state.interfaces, batch.interfaces, elapsedMs),
    lastTick,
    cost: batch.cost,
    degradations: batch.degradations,
    coverage: batch.coverage,
    gaps: gaps.filter(({ atMs }) => atMs > batch.takenAtMs - GAPS_SHOWN_MS),
    pause: pause && {
      ...pause,
      spawned: pause.spawned + lastTick.spawned,
      changed: pause.changed + lastTick.changed,
      closed: pause.closed + lastTick.closed,
    },
  };
}

const ALL_FOLDED: Folds = { all: true, except: new Set() };

function folded({ all, except }: Folds, id: string): Folds {
  const others = new Set(except);
  if (!others.delete(id)) others.add(id);
  return { all, except: others };
}

function toggle(query: Query, term: string, instead: readonly string[]): Parsed {
  if (hasTerm(query, term)) return { query: withoutTerm(query, term) };
  return withTerm(instead.reduce(withoutTerm, query), term);
}

/** Returns the state with another query, or with an error message when that query is too long. */
const withQuery = (state: State, parsed: Parsed): State =>
  'query' in parsed
    ? { ...state, query: parsed.query }
    : { ...state, message: { text: parsed.problem.message, isError: true } };

const openPrompt = (kind: PromptKind, text: string, before: Query): Prompt => ({
  kind,
  text,
  cursor: text.length,
  untouched: text !== '' && kind !== 'query',
  before,
});

/** Applies a query while it is typed, whenever the text is valid. Other prompts act only when they are accepted. */
function preview(state: State, prompt: Prompt): State {
  if (prompt.kind !== 'query') return { ...state, prompt };
  const result = queryOfPrompt(prompt);
  return 'query' in result
    ? { ...state, prompt, query: result.query }
    : { ...state, prompt: { ...prompt, problem: result.problem } };
}

function acceptPrompt(state: State, prompt: Prompt): State {
  if (prompt.kind === 'save') return { ...state, prompt: null };
  if (prompt.kind === 'view') return saveView(state, prompt);
  const result = queryOfPrompt(prompt);
  if ('problem' in result) {
    const { problem } = result;
    return { ...state, prompt: { ...prompt, problem, error: problem.message } };
  }
  const { query } = result;
  return { ...state, prompt: null, query, history: addToHistory(state.history, query.text) };
}

/** Saves the present view under the name in the prompt. */
function saveView(state: State, prompt: Prompt): State {
  const name = prompt.text.trim();
  if (isBuiltIn(name))
    return {
      ...state,
      prompt: { ...prompt, error: `"${name}" is a built-in view: choose another name` },
    };
  if (name === '') return { ...state, prompt: null };
  return {
    ...state,
    prompt: null,
    views: withView(state.views, viewFromState(state, name)),
    message: { text: `saved view "${name}"`, isError: false },
  };
}

function removeLine(state: State): State {
  const { list } = state;
  if (list === null || list.kind === 'columns') return state;
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

/** Moves the cursor of a list to its last item if it is past the end. */
function clampCursor(state: State, list: List & { readonly kind: 'views' | 'hide-rules' }): State {
  const { length } = list.kind === 'views' ? viewsOf(state) : state.hideRules;
  return { ...state, list: { ...list, at: Math.max(0, Math.min(list.at, length - 1)) } };
}

const startPause = (state: State): Pause => ({
  ...livePicture(state),
  rows: new Map(state.table.rows),
  spawned: 0,
  changed: 0,
  closed: 0,
});
