import { Mistake, type Piece } from './mistake.ts';

/** Ends a word that is not in quotes. */
const BOUNDARY = /[\s()]/;

/** Splits a query into pieces, from left to right. */
export class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The next character; empty at the end of the query. */
  get next(): string {
    return this.text.charAt(this.at);
  }

  skipSpace(): void {
    this.take(/\s*/y);
  }

  /** Matches a sticky pattern at the current position and moves past the match. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text) ?? undefined;
    if (found) this.at += found[0].length;
    return found;
  }

  /** Returns the text up to the next space or parenthesis without moving past it; it may be empty. */
  peekRun(): Piece {
    let end = this.at;
    while (end < this.text.length && !BOUNDARY.test(this.text.charAt(end))) end++;
    return { text: this.text.slice(this.at, end), at: this.at };
  }

  /** Returns the text up to the next space or parenthesis and moves past it; it may be empty. */
  run(): Piece {
    const piece = this.peekRun();
    this.at += piece.text.length;
    return piece;
  }

  /** Reads a quoted text. Returns it without its quotes; `at` is the position of the opening quote. */
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

  /** Reads the text between two slashes. Keeps its escapes; `at` is the position of the first slash. */
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

  /** Throws a Mistake that marks the rest of the current word. */
  fail(message: string): never {
    throw new Mistake(this.at, this.peekRun().text.length, message);
  }

  /** Throws a Mistake unless a piece ends here. @param piece names it in the message */
  #expectEnd(piece: string): void {
    if (!this.isAtEnd && !BOUNDARY.test(this.next)) this.fail(`expected a space after ${piece}`);
  }
}
