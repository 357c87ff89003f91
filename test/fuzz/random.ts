/** Random numbers (xorshift32), the same for the same seed. */
export class Random {
  /** One in `longOneIn` mutated texts is 100 KB long. */
  readonly longOneIn: number;
  #state: number;

  /** @param seed any whole number; neighbouring seeds give unrelated sequences */
  constructor(seed: number, longOneIn = 300) {
    this.longOneIn = longOneIn;
    // The finalizer of MurmurHash3. A state of 0 would stay 0 for ever.
    let x = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    this.#state = (x ^ (x >>> 16)) >>> 0 || 1;
  }

  /** Returns 32 random bits. */
  bits(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** Returns a whole number from 0 up to but excluding `end`. */
  below(end: number): number {
    return end <= 1 ? 0 : this.bits() % end;
  }

  /** Returns true with a probability of 1 in `count`. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  /** Returns a random item. */
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
