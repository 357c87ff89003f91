/**
 * Map with a maximum size. A full cache is cleared before the next entry. Dropping only the least recently used entries
 * would cost more than computing the needed ones again.
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
