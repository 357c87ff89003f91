import type { Snapshot } from '../model/batch.ts';

/** Reads the sockets of a system. One reading at a time: a caller waits for one before it asks for the next. */
export interface Source {
  /** As the screen shows it: where the truth comes from. */
  readonly name: string;
  /**
   * Every socket now. What cannot be seen is said in `degradations`; rejects only when nothing can be read at all.
   * A socket that did not change since the last reading is the same object.
   */
  read(): Promise<Snapshot>;
}
