import type { Query } from '../query/query.ts';
import type { HideRule } from './hide-rules.ts';
import { DEFAULT_EVENTS_KEPT, EventLog } from './log.ts';
import { NO_LOOKUPS } from './lookups.ts';
import type { ColumnChoice, Sort } from './columns.ts';
import { CLOSED_PANES, NO_PLACES } from './panes.ts';
import { type GroupBy, NO_FOLDS, type Palette, type State, type View } from './state.ts';
import { SocketTable } from './table.ts';
import { DEFAULT_SORT } from './views.ts';

/** Values that the state starts with. Optional fields have the defaults of `initialState`. */
export interface InitialSettings {
  readonly host: string;
  /** Operating system and version, such as `Linux 6.18`. */
  readonly system: string;
  /** The user that netpane acts for. @default '' */
  readonly user?: string;
  /** @default false */
  readonly readOnly?: boolean;
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
  /** @default false */
  readonly resolveNames?: boolean;
  readonly views?: readonly View[];
  readonly hideRules?: readonly HideRule[];
  readonly history?: readonly string[];
}

/** Returns the state before the first batch. */
export const initialState = (settings: InitialSettings): State => ({
  host: settings.host,
  system: settings.system,
  user: settings.user ?? '',
  readOnly: settings.readOnly ?? false,
  size: { width: 0, height: 0 },
  source: '',
  intervalMs: settings.intervalMs,
  pacedIntervalMs: settings.intervalMs,
  table: new SocketTable(settings.lingerMs, settings.closedRows),
  log: new EventLog(settings.eventsKept ?? DEFAULT_EVENTS_KEPT),
  nowMs: undefined,
  takenAtMs: 0,
  clock: { lastBatchMs: 0, offsetMs: 0 },
  silence: null,
  interfaces: [],
  lastTick: undefined,
  cost: undefined,
  degradations: [],
  coverage: undefined,
  gaps: [],
  presence: { atMs: 0, batchMs: undefined, spawned: 0, closed: 0, names: 0 },
  absence: null,
  query: settings.query,
  lookups: { ...NO_LOOKUPS, asksNames: settings.resolveNames ?? false },
  history: settings.history ?? [],
  baselineMs: undefined,
  hideRules: settings.hideRules ?? [],
  views: settings.views ?? [],
  sort: settings.sort ?? DEFAULT_SORT,
  group: settings.group ?? null,
  folds: NO_FOLDS,
  columns: settings.columns ?? null,
  joinsPairs: false,
  frozen: false,
  pause: null,
  selectedId: null,
  cell: null,
  eventNumber: null,
  logNote: null,
  focus: 'table',
  places: NO_PLACES,
  widest: new Map(),
  same: null,
  prompt: null,
  list: null,
  question: null,
  process: null,
  marked: new Set(),
  undo: [],
  keyStart: null,
  message: null,
  showsCost: false,
  panes: CLOSED_PANES,
  helpQuery: '',
  serviceNames: settings.serviceNames ?? false,
  palette: settings.palette,
  usage: null,
  evidence: null,
  firewall: null,
  whois: null,
  usageDue: false,
});
