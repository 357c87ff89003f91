import type { Random } from './random.ts';

/** An input that was taken, or refused in the documented way. Anything else is a fault, and is thrown. */
export type Outcome = 'taken' | 'refused';

/** The code that inputs are tried on, and the last input. */
export interface Session {
  /** Makes an input and tries it. Throws for a fault: an error that is not documented, or a wrong result. */
  readonly next: () => Outcome | Promise<Outcome>;
  /** The input that was tried last, for a report. */
  readonly input: () => string | Uint8Array;
  /** Gives back what the session holds. */
  readonly end?: () => void;
}

/** Something that takes inputs from outside. */
export interface Target {
  /** The kind of input, and the code that it is fed to. */
  readonly about: string;
  /** Inputs of a session: all that one seed gives. */
  readonly inputs: number;
  /** How many inputs the suite tries: a second or less. */
  readonly inSuite: number;
  readonly open: (random: Random) => Session;
}
