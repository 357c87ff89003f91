import { COLUMN_IDS, type ColumnId } from '../../store/columns.ts';
import type { Seen } from '../../store/seen-fields.ts';
import type { Column, ColumnSpec } from './column.ts';
import { LIFE_COLUMNS } from './life.ts';
import { NETWORK_COLUMNS } from './network.ts';
import { PEER_COLUMNS } from './peer.ts';
import { PROGRAM_COLUMNS } from './program.ts';
import { TRAFFIC_COLUMNS } from './traffic.ts';

export { type CellContext, type Column, tableTextOf } from './column.ts';

const SPECS: Readonly<Record<ColumnId, ColumnSpec>> = {
  ...PROGRAM_COLUMNS,
  ...NETWORK_COLUMNS,
  ...PEER_COLUMNS,
  ...TRAFFIC_COLUMNS,
  ...LIFE_COLUMNS,
};

/** All columns in the order of the screen. */
export const COLUMNS: readonly Column[] = COLUMN_IDS.map((id) => ({ id, ...SPECS[id] }));

const BY_ID = new Map(COLUMNS.map((column) => [column.id, column]));

/** Returns the column with this id; undefined if there is none. */
export const columnOf = (id: string): Column | undefined => BY_ID.get(id as ColumnId);

/** Columns that may appear without being chosen. */
const AUTOMATIC = COLUMNS.filter(({ onRequest }) => !onRequest);

/** Returns the automatic columns for what the sources have shown so far. */
export const presentColumns = (seen: Seen): readonly Column[] =>
  AUTOMATIC.filter(({ present }) => present?.(seen) ?? true);
