import type { HostId } from '../model/host.ts';
import { ClosedRows, type DroppedRows } from './closed-rows.ts';
import { type Changes, Journal } from './journal.ts';
import type { Row } from './row.ts';

/** Maximum number of marks that fade in one call. Keys are read between two calls. */
const MAX_RUN = 1000;

/**
 * The rows by id. A mark fades after the linger time, and a closed row is removed with it.
 *
 *     add, set ─▶ row          setMarked ─▶ marked row ── fade ─▶ row
 *                                           closed row ── fade, trim ─▶ removed
 *                                           held row ── fade ─▶ held row ── release, fade ─▶ row
 */
export class FadingRows {
  readonly #rows = new Map<string, Row>();
  /** Time at which the mark of a row fades, by the id of the row, earliest first. */
  readonly #marked = new Map<string, number>();
  readonly #closed: ClosedRows;
  readonly #journal = new Journal();
  readonly #lingerMs: number;
  readonly #isHeld: (id: string) => boolean;

  /**
   * @param lingerMs how long marks and closed rows stay, milliseconds
   * @param maxClosed maximum number of closed rows; the oldest are removed first
   * @param isHeld returns true for an open row whose mark must not fade until `release`
   */
  constructor(lingerMs: number, maxClosed: number, isHeld: (id: string) => boolean) {
    this.#lingerMs = lingerMs;
    this.#isHeld = isHeld;
    this.#closed = new ClosedRows(maxClosed);
  }

  get all(): ReadonlyMap<string, Row> {
    return this.#rows;
  }

  /** Closed rows removed early, until a minute after the last one; undefined for none. */
  get dropped(): DroppedRows | undefined {
    return this.#closed.dropped;
  }

  /** Sequence number of the next change of a row. */
  get sequence(): number {
    return this.#journal.end;
  }

  changesSince(sequence: number): Changes {
    return this.#journal.since(sequence);
  }

  /** Time of the next call of `fade` that changes rows; undefined when no row is marked. */
  get nextFadeMs(): number | undefined {
    const [next] = this.#marked.values();
    return next;
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  /** Returns the row if it is not closed. */
  getOpen(id: string): Row | undefined {
    const row = this.#rows.get(id);
    return row?.mark === 'closed' ? undefined : row;
  }

  openIds(host: HostId): Set<string> {
    const ids = new Set<string>();
    for (const row of this.#rows.values()) if (row.mark !== 'closed' && row.host === host) ids.add(row.id);
    return ids;
  }

  /** Adds the row of a socket that spawned. Replaces a closed row with the same id. */
  add(row: Row, nowMs: number): void {
    this.#closed.delete(row.id);
    if (row.mark === 'none') this.set(row);
    else this.setMarked(row, nowMs);
  }

  /** Adds or replaces a row. Does not change the time at which a mark of this id fades. */
  set(row: Row): void {
    this.#rows.set(row.id, row);
    this.#journal.add(row.id);
  }

  /** Adds or replaces a row with a mark, which fades after the linger time. */
  setMarked(row: Row, nowMs: number): void {
    this.set(row);
    if (row.mark === 'closed') this.#closed.add(row.id);
    // Deleted first, so that a row that is marked again moves to the end.
    this.#marked.delete(row.id);
    this.#marked.set(row.id, nowMs + this.#lingerMs);
  }

  /** Removes expired marks, and closed rows with them: at most a thousand in one call. */
  fade(nowMs: number): void {
    let count = 0;
    for (const [id, untilMs] of this.#marked) {
      if (untilMs > nowMs || ++count > MAX_RUN) break;
      this.#marked.delete(id);
      const row = this.#rows.get(id);
      if (row === undefined || this.#isHeld(id)) continue;
      if (row.mark === 'closed') this.#remove(id);
      else this.set({ ...row, mark: 'none' });
    }
  }

  /** Lets the mark of a row fade that was held. If the linger time is over, it starts again. */
  release(id: string, nowMs: number): void {
    const row = this.#rows.get(id);
    if (row && row.mark !== 'none' && !this.#marked.has(id)) this.#marked.set(id, nowMs + this.#lingerMs);
  }

  /** Removes the oldest closed rows beyond the maximum, and counts them. Then drops old changes of the journal. */
  trim(nowMs: number): void {
    for (const id of this.#closed.takeExcess(nowMs)) this.#remove(id);
    this.#journal.trim(this.#rows.size);
  }

  #remove(id: string): void {
    this.#rows.delete(id);
    this.#marked.delete(id);
    this.#closed.delete(id);
    this.#journal.add(id);
  }
}
