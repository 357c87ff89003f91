import type { Cost, Degradation } from '../model/batch.ts';
import type { Coverage, GapEvent } from '../model/event.ts';
import type { Evidence } from '../model/evidence.ts';
import type { Firewall } from '../model/firewall.ts';
import type { ProcessFacts, Scope, SignalName } from '../model/process.ts';
import type { Socket } from '../model/socket.ts';
import type { Whois } from '../model/whois.ts';
import type { Completion } from '../query/complete.ts';
import type { QueryProblem } from '../query/mistake.ts';
import type { Query } from '../query/query.ts';
import type { ColumnChoice, ColumnId, SameColumns, Sort, WidestSeen } from './columns.ts';
import type { HideRule } from './hide-rules.ts';
import type { EventLog } from './log.ts';
import type { Lookups } from './lookups.ts';
import type { Focus, PaneName, Places } from './panes.ts';
import type { InterfaceTraffic } from './rates.ts';
import type { Tick } from './counts.ts';
import type { Row } from './row.ts';
import type { SocketTable } from './table.ts';

/** Ways to group rows: what all rows of a group have in common. */
export const GROUPS = ['process', 'host', 'port', 'user', 'ns', 'country', 'org'] as const;
export type GroupBy = (typeof GROUPS)[number];

/**
 * The folded groups: only their header is shown. If `all` is true, all groups are folded except those in
 * `except`; if false, only those in `except` are. The same applies to groups that appear later.
 */
export interface Folds {
  readonly all: boolean;
  /** Ids of groups. */
  readonly except: ReadonlySet<string>;
}

export const NO_FOLDS: Folds = { all: false, except: new Set() };

/** Kinds of prompts, by what the user types. `prompts.ts` says what each does. */
export type PromptKind =
  | 'query'
  | 'port'
  | 'process'
  | 'netns'
  | 'save'
  | 'view'
  | 'command'
  | 'help'
  | 'confirm-signal';

/** A line of text being typed. */
export interface Prompt {
  readonly kind: PromptKind;
  readonly text: string;
  /** Position where the next character is inserted, in UTF-16 units from the start. */
  readonly cursor: number;
  /** True while `text` is the prefilled text, not edited yet: the first character typed replaces all of it. */
  readonly untouched: boolean;
  /** The query to restore when the prompt is cancelled. */
  readonly before: Query;
  /** Why the text was rejected when the user accepted the prompt. */
  readonly error?: string;
  /** Where the text is invalid as a query, and what is expected there. */
  readonly problem?: QueryProblem;
  /**
   * The typed query while it waits for the addresses of its host names. Until they arrive the previous query stays in
   * use, because a host name without addresses matches nothing.
   */
  readonly waiting?: Query | undefined;
  /** Choices for the word at the cursor, and the index of the choice that `text` contains now. */
  readonly completion?: Completion & { readonly index: number };
  /** Position in the history of the query that `text` is: 1 for the newest, 2 for the one before. 0 or absent for typed text. */
  readonly recalled?: number;
  /** The typed text that a query of the history replaced. */
  readonly typed?: string;
  /** Index of the chosen command in the command palette. 0 or absent for the first. */
  readonly at?: number;
  /** Index of the first visible command when one was last chosen. 0 or absent for the first. */
  readonly top?: number;
}

/** A question to the user, before something that is hard to take back. */
export type Question =
  | { readonly kind: 'hide'; readonly rule: HideRule }
  /** `what` names the sockets to close: `curl → 192.0.2.1:443`, `12 sockets of curl`. */
  | { readonly kind: 'close'; readonly sockets: readonly Socket[]; readonly what: string };

/** The process that the open list of signals is about. */
export interface OpenProcess {
  readonly facts: ProcessFacts;
  /** Number of its sockets in the table when it was opened. */
  readonly sockets: number;
  readonly scope: Scope;
  /** Message about the result of the last signal; null before the first one. */
  readonly sent: Message | null;
  /** The signal that waits for its confirmation. */
  readonly asked: SignalName | null;
}

