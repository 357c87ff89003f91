import type { Row } from './row.ts';
import type { TablePoll } from './table-lives.ts';

/** Counts of the rows of all tables, kept up to date by the changed ones. */
export class RowCounts {
  /** Number of rows by pid; without those that have none. */
  readonly #byPid = new Map<number, number>();
  /** Number of rows with a state that netpane does not know. */
  unknownStates = 0;

  /** Applies a poll of a table. */
  apply({ changed, ended }: TablePoll): void {
    for (const life of changed) {
      this.#add(life.countedRow, -1);
      this.#add(life.row, 1);
      life.countedRow = life.row;
    }
    for (const life of ended) {
      this.#add(life.countedRow, -1);
      life.countedRow = undefined;
    }
  }

  #add(row: Row | undefined, step: 1 | -1): void {
    if (row === undefined) return;
    if (row.isStateUnknown) this.unknownStates += step;
    if (row.pid === 0) return;
    const count = (this.#byPid.get(row.pid) ?? 0) + step;
    if (count === 0) this.#byPid.delete(row.pid);
    else this.#byPid.set(row.pid, count);
  }

  /** Returns the pids of all rows. */
  pids(): Set<number> {
    return new Set(this.#byPid.keys());
  }
}
