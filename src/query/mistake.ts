import { shortened } from '../model/text.ts';

/** A mistake in a query: its place and a message. */
export interface QueryProblem {
  /** Start of the mistake, UTF-16 units from the start of the query. Equals its length if the query ends too early. */
  readonly at: number;
  /** Length of the wrong part, UTF-16 units; 0 at the end of the query. */
  readonly length: number;
  /** One sentence, short enough for a status line. It may quote parts of the query, which are untrusted. */
  readonly message: string;
}

/** A query problem as the error that the parser throws. */
export class Mistake extends Error implements QueryProblem {
  readonly at: number;
  readonly length: number;

  constructor(at: number, length: number, message: string) {
    super(message);
    this.at = at;
    this.length = length;
  }

  /** Returns the result of `attempt`, or the problem if it throws a Mistake. Rethrows any other error. */
  static caught<T extends object>(attempt: () => T): T | { readonly problem: QueryProblem } {
    try {
      return attempt();
    } catch (error) {
      if (!(error instanceof Mistake)) throw error;
      const { at, length, message } = error;
      return { problem: { at, length, message } };
    }
  }
}

/** Returns a part of the query in quotes, shortened for a message. */
export const quotePart = (text: string): string => `'${shortened(text, 24)}'`;

/** A piece of the query with its position. */
export interface Piece {
  readonly text: string;
  /** UTF-16 units from the start of the query. */
  readonly at: number;
}

/** Throws a Mistake about this piece. */
export function refuse({ text, at }: Piece, message: string): never {
  throw new Mistake(at, text.length, message);
}

/** Splits a piece at its commas. Throws a Mistake at an empty part. */
export function splitList(piece: Piece, expected: string): Piece[] {
  let at = piece.at;
  return piece.text.split(',').map((text) => {
    const part = { text, at };
    at += text.length + 1;
    return text === '' ? refuse(part, `expected ${expected}`) : part;
  });
}
