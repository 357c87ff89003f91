/**
 * A map that remembers at most so many answers. A full cache starts again empty: to know which entry was used last would
 * cost more than to compute the few that are still needed.
 */
export class Cache<Key, Value> {
  readonly #maxSize: number;
  readonly #entries = new Map<Key, Value>();

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    if (this.#entries.size >= this.#maxSize) this.#entries.clear();
    this.#entries.set(key, value);
  }
}
