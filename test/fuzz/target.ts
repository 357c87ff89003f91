import type { Random } from './random.ts';

/** Result of an input: accepted, or refused in the documented way. Any other result is a fault, and thrown. */
export type Outcome = 'accepted' | 'refused';

/** A series of inputs to the code under test. */
export interface Session {
  /** Generates an input and tries it. Throws for a fault: an undocumented error, or a wrong result. */
  readonly next: () => Outcome | Promise<Outcome>;
  /** Returns the last input, for the report. */
  readonly input: () => string | Uint8Array;
  /** Releases the resources of the session. */
  readonly end?: () => void;
}

/** Code that handles inputs from outside. */
export interface Target {
  /** Kind of input, and the code that handles it. */
  readonly about: string;
  /** Number of inputs in a session, which has one seed. */
  readonly inputsPerSession: number;
  /** Number of inputs that the test suite tries, in about a second. */
  readonly suiteRuns: number;
  readonly open: (random: Random) => Session;
}
