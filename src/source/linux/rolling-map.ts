/**
 * A map that is published from time to time. Two maps take turns, each brought up to date by what has changed since it
 * was published last: to make a new one of 100,000 entries for each of a few changes would cost milliseconds, and
 * memory that V8 is slow to take back.
 */
export class RollingMap<Value> {
  #published = new Map<string, Value>();
  #other = new Map<string, Value>();
  /** What changed since the last publication, and between the last two; undefined for what is gone. */
  #changes = new Map<string, Value | undefined>();
  #lastChanges: ReadonlyMap<string, Value | undefined> = this.#changes;

  set(key: string, value: Value): void {
    this.#changes.set(key, value);
  }

  delete(key: string): void {
    this.#changes.set(key, undefined);
  }

  /** @returns the map with all changes; the same as before without any. It stays as it is until the next but one. */
  publish(): ReadonlyMap<string, Value> {
    if (this.#changes.size === 0) return this.#published;
    const next = this.#other;
    for (const changes of [this.#lastChanges, this.#changes]) {
      for (const [key, value] of changes) {
        if (value === undefined) next.delete(key);
        else next.set(key, value);
      }
    }
    this.#other = this.#published;
    this.#published = next;
    this.#lastChanges = this.#changes;
    this.#changes = new Map();
    return next;
  }
}
