import { isIdle, type Row } from './row.ts';

/** Maximum number of rates that go to 0 in one call. Keys are read between two calls. */
const MAX_RUN = 1000;

/**
 * Ids of the rows with traffic. A tick reports only sockets that changed, so the rates of those that it leaves out go
 * to 0.
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

  /** Adds a row that this tick has measured. */
  add(row: Row): void {
    this.#lastTick.delete(row.id);
    this.#idling.delete(row.id);
    if (!isIdle(row)) this.#thisTick.add(row.id);
  }

  endTick(): void {
    if (this.#idling.size === 0) this.#idling = this.#lastTick;
    // Rows left over from earlier runs come first.
    else for (const id of this.#lastTick) this.#idling.add(id);
    this.#lastTick = this.#thisTick;
    this.#thisTick = new Set();
  }

  /** Returns rows whose rates are 0 now: at most a thousand in one call. */
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
