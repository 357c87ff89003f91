/**
 * Texts, each kept once, under a small number, for as long as somebody uses it. A search asks each text once and then
 * goes by the numbers: reading 100,000 texts, however short, is 100,000 waits for memory.
 */
export class TextPool {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  /** How often a number has been given to another text: what was answered for the one before is void. */
  readonly #lives: number[] = [];

  /** How many texts there are. */
  get size(): number {
    return this.#numbers.size;
  }

  /** The number of a text; whoever takes it gives it back by `drop`. */
  take(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#free.pop() ?? this.#texts.length;
      this.#numbers.set(text, number);
      this.#texts[number] = text;
      this.#uses[number] = 0;
      this.#lives[number] = (this.#lives[number] ?? 0) + 1;
    }
    this.#uses[number] = (this.#uses[number] ?? 0) + 1;
    return number;
  }

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
   * Something of each text by its number, which is made with the first thing that has the text; for a number below 0, which
   * is that of no text, it is made each time.
   * @param isVoid what has been made is of no use any more
   */
  memo<T, Of>(
    make: (of: Of) => T,
    isVoid: (made: T) => boolean = () => false,
  ): (number: number, of: Of) => T {
    const made: (T | undefined)[] = [];
    const lives: number[] = [];
    return (number, of) => {
      if (number < 0) return make(of);
      const life = this.#lives[number] ?? 0;
      const known = made[number];
      if (known !== undefined && lives[number] === life && !isVoid(known)) return known;
      while (lives.length < number) {
        lives.push(0);
        made.push(undefined);
      }
      lives[number] = life;
      return (made[number] = make(of));
    };
  }

  /** A test of texts by their numbers, that is made once for each. */
  cachedTest(test: (text: string) => boolean): (number: number) => boolean {
    /** Twice the life of the text, and one more for yes. */
    let answers = new Uint32Array(0);
    return (number) => {
      if (number >= answers.length) {
        const more = new Uint32Array(Math.max(1024, this.#texts.length, number * 2));
        more.set(answers);
        answers = more;
      }
      const life = (this.#lives[number] ?? 0) * 2;
      const known = answers[number] ?? 0;
      if (known === life) return false;
      if (known === life + 1) return true;
      const answer = test(this.text(number));
      answers[number] = life + Number(answer);
      return answer;
    };
  }
}