/** A change that the `undo` key takes back. */
export type Undo =
  /** A term that was added to the query. `baselineMs` is the previous one. */
  | {
      readonly type: 'term';
      readonly term: string;
      readonly before: Query;
      readonly after: Query;
      readonly baselineMs: number | undefined;
    }
  /** The query was cleared or replaced by a key. `sort` is that of the view that was left. */
  | { readonly type: 'query'; readonly before: Query; readonly sort?: Sort }
  | { readonly type: 'hide'; readonly rule: HideRule };

/** A named query with sort, columns and grouping. */
export interface View {
  readonly name: string;
  readonly query: string;
  /** Absent when the width of the pane decides. */
  readonly columns?: readonly ColumnChoice[];
  readonly sort?: Sort;
  readonly group?: GroupBy;
}

/**
 * An open list and the position of its cursor: the index of an item, or the column. `top` is the index of the first visible
 * line when the cursor last moved; absent for 0.
 */
export type List =
  | { readonly kind: 'views' | 'hide-rules' | 'signals'; readonly at: number; readonly top?: number }
  | { readonly kind: 'columns'; readonly cursor: ColumnId; readonly top?: number };

/** A message on the screen until the next key press. */
export interface Message {
  readonly text: string;
  readonly isError: boolean;
}

/** The part of the state that a pause stops. */
export interface Picture {
  readonly rows: ReadonlyMap<string, Row>;
  /** Number of rows that are not closed. */
  readonly open: number;
  /** Time of the last batch, on the batches' clock; 0 before the first one. */
  readonly nowMs: number;
  /** Wall-clock time of the last batch, milliseconds since 1970; 0 before the first one. */
  readonly takenAtMs: number;
  /** Number of the last complete tick. */
  readonly tick: number;
  /** `EventLog.end`. */
  readonly logEnd: number;
}

/** The picture at the start of a pause, and the counts since. Polling goes on. */
export interface Pause extends Picture {
  /** Number of sockets that spawned, changed and closed since the pause started. */
  readonly spawned: number;
  readonly changed: number;
  readonly closed: number;
}

export const PALETTES = ['standard', 'high-contrast', 'colour-blind', 'mono'] as const;
export type Palette = (typeof PALETTES)[number];

/** CPU and memory of the process in the details pane. */
export interface Usage {
  readonly pid: number;
  /** Percent of one core since the previous measurement; absent in the first measurement. */
  readonly cpuPercent?: number;
  readonly memoryBytes: number;
}

/** Size of the screen, cells. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The last key or mouse event, and what had happened by then: the start of an absence. */
export interface Presence {
  /** Time of the key or mouse event, on the clock of the actions. */
  readonly atMs: number;
  /** Time of the last batch before it, on the batches' clock; undefined before the first batch. */
  readonly batchMs: number | undefined;
  /** Number of sockets that had spawned and closed by then. */
  readonly spawned: number;
  readonly closed: number;
  /** `ProgramNames.end` at that time. */
  readonly names: number;
}

/** Summary of the time in which the user was away. */
export interface Absence {
  readonly forMs: number;
  readonly spawned: number;
  readonly closed: number;
  /** Number of listeners that were opened meanwhile and are still open. */
  readonly listeners: number;
  /** Names of programs whose first socket opened meanwhile. Untrusted texts. */
  readonly programs: readonly string[];
  /** When the user came back, on the clock of the actions. */
  readonly endMs: number;
}

/** Present while the sampler has sent no batch for several intervals. */
export interface Silence {
  /** Time since the last batch, or since the start, milliseconds. */
  readonly forMs: number;
  /** Current work of the sampler, from `Progress`. */
  readonly doing: string;
}

