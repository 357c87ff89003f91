import type { Cost, Degradation } from '../model/batch.ts';
import type { Coverage, GapEvent } from '../model/event.ts';
import type { Completion } from '../query/complete.ts';
import type { QueryProblem } from '../query/mistake.ts';
import type { Query } from '../query/query.ts';
import type { HideRule } from './hide-rules.ts';
import type { EventLog } from './log.ts';
import type { InterfaceTraffic } from './rates.ts';
import type { Row, SocketTable, Tick } from './table.ts';

/** Every column, in the order of the screen: first those that come by themselves, then those that are asked for. */
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

/** The widest that a column can be chosen to be, cells. */
export const MOST_WIDTH = 120;

/** A column that the user has chosen. */
export interface ColumnChoice {
  readonly id: ColumnId;
  /** Cells, 1 to 120; absent where the content decides. */
  readonly width?: number;
}

export interface Sort {
  readonly column: ColumnId;
  readonly descending: boolean;
}

/** What the rows of a group have in common. */
export const GROUPS = ['process', 'host', 'port', 'user', 'ns'] as const;
export type GroupBy = (typeof GROUPS)[number];

/** Which groups show their header only: none, or all, but for those named. So it is said of groups to come, too. */
export interface Folds {
  readonly all: boolean;
  /** Ids of groups. */
  readonly but: ReadonlySet<string>;
}

export const NO_FOLDS: Folds = { all: false, but: new Set() };

/** What a line of text is typed for. */
export type PromptKind = 'query' | 'port' | 'process' | 'netns' | 'save' | 'view';

/** A line of text being typed. */
export interface Prompt {
  readonly kind: PromptKind;
  readonly text: string;
  /** Where the next character goes, in UTF-16 units from the start. */
  readonly cursor: number;
  /** The whole text is replaced by the first character typed: it was filled in, not typed. */
  readonly untouched: boolean;
  /** The query to return to when the prompt is left without an answer. */
  readonly before: Query;
  /** What is wrong with the answer given. */
  readonly error?: string;
  /** Where the text is no query, and what is wanted there. */
  readonly problem?: QueryProblem;
  /** What the text may go on with, and which of it stands there now. */
  readonly completion?: Completion & { readonly index: number };
  /** Which of the queries of before stands there, counted back from the last one; absent for what was typed. */
  readonly recalled?: number;
  /** What had been typed before one was recalled. */
  readonly typed?: string;
}

/** What is known of a host name in a query. */
export type HostAnswer =
  | { readonly type: 'asked' }
  | { readonly type: 'addresses'; readonly addresses: readonly string[] }
  | { readonly type: 'failed'; readonly why: string };

/** A way to look at the sockets, under a name. */
export interface View {
  readonly name: string;
  readonly query: string;
  /** Absent where the columns go by the width of the pane. */
  readonly columns?: readonly ColumnChoice[];
  readonly sort?: Sort;
  readonly group?: GroupBy;
}

/** A list of which the keys choose, and the line, or the column, that they are at. */
export type List =
  | { readonly kind: 'views' | 'known'; readonly at: number }
  | { readonly kind: 'columns'; readonly cursor: ColumnId };

/** Something said in passing: until the next key. */
export interface Message {
  readonly text: string;
  readonly isError: boolean;
}

/** The picture that stands still while sampling goes on. */
export interface Pause {
  readonly rows: readonly Row[];
  /** How many of them are not closed. */
  readonly open: number;
  readonly nowMs: number;
  readonly takenAtMs: number;
  /** The end of the event log. */
  readonly logEnd: number;
  readonly spawned: number;
  readonly changed: number;
  readonly closed: number;
}

/** What the keys move in. */
export type Focus = 'table' | 'events';

export type PaneName = 'events' | 'details' | 'traffic' | 'graph' | 'help';

export const PALETTES = ['standard', 'high-contrast', 'colour-blind', 'mono'] as const;
export type Palette = (typeof PALETTES)[number];

/** CPU and memory of the process in the details pane. */
export interface Usage {
  readonly pid: number;
  /** Percent of one core since the last answer; absent in the first. */
  readonly cpuPercent?: number;
  readonly memoryBytes: number;
}

/** The sampler has not answered for several intervals. */
export interface Silence {
  /** Time since the last batch, or since the start, milliseconds. */
  readonly forMs: number;
  /** Its work, in words. */
  readonly doing: string;
}

/** Everything the screen is made of. The table and the log inside change in place; the rest is replaced. */
export interface State {
  readonly host: string;
  readonly system: string;
  readonly source: string;
  readonly intervalMs: number;
  /** The interval in use, which may be longer than the one asked for. */
  readonly pacedIntervalMs: number;
  readonly table: SocketTable;
  readonly log: EventLog;
  /** Time of the last batch, on the batches' clock; undefined before the first one. */
  readonly nowMs: number | undefined;
  /** Wall-clock time of the last batch, milliseconds since 1970; 0 before the first one. */
  readonly takenAtMs: number;
  /** Null while batches come. */
  readonly silence: Silence | null;
  readonly interfaces: readonly InterfaceTraffic[];
  readonly lastTick: Tick | undefined;
  readonly cost: Cost | undefined;
  readonly degradations: readonly Degradation[];
  /** What is caught between two looks; undefined before the first batch. */
  readonly coverage: Coverage | undefined;
  /** What was missed within the last minute. */
  readonly gaps: readonly GapEvent[];
  readonly query: Query;
  /** What is known of the host names that queries asked for. */
  readonly hosts: ReadonlyMap<string, HostAnswer>;
  /** Queries of before, the last one last. */
  readonly history: readonly string[];
  /** What was there before this, on the batches' clock, is not new; undefined where the first look stands for that. */
  readonly baselineMs: number | undefined;
  /** What is hidden for good. */
  readonly known: readonly HideRule[];
  /** Views of the user's own, behind those that there always are. */
  readonly views: readonly View[];
  readonly sort: Sort;
  /** What the table shows, in this order; null where the width of the pane decides. */
  readonly columns: readonly ColumnChoice[] | null;
  /** Null where rows are not grouped. */
  readonly group: GroupBy | null;
  readonly folds: Folds;
  /** The order of the rows stands still while their values keep changing. */
  readonly frozen: boolean;
  readonly pause: Pause | null;
  readonly selectedId: string | null;
  /** The column of the cell that is copied; null for none. */
  readonly cell: ColumnId | null;
  /** Number of the event that the cursor of the log is on; null while it follows the newest one. */
  readonly eventNumber: number | null;
  readonly focus: Focus;
  readonly prompt: Prompt | null;
  readonly list: List | null;
  readonly message: Message | null;
  readonly panes: Readonly<Record<PaneName, boolean>>;
  /** First line of the help that is shown. */
  readonly helpTop: number;
  readonly serviceNames: boolean;
  readonly palette: Palette;
  readonly usage: Usage | null;
}
