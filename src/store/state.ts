import type { Cost, Degradation } from '../model/batch.ts';
import type { Coverage, GapEvent } from '../model/event.ts';
import type { Completion } from '../query/complete.ts';
import type { QueryProblem } from '../query/mistake.ts';
import type { Query } from '../query/query.ts';
import type { HideRule } from './hide-rules.ts';
import type { EventLog } from './log.ts';
import type { InterfaceTraffic } from './rates.ts';
import type { Row, SocketTable, Tick } from './table.ts';

/** Every column, in the order of the screen: default columns first, then those shown only when they are chosen. */
export const COLUMN_IDS = [
  'process',
  'pid',
  'user',
  'protocol',
  'netns',
  'localAddress',
  'localPort',
  'remoteAddress',
  'remotePort',
  'state',
  'rxRate',
  'txRate',
  'rtt',
  'rxBytes',
  'txBytes',
  'retransmits',
  'queues',
  'interface',
  'age',
  'command',
  'exe',
  'processUser',
  'startedAt',
  'knowledge',
  'owners',
  'local',
  'remote',
  'service',
  'direction',
  'family',
  'uid',
  'inode',
  'id',
  'netnsInode',
  'totalRate',
  'totalBytes',
  'rxSegments',
  'txSegments',
  'rttVar',
  'cwnd',
  'deliveryRate',
  'recvQueue',
  'sendQueue',
  'lastReceived',
  'lastSent',
  'timer',
  'timerRetransmits',
  'firstSeen',
  'lifetime',
  'lifetimeKnown',
  'mark',
] as const;
export type ColumnId = (typeof COLUMN_IDS)[number];

/** Maximum width that can be chosen for a column, cells. */
export const MAX_COLUMN_WIDTH = 120;

/** A column that the user has chosen. */
export interface ColumnChoice {
  readonly id: ColumnId;
  /** Cells, 1 to 120; absent when the content decides. */
  readonly width?: number;
}

export interface Sort {
  readonly column: ColumnId;
  readonly descending: boolean;
}

/** Ways to group: what the rows of a group have in common. */
export const GROUPS = ['process', 'host', 'port', 'user', 'ns'] as const;
export type GroupBy = (typeof GROUPS)[number];

/**
 * Folded groups, which show only their header: none or all, except for some. This covers groups that come later too.
 */
export interface Folds {
  readonly all: boolean;
  /** Ids of groups. */
  readonly except: ReadonlySet<string>;
}

export const NO_FOLDS: Folds = { all: false, except: new Set() };

/** What a prompt asks for. */
export type PromptKind = 'query' | 'port' | 'process' | 'netns' | 'save' | 'view';

/** A line of text being typed. */
export interface Prompt {
  readonly kind: PromptKind;
  readonly text: string;
  /** Where the next character goes, in UTF-16 units from the start. */
  readonly cursor: number;
  /** The text was prefilled and not edited yet: the first character typed replaces it. */
  readonly untouched: boolean;
  /** The query to restore when the prompt is cancelled. */
  readonly before: Query;
  /** Message about the last answer, which was not accepted. */
  readonly error?: string;
  /** Where the text is not a valid query, and what is expected there. */
  readonly problem?: QueryProblem;
  /** Choices to complete the word with, and the index of the one in the text. */
  readonly completion?: Completion & { readonly index: number };
  /** Which query of the history the text is, counted back from the last one; absent for typed text. */
  readonly recalled?: number;
  /** The text typed before a query of the history replaced it. */
  readonly typed?: string;
}

/** Result of looking up a host name of a query. */
export type HostAnswer =
  | { readonly type: 'pending' }
  | { readonly type: 'addresses'; readonly addresses: readonly string[] }
  | { readonly type: 'failed'; readonly why: string };

/** A named query with sort, columns and grouping. */
export interface View {
  readonly name: string;
  readonly query: string;
  /** Absent when the width of the pane decides. */
  readonly columns?: readonly ColumnChoice[];
  readonly sort?: Sort;
  readonly group?: GroupBy;
}