/** Everything that the screen shows. `table` and `log` are changed in place; all other fields are replaced. */
export interface State {
  /** Name of this machine. */
  readonly host: string;
  /** Operating system and version, such as `Linux 6.18`. */
  readonly system: string;
  /** The user that netpane acts for. */
  readonly user: string;
  /** True if netpane must not act on processes and sockets. */
  readonly readOnly: boolean;
  readonly size: Size;
  /** Name of the source; empty before the first batch. */
  readonly source: string;
  /** The interval that the user chose. */
  readonly intervalMs: number;
  /** The interval in use: longer than `intervalMs` if polls are expensive. */
  readonly pacedIntervalMs: number;
  readonly table: SocketTable;
  readonly log: EventLog;
  /** `monotonicMs` of the last batch; undefined before the first batch. */
  readonly nowMs: number | undefined;
  /** Wall-clock time of the last batch, milliseconds since 1970; 0 before the first batch. */
  readonly takenAtMs: number;
  readonly clock: {
    /** When the last batch arrived, or netpane started, on the clock of the actions (`atMs`). */
    readonly lastBatchMs: number;
    /** Clock of the batches minus the clock of the actions, milliseconds. */
    readonly offsetMs: number;
  };
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
  /** The last key or mouse event. */
  readonly presence: Presence;
  /** Counts of what happened while the user was away, from the user's first key on for a while. Null otherwise. */
  readonly absence: Absence | null;
  readonly query: Query;
  readonly lookups: Lookups;
  /** Earlier queries, oldest first. */
  readonly history: readonly string[];
  /**
   * When the user set a new baseline, as `monotonicMs` of a batch: only sockets first seen later are new. Undefined
   * while the first batch is the baseline.
   */
  readonly baselineMs: number | undefined;
  readonly hideRules: readonly HideRule[];
  /** The user's views, without the built-in ones. */
  readonly views: readonly View[];
  readonly sort: Sort;
  /** Chosen columns, in order; null when the width of the pane decides. */
  readonly columns: readonly ColumnChoice[] | null;
  /** Null when rows are not grouped. */
  readonly group: GroupBy | null;
  readonly folds: Folds;
  /** True while both ends of a local connection are one row: that of the end that opened it. */
  readonly joinsPairs: boolean;
  /** True while the rows keep their order even if their values change. */
  readonly frozen: boolean;
  readonly pause: Pause | null;
  readonly selectedId: string | null;
  /** Column of the selected cell, whose text can be copied; null if no cell is selected. */
  readonly cell: ColumnId | null;
  /** Number of the event under the cursor of the log; null while the cursor follows the newest one. */
  readonly eventNumber: number | null;
  /** Message about the event under the cursor, until the cursor moves. */
  readonly logNote: string | null;
  readonly focus: Focus;
  readonly places: Places;
  readonly widest: WidestSeen;
  /** Null before the first rows. */
  readonly same: SameColumns | null;
  readonly prompt: Prompt | null;
  readonly list: List | null;
  readonly question: Question | null;
  /** Null while the list of signals is closed. */
  readonly process: OpenProcess | null;
  /** Ids of the marked rows; some may be gone. */
  readonly marked: ReadonlySet<string>;
  /** Changes that can be undone, oldest first. */
  readonly undo: readonly Undo[];
  /** The first of two keys, such as g of gg, until the next key. */
  readonly keyStart: string | null;
  readonly message: Message | null;
  /** True if the header shows what a poll costs. */
  readonly showsCost: boolean;
  readonly panes: Readonly<Record<PaneName, boolean>>;
  /** The help shows only the entries that contain these words; empty for all. */
  readonly helpQuery: string;
  /** True if service names are shown instead of port numbers. */
  readonly serviceNames: boolean;
  readonly palette: Palette;
  readonly usage: Usage | null;
  /** Evidence about the process in the details, as far as it has been read. */
  readonly evidence: Evidence | null;
  /** Rules of the firewall about the listener in the details; null before one was in them. */
  readonly firewall: Firewall | null;
  /** Answer of whois about an address; null before it was asked. */
  readonly whois: Whois | null;
  /** True if the usage of the selected process must be read after the next paint. */
  readonly usageDue: boolean;
}
