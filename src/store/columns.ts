import type { Query } from '../query/query.ts';

/** Every column, in screen order: first the default columns, then those shown only if the user chooses them. */
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
  'host',
  'state',
  'rxRate',
  'txRate',
  'rateHistory',
  'rtt',
  'rxBytes',
  'txBytes',
  'retransmits',
  'queues',
  'interface',
  'age',
  'command',
  'exe',
  'directory',
  'processUser',
  'startedAt',
  'knowledge',
  'owners',
  'local',
  'exposure',
  'remote',
  'country',
  'org',
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

/** Maximum width that the user can choose for a column, cells. */
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

/**
 * Width of the widest text seen in each column, cells. It does not shrink when rows go, so that columns do not move. It
 * starts again when service names are toggled.
 */
export type WidestSeen = ReadonlyMap<ColumnId, number>;

/** Columns that say the same in every row of a query, which therefore leave first in a narrow pane. */
export interface SameColumns {
  readonly query: Query;
  /** False if there was only one row, which says nothing about others. */
  readonly isOfSeveral: boolean;
  /** The text of each column. */
  readonly texts: ReadonlyMap<ColumnId, string>;
}
