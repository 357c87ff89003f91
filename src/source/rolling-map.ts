/**
 * A map that is published at each poll. Two maps alternate; each is updated with the changes since it was last
 * published. A new map of 100,000 entries per poll would cost milliseconds, and memory that V8 frees slowly.
 */
export class RollingMap<Value> {
  #published = new Map<string, Value>();
  #other = new Map<string, Value>();
  /** Changes since the last publication, and between the last two; undefined for a removed key. */
  #changes = new Map<string, Value | undefined>();
  #lastChanges: ReadonlyMap<string, Value | undefined> = this.#changes;

  set(key: string, value: Value): void {
    this.#changes.set(key, value);
  }

  delete(key: string): void {
    this.#changes.set(key, undefined);
  }

  /**
   * Returns the map with all changes; the same map if there are none. It is valid until the second publication after this one.
   */
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
