import type { Snapshot } from '../model/batch.ts';

/** Reads the sockets of a system. One reading at a time: a caller waits for one before it asks for the next. */
export interface Source {
  /** As the screen shows it: where the truth comes from. */
  readonly name: string;
  /**
   * Every socket now. What cannot be seen is said in `degradations`; rejects only when nothing can be read at all.
   * A socket that did not change since the last reading is the same object. The map is the caller's until the next
   * reading but one.
   */
  read(): Promise<Snapshot>;
}

/** Kinds of sockets that are read only when asked for. */
export const EXTRA_KINDS = ['unix', 'sctp', 'mptcp', 'vsock'] as const;
export type ExtraKind = (typeof EXTRA_KINDS)[number];

/** What a source is to read beside what it always reads; a source that cannot says so in its degradations. */
export interface SourceOptions {
  readonly also: readonly ExtraKind[];
  /** Fill in `Socket.tcp`. */
  readonly tcpDetails: boolean;
  /**
   * The longest that looking for the programs of sockets may hold up a reading, milliseconds; what is not found by
   * then is `pending` and comes as a change.
   */
  readonly ownerBudgetMs: number;
}

/** Why a source cannot work here, in words: a clause without a full stop. */
export class SourceUnavailable extends Error {}
