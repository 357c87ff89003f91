import { isIdle, type Row } from './row.ts';

/** Maximum number of rows whose rates go to 0 in one call. Keys are read between two calls. */
const MAX_RUN = 1000;

/**
 * Ids of the rows with traffic. A batch has only sockets that changed, so the rates of all other rows go to 0.
 *
 *     add ─▶ this tick ── endTick ─▶ last tick ── endTick ─▶ idling ── takeIdling ─▶ the caller sets the rates to 0
 *      ▲                                 │                     │
 *      └───────── traffic again ─────────┴─────────────────────┘
 */
export class Activity {
  #thisTick = new Set<string>();
  #lastTick = new Set<string>();
  /** Rows without traffic in this tick whose rates have not been set to 0 yet. */
  #idling = new Set<string>();

  /** True if rates are still to be set to 0. */
  get isIdling(): boolean {
    return this.#idling.size > 0;
  }

  /** Adds a row whose rates this tick has measured. */
  add(row: Row): void {
    this.#lastTick.delete(row.id);
    this.#idling.delete(row.id);
    if (!isIdle(row)) this.#thisTick.add(row.id);
  }

  /** Ends a tick: rows with traffic in the last tick, but not in this one, become idle. */
  endTick(): void {
    if (this.#idling.size === 0) this.#idling = this.#lastTick;
    // Rows that are still left from earlier ticks come first.
    else for (const id of this.#lastTick) this.#idling.add(id);
    this.#lastTick = this.#thisTick;
    this.#thisTick = new Set();
  }

  /** Returns ids of rows whose rates the caller must set to 0: at most a thousand in one call. */
  takeIdling(): string[] {
    const ids: string[] = [];
    for (const id of this.#idling) {
      if (ids.length >= MAX_RUN) break;
      this.#idling.delete(id);
      ids.push(id);
    }
    return ids;
  }
}
