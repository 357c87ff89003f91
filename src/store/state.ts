import type { Cost, Degradation } from '../model/batch.ts';
import type { Catching, GapEvent } from '../model/event.ts';
import type { Filter } from '../query/filter.ts';
import type { EventLog } from './log.ts';
import type { InterfaceTraffic } from './rates.ts';
import type { Row, SocketTable, Tick } from './table.ts';

export type ColumnId =
  | 'process'
  | 'pid'
  | 'user'
  | 'protocol'
  | 'netns'
  | 'localAddress'
  | 'localPort'
  | 'remoteAddress'
  | 'remotePort'
  | 'state'
  | 'rxRate'
  | 'txRate'
  | 'rtt'
  | 'rxBytes'
  | 'txBytes'
  | 'retransmits'
  | 'queues'
  | 'interface'
  | 'age';

export interface Sort {
  readonly column: ColumnId;
  readonly descending: boolean;
}

/** A line of text being typed. */
export interface Prompt {
  readonly kind: 'text' | 'port' | 'process' | 'netns';
  readonly text: string;
  /** Where the next character goes, in UTF-16 units from the start. */
  readonly cursor: number;
  /** The whole text is replaced by the first character typed: it was filled in, not typed. */
  readonly untouched: boolean;
  /** The filter to return to when the prompt is left without an answer. */
  readonly before: Filter;
  /** What is wrong with the answer given. */
  readonly error?: string;
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

export const PALETTES = ['standard', 'colour-blind', 'mono'] as const;
export type Palette = (typeof PALETTES)[number];

/** CPU and memory of the process in the details pane. */
export interface Usage {
  readonly pid: number;
  /** Percent of one core since the last answer; absent in the first. */
  readonly cpuPercent?: number;
  readonly memoryBytes: number;
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
  readonly interfaces: readonly InterfaceTraffic[];
  readonly lastTick: Tick | undefined;
  readonly cost: Cost | undefined;
  readonly degradations: readonly Degradation[];
  /** What is caught between two looks; undefined before the first batch. */
  readonly catching: Catching | undefined;
  /** What was missed within the last minute. */
  readonly gaps: readonly GapEvent[];
  readonly filter: Filter;
  readonly sort: Sort;
  /** The order of the rows stands still while their values keep changing. */
  readonly frozen: boolean;
  readonly pause: Pause | null;
  readonly selectedId: string | null;
  /** Number of the event that the cursor of the log is on; null while it follows the newest one. */
  readonly eventNumber: number | null;
  readonly focus: Focus;
  readonly prompt: Prompt | null;
  readonly panes: Readonly<Record<PaneName, boolean>>;
  /** First line of the help that is shown. */
  readonly helpTop: number;
  readonly serviceNames: boolean;
  readonly palette: Palette;
  readonly usage: Usage | null;
}
