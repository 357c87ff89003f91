/** xorshift32: the same numbers for the same seed. */
export class Random {
  /** One text in so many is made 100 KB long. */
  readonly longOneIn: number;
  #state: number;

  /** @param seed any whole number; neighbours give sequences that have nothing in common */
  constructor(seed: number, longOneIn = 300) {
    this.longOneIn = longOneIn;
    // The finalizer of MurmurHash3; a state of 0 would stay 0.
    let x = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    this.#state = (x ^ (x >>> 16)) >>> 0 || 1;
  }

  /** Returns 32 bits. */
  bits(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** Returns a whole number from 0 up to, and without, `end`. */
  below(end: number): number {
    return end <= 1 ? 0 : this.bits() % end;
  }

  /** Returns true once in so many times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
