import type { Row } from '../../store/row.ts';

/** The visible rows that were read last. Few keys change the visible rows: unchanged rows need not be read again. */
export class ReadRows {
  #rows: ReadonlySet<Row> = new Set();
  #inputs: readonly unknown[] = [];

  /**
   * Returns the rows that the last call did not have, or all rows if an input has changed.
   * @param inputs everything else that the caller reads with the rows; the same number at each call
   */
  unread(rows: readonly Row[], inputs: readonly unknown[]): readonly Row[] {
    const before = inputs.every((it, i) => it === this.#inputs[i]) ? this.#rows : new Set<Row>();
    this.#rows = new Set(rows);
    this.#inputs = inputs;
    return rows.filter((row) => !before.has(row));
  }
}