/** An open list with its cursor: the index of an item, or a column. */
export type List =
  | { readonly kind: 'views' | 'hide-rules'; readonly at: number }
  | { readonly kind: 'columns'; readonly cursor: ColumnId };

/** A message on the screen until the next key press. */
export interface Message {
  readonly text: string;
  readonly isError: boolean;
}

/** The rows at the start of a pause, and the counts since; polling goes on. */
export interface Pause {
  readonly rows: readonly Row[];
  /** Number of rows that are not closed. */
  readonly open: number;
  readonly nowMs: number;
  readonly takenAtMs: number;
  /** `end` of the event log when the pause started. */
  readonly logEnd: number;
  readonly spawned: number;
  readonly changed: number;
  readonly closed: number;
}

/** The pane whose cursor the keys move. */
export type Focus = 'table' | 'events';

export type PaneName = 'events' | 'details' | 'traffic' | 'graph' | 'help';

export const PALETTES = ['standard', 'high-contrast', 'colour-blind', 'mono'] as const;
export type Palette = (typeof PALETTES)[number];

/** CPU and memory of the process in the details pane. */
export interface Usage {
  readonly pid: number;
  /** Percent of one core since the last measurement; absent in the first one. */
  readonly cpuPercent?: number;
  readonly memoryBytes: number;
}

/** The sampler has sent no batch for several intervals. */
export interface Silence {
  /** Time since the last batch, or since the start, milliseconds. */
  readonly forMs: number;
  /** What the sampler is doing, from `Progress`. */
  readonly doing: string;
}

/** Everything that the screen shows. The table and the log change in place; the rest is replaced. */
export interface State {
  readonly host: string;
  readonly system: string;
  readonly source: string;
  readonly intervalMs: number;
  /** The interval in use, which may be longer than the requested one. */
  readonly pacedIntervalMs: number;
  readonly table: SocketTable;
  readonly log: EventLog;
  /** Time of the last batch, on the batches' clock; undefined before the first one. */
  readonly nowMs: number | undefined;
  /** Wall-clock time of the last batch, milliseconds since 1970; 0 before the first one. */
  readonly takenAtMs: number;
  /** Null while batches arrive. */
  readonly silence: Silence | null;
  readonly interfaces: readonly InterfaceTraffic[];
  readonly lastTick: Tick | undefined;
  readonly cost: Cost | undefined;
  readonly degradations: readonly Degradation[];
  /** Which changes between two polls are seen; undefined before the first batch. */
  readonly coverage: Coverage | undefined;
  /** Gaps of the last minute. */
  readonly gaps: readonly GapEvent[];
  readonly query: Query;
  /** Results for the host names of queries. */
  readonly hosts: ReadonlyMap<string, HostAnswer>;
  /** Earlier queries, oldest first. */
  readonly history: readonly string[];
  /**
   * Sockets first seen after this time are new, on the batches' clock; undefined when the first batch is the
   * baseline.
   */
  readonly baselineMs: number | undefined;
  readonly hideRules: readonly HideRule[];
  /** The user's views; built-in ones are not among them. */
  readonly views: readonly View[];
  readonly sort: Sort;
  /** Chosen columns, in order; null when the width of the pane decides. */
  readonly columns: readonly ColumnChoice[] | null;
  /** Null when rows are not grouped. */
  readonly group: GroupBy | null;
  readonly folds: Folds;
  /** Keeps the order of the rows while their values change. */
  readonly frozen: boolean;
  readonly pause: Pause | null;
  readonly selectedId: string | null;
  /** Column of the selected cell, which is copied; null for none. */
  readonly cell: ColumnId | null;
  /** Number of the event under the cursor of the log; null while the cursor follows the newest one. */
  readonly eventNumber: number | null;
  readonly focus: Focus;
  readonly prompt: Prompt | null;
  readonly list: List | null;
  readonly message: Message | null;
  readonly panes: Readonly<Record<PaneName, boolean>>;
  /** Index of the first help line on the screen. */
  readonly helpTop: number;
  readonly serviceNames: boolean;
  readonly palette: Palette;
  readonly usage: Usage | null;
}
