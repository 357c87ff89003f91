/** Closed rows that were removed before the linger time, because there were too many. */
export interface DroppedRows {
  /** Number of rows removed early. */
  readonly rows: number;
  /** Maximum number of closed rows. */
  readonly kept: number;
  /** Time of the last removal, on the batches' clock. */
  readonly lastMs: number;
}

/** How long the notice of dropped rows stays after the last one, milliseconds. */
const DROP_NOTICE_MS = 60_000;

/** Limits the number of closed rows to a maximum, and counts those that are removed early. */
export class ClosedRows {
  readonly #max: number;
  /** Ids of closed rows, oldest first. */
  readonly #ids = new Set<string>();
  #dropped: DroppedRows | undefined;

  /** @param max maximum number of closed rows */
  constructor(max: number) {
    this.#max = max;
  }

  /** Closed rows removed early, until a minute after the last one; undefined for none. */
  get dropped(): DroppedRows | undefined {
    return this.#dropped;
  }

  add(id: string): void {
    this.#ids.add(id);
  }

  delete(id: string): void {
    this.#ids.delete(id);
  }

  /** Returns the ids of the oldest rows beyond the maximum, which the caller removes. */
  takeExcess(nowMs: number): string[] {
    const isExpired = this.#dropped && nowMs - this.#dropped.lastMs > DROP_NOTICE_MS;
    if (isExpired) this.#dropped = undefined;
    const excess: string[] = [];
    for (const id of this.#ids) {
      if (this.#ids.size <= this.#max) break;
      this.#ids.delete(id);
      excess.push(id);
    }
    if (excess.length > 0)
      this.#dropped = { rows: (this.#dropped?.rows ?? 0) + excess.length, kept: this.#max, lastMs: nowMs };
    return excess;
  }
}
