import { peerOf } from '../../store/peers.ts';
import { pictureOf } from '../../store/picture.ts';
import type { Picture, State } from '../../store/state.ts';
import type { Row } from '../../store/row.ts';
import type { EntryIndex } from './entry-index.ts';

/**
 * Finds the rows that changed since the last update: from the journal of the table, or by comparing all rows.
 *
 *     live ─▶ pause: changes so far, then none ─▶ live: all changes since
 */
export class RowFollower {
  /** The rows of the last update: those of the table, or of a pause. */
  #rows: Picture['rows'] | undefined;
  /** Sequence number of the first change of the table not read yet. Changes during a pause are read at its end. */
  #unread = 0;
  readonly #entries: EntryIndex;

  /** @param entries the entries that follow the rows */
  constructor(entries: EntryIndex) {
    this.#entries = entries;
  }

  /** Returns the row with this id, as of the last `read`; undefined if there is none. */
  rowOf(id: string): Row | undefined {
    return this.#rows?.get(id);
  }

  /** Returns the peer of a local connection, as of the last `read`. */
  peerOf(row: Row): Row | undefined {
    return this.#rows && peerOf(this.#rows, row);
  }

  /** Switches between the live rows and those of a pause. Returns the ids of rows that may have changed since. */
  read(state: State): ReadonlySet<string> {
    const { table, pause } = state;
    const { rows } = pictureOf(state);
    // The rows of a pause do not change.
    if (pause && rows === this.#rows) return new Set();
    this.#rows = rows;
    const changes = table.changesSince(this.#unread);
    if (!pause) this.#unread = table.sequence;
    return changes === 'everything' ? this.#differences(rows) : changes;
  }

  /** Returns the ids of the rows that are not those of the entries. */
  #differences(rows: Picture['rows']): Set<string> {
    const ids = new Set<string>();
    for (const [id, row] of rows) if (this.#entries.get(id)?.row !== row) ids.add(id);
    for (const id of this.#entries.ids()) if (!rows.has(id)) ids.add(id);
    return ids;
  }
}
