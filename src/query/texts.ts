/**
 * A pool of distinct texts, counted by their uses. Each has a small number while it is in use. A search tests each text
 * once and then looks up its answers by number: reading 100,000 texts, however short, would be 100,000 cache misses.
 */
export class TextPool {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  /** Number of texts that have had each number so far. Cached answers about an earlier text are invalid. */
  readonly #generations: number[] = [];

  /** Adds a use of the text and returns its number. The caller must `drop` the number after use. */
  take(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#texts.length;
      this.#numbers.set(text, number);
      this.#texts[number] = text;
      this.#uses[number] = 0;
      this.#generations[number] = (this.#generations[number] ?? 0) + 1;
    }
    this.#uses[number] = (this.#uses[number] ?? 0) + 1;
    return number;
  }

  /** Removes a use of a text, and the text with its last use. */
  drop(number: number): void {
    const uses = (this.#uses[number] ?? 0) - 1;
    this.#uses[number] = uses;
    if (uses > 0) return;
    this.#numbers.delete(this.text(number));
    this.#texts[number] = '';
    this.#free.push(number);
  }

  text(number: number): string {
    return this.#texts[number] ?? '';
  }

  /**
   * Returns `make` with a cache of one value per text number, made from the first item that has the text. A negative
   * number stands for no text and is not cached.
   * @param isStale returns true if a cached value must be made again
   */
  memo<T, Item>(
    make: (item: Item) => T,
    isStale: (value: T) => boolean = () => false,
  ): (number: number, item: Item) => T {
    const values: (T | undefined)[] = [];
    const generations: number[] = [];
    return (number, item) => {
      if (number < 0) return make(item);
      const generation = this.#generations[number] ?? 0;
      const cached = values[number];
      if (cached !== undefined && generations[number] === generation && !isStale(cached)) return cached;
      while (generations.length < number) {
        generations.push(0);
        values.push(undefined);
      }
      generations[number] = generation;
      return (values[number] = make(item));
    };
  }

  /** Returns a test by text number, with a cache of its answers. */
  cachedTest(test: (text: string) => boolean): (number: number) => boolean {
    /** By number: generation of the text × 2, plus 1 if the answer is true. */
    let answers = new Uint32Array(0);
    return (number) => {
      if (number >= answers.length) {
        const more = new Uint32Array(Math.max(1024, this.#texts.length, number * 2));
        more.set(answers);
        answers = more;
      }
      const generation = (this.#generations[number] ?? 0) * 2;
      const cached = answers[number] ?? 0;
      if (cached === generation) return false;
      if (cached === generation + 1) return true;
      const answer = test(this.text(number));
      answers[number] = generation + Number(answer);
      return answer;
    };
  }
}
