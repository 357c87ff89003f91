import { Mistake, type Piece } from './mistake.ts';

/** What ends a word that is not in quotes. */
const BOUNDARY = /[\s()]/;

/** Reads a query from its start to its end, piece by piece. */
export class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character; empty at the end. */
  get next(): string {
    return this.text.charAt(this.at);
  }

  skipSpace(): void {
    this.take(/\s*/y);
  }

  /** Goes past what matches here, if it does; `pattern` is sticky. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text) ?? undefined;
    if (found) this.at += found[0].length;
    return found;
  }

  /** What is there up to the next space or parenthesis; it may be empty. */
  peekRun(): Piece {
    let end = this.at;
    while (end < this.text.length && !BOUNDARY.test(this.text.charAt(end))) end++;
    return { text: this.text.slice(this.at, end), at: this.at };
  }

  run(): Piece {
    const piece = this.peekRun();
    this.at += piece.text.length;
    return piece;
  }

  /** A text in quotes, without them; `at` is that of the first quote. */
  quoted(): Piece {
    const start = this.at++;
    let text = '';
    for (;;) {
      const char = this.next;
      if (this.isAtEnd) this.fail('missing closing "');
      this.at++;
      if (char === '"') break;
      const escaped = this.next;
      if (char !== '\\') text += char;
      else if (escaped !== '"' && escaped !== '\\') {
        throw new Mistake(this.at - 1, 1, 'inside quotes, write \\ as \\\\ and " as \\"');
      } else {
        text += escaped;
        this.at++;
      }
    }
    this.#expectEnd('the closing quote');
    return { text, at: start };
  }

  /** What is between two slashes, escapes as they are; `at` is that of the first slash. */
  slashed(): Piece {
    const start = this.at;
    const found = this.take(/\/((?:[^\\/]|\\.)*)\//sy);
    if (!found)
      throw new Mistake(
        this.text.length,
        0,
        'missing closing / of the regex; to search for a path, quote it',
      );
    this.#expectEnd('the regex; to search for a path, quote it');
    return { text: found[1] ?? '', at: start };
  }

  /** Throws a mistake about what is here: up to the end of the word. */
  fail(message: string): never {
    throw new Mistake(this.at, this.peekRun().text.length, message);
  }

  #expectEnd(what: string): void {
    if (!this.isAtEnd && !BOUNDARY.test(this.next)) this.fail(`expected a space after ${what}`);
  }
}
