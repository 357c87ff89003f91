/**
 * Map with a maximum size. A full cache is cleared: to track the least recently used entry would cost more than to
 * compute those entries again that are still needed.
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
