import type { Batch } from '../model/batch.ts';
import type { GapEvent } from '../model/event.ts';
import { type Filter, NO_FILTER } from '../query/filter.ts';
import type { Action } from './actions.ts';
import { DEFAULT_EVENTS_KEPT, EventLog } from './log.ts';
import { editPrompt, filterOfPrompt } from './prompt.ts';
import type { Palette, Pause, Prompt, State } from './state.ts';
import { measureInterfaces } from './rates.ts';
import { SocketTable } from './table.ts';

export interface Settings {
  readonly host: string;
  /** Operating system and its version, in a few words. */
  readonly system: string;
  readonly intervalMs: number;
  /** How long marks last and closed rows stay, milliseconds. */
  readonly lingerMs: number;
  /** How many events the log keeps. */
  readonly eventsKept?: number;
  readonly filter: Filter;
  readonly palette: Palette;
}

/** The state before the first batch. */
export const initialState = (settings: Settings): State => ({
  host: settings.host,
  system: settings.system,
  source: '',
  intervalMs: settings.intervalMs,
  pacedIntervalMs: settings.intervalMs,
  table: new SocketTable(settings.lingerMs),
  log: new EventLog(settings.eventsKept ?? DEFAULT_EVENTS_KEPT),
  nowMs: undefined,
  takenAtMs: 0,
  interfaces: [],
  lastTick: undefined,
  cost: undefined,
  degradations: [],
  catching: undefined,
  gaps: [],
  filter: settings.filter,
  sort: { column: 'process', descending: false },
  frozen: false,
  pause: null,
  selectedId: null,
  eventNumber: null,
  focus: 'table',
  prompt: null,
  panes: { events: false, details: false, traffic: false, graph: false, help: false },
  helpTop: 0,
  serviceNames: false,
  palette: settings.palette,
  usage: null,
});

/** The state after an action. Pure but for `state.table` and `state.log`, which belong to the state and change in place. */
export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'batch':
      return takeBatch(state, action.batch);
    case 'time':
      state.table.fade(action.nowMs);
      return { ...state };
    case 'filter':
      return { ...state, filter: action.filter };
    case 'toggle-filter':
      return { ...state, filter: toggle(state.filter, action.condition) };
    case 'prompt':
      return { ...state, prompt: openPrompt(action.kind, action.text, state.filter) };
    case 'edit':
      return state.prompt ? preview(state, editPrompt(state.prompt, action.edit)) : state;
    case 'accept-prompt':
      return state.prompt ? acceptPrompt(state, state.prompt) : state;
    case 'cancel-prompt':
      return state.prompt ? { ...state, prompt: null, filter: state.prompt.before } : state;
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
      // Before the first batch there is no picture to hold.
      if (state.nowMs === undefined) return state;
      return { ...state, pause: state.pause ? null : startPause(state, state.nowMs) };
    case 'select':
      return { ...state, selectedId: action.id, usage: null };
    case 'select-event':
      return { ...state, eventNumber: action.number };
    case 'focus':
      return { ...state, focus: action.focus };
    case 'pane':
      return {
        ...state,
        // A log that is opened begins with the newest.
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

/** Gaps are shown for so long. */
const MINUTE_MS = 60_000;

/** Of a part nothing is told but the rows and events; what counts for the whole batch is told with its last one. */
function takeBatch(before: State, batch: Batch): State {
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
    catching: batch.catching,
    gaps: gaps.filter(({ atMs }) => atMs > batch.takenAtMs - MINUTE_MS),
    pause: pause && {
      ...pause,
      spawned: pause.spawned + lastTick.spawned,
      changed: pause.changed + lastTick.changed,
      closed: pause.closed + lastTick.closed,
    },
  };
}

function toggle(filter: Filter, condition: 'listening' | 'tcp' | 'udp'): Filter {
  if (condition === 'listening') {
    // Listening and established exclude each other: the key means the one it names.
    const { listening, established: _, ...rest } = filter;
    return listening ? rest : { ...rest, listening: true };
  }
  const { protocol, ...rest } = filter;
  return protocol === condition ? rest : { ...rest, protocol: condition };
}

const openPrompt = (kind: Prompt['kind'], text: string, before: Filter): Prompt => ({
  kind,
  text,
  cursor: text.length,
  untouched: text !== '' && kind !== 'text',
  before,
});

/** The text filter acts while it is typed; all others only when they are accepted. */
function preview(state: State, prompt: Prompt): State {
  if (prompt.kind !== 'text') return { ...state, prompt };
  const result = filterOfPrompt(prompt);
  return { ...state, prompt, filter: 'filter' in result ? result.filter : NO_FILTER };
}

function acceptPrompt(state: State, prompt: Prompt): State {
  const result = filterOfPrompt(prompt);
  if ('error' in result) return { ...state, prompt: { ...prompt, error: result.error } };
  return { ...state, prompt: null, filter: result.filter };
}

const startPause = (state: State, nowMs: number): Pause => ({
  rows: [...state.table.rows.values()],
  open: state.table.totals.total,
  nowMs,
  takenAtMs: state.takenAtMs,
  logEnd: state.log.end,
  spawned: 0,
  changed: 0,
  closed: 0,
});
