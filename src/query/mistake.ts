import { shortened } from '../model/text.ts';

/** What is wrong with a query: where, and what was found, what was expected, what helps. */
export interface QueryProblem {
  /** UTF-16 units from the start of the text; up to its length, where more was expected. */
  readonly at: number;
  /** UTF-16 units that are meant; 0 at the end of the text. */
  readonly length: number;
  /** One sentence, short enough for a status line. It may hold parts of the query: hostile text. */
  readonly message: string;
}

/** A problem on its way out of the parser. */
export class Mistake extends Error implements QueryProblem {
  readonly at: number;
  readonly length: number;

  constructor(at: number, length: number, message: string) {
    super(message);
    this.at = at;
    this.length = length;
  }

  /** What `attempt` gives, or the mistake that it threw; anything else that is thrown goes on. */
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

/** A part of the query as a message shows it. */
export const shown = (text: string): string => `'${shortened(text, 24)}'`;

/** A text of the query and where it stands there. */
export interface Piece {
  readonly text: string;
  readonly at: number;
}

/** Throws the mistake that this piece is. */
export function refuse({ text, at }: Piece, message: string): never {
  throw new Mistake(at, text.length, message);
}

/** The parts of a piece between commas; an empty one is a mistake. */
export function splitList(piece: Piece, expected: string): Piece[] {
  let at = piece.at;
  return piece.text.split(',').map((text) => {
    const part = { text, at };
    at += text.length + 1;
    return text === '' ? refuse(part, `expected ${expected}`) : part;
  });
}
