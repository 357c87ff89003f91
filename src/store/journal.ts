/** Ids of the rows that have changed; `everything` if changes were dropped: any row may have changed. */
export type Changes = ReadonlySet<string> | 'everything';

/** Minimum number of rows that `trim` assumes: a smaller table keeps as many changes as one of this size. */
const MIN_ROWS = 500;

/**
 * The latest changes of the table, oldest first. Each change has a sequence number. A consumer keeps the number of the
 * first change it has not read, so there can be several consumers.
 *
 *     dropped ◀─ │start … kept … end│ ◀─ next change
 *
 * A consumer that has not read the dropped changes gets `everything`.
 */
export class Journal {
  /** Ids of the changed rows; an id is here once for each change. */
  readonly #ids: string[] = [];
  #start = 0;

  /** Sequence number of the next change. */
  get end(): number {
    return this.#start + this.#ids.length;
  }

  add(id: string): void {
    this.#ids.push(id);
  }

  /** Returns the ids of the rows that changed from this sequence number on. */
  since(sequence: number): Changes {
    return sequence < this.#start ? 'everything' : new Set(this.#ids.slice(sequence - this.#start));
  }

  /** Drops the oldest changes if there are many. Keeps two for each row, because a tick rarely makes more. */
  trim(rows: number): void {
    const unit = Math.max(MIN_ROWS, rows);
    // Drop many at once: dropping moves all changes that are kept.
    if (this.#ids.length <= 3 * unit) return;
    const dropped = this.#ids.length - 2 * unit;
    this.#start += dropped;
    this.#ids.splice(0, dropped);
  }
}
