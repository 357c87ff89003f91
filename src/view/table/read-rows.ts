import type { Row } from '../../store/row.ts';

/** The visible rows that were read last. A key seldom changes them, and to read them again would find nothing new. */
export class ReadRows {
  #rows: ReadonlySet<Row> = new Set();
  #inputs: readonly unknown[] = [];

  /**
   * Returns the rows that the last call did not have, or all if the inputs are others.
   * @param inputs everything that the reading depends on besides the rows; always as many
   */
  unread(rows: readonly Row[], inputs: readonly unknown[]): readonly Row[] {
    const before = inputs.every((it, i) => it === this.#inputs[i]) ? this.#rows : new Set<Row>();
    this.#rows = new Set(rows);
    this.#inputs = inputs;
    return rows.filter((row) => !before.has(row));
  }
}
