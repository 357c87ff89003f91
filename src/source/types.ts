import type { Snapshot } from '../model/batch.ts';
import type { Coverage, GapEvent, LearntBy } from '../model/event.ts';
import type { Progress } from '../model/progress.ts';
import type { Owner, Socket, SocketState } from '../model/socket.ts';
import type { SocketBounds } from './socket-limiter.ts';

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
  /** What happens between two readings; absent where this source only reads. */
  readonly events?: EventSource;
  /** What stays behind in the system where it is ended without `close`. */
  readonly leftovers?: Leftovers | undefined;
  /** Lets go of what the system holds for it. */
  close?(): void;
}

/** A folder that goes once these descriptors of the program are closed. */
export interface Leftovers {
  readonly path: string;
  readonly descriptors: readonly number[];
}

/** Tells what happens between two readings, as the system tells it. */
export interface EventSource {
  readonly coverage: Coverage;
  /** Takes in what the system has to tell, before there is no room for more. Cheap; throws nothing. */
  collect(): void;
  /** What has been taken in since the last call, in order of time. Throws nothing. */
  drain(): readonly KernelEvent[];
}

/**
 * Something that an event source has learnt. Ids are those of the snapshots; times are milliseconds on the clock of the
 * sampler, which never jumps.
 */
export type KernelEvent =
  | {
      /** A socket was made; it is there, or an `ended` of it follows. */
      readonly type: 'appeared';
      readonly atMs: number;
      readonly socket: Socket;
      readonly learntBy: LearntBy;
    }
  | {
      readonly type: 'state';
      readonly atMs: number;
      readonly id: string;
      readonly was: SocketState;
      readonly now: SocketState;
      /** Who did it, where that is known. */
      readonly owners?: readonly Owner[];
      readonly learntBy: LearntBy;
    }
  | {
      /** A socket is no more. */
      readonly type: 'ended';
      readonly atMs: number;
      /** As it was last, as far as that is known. */
      readonly socket: Socket;
      /** How long it lived, for those that were not met before; absent when unknown. */
      readonly lifetimeMs?: number;
      readonly isAtLeast?: boolean;
      /** What the kernel keeps of it for a while, under an id of its own perhaps. */
      readonly remnant?: { readonly id: string; readonly state: SocketState };
      readonly learntBy: LearntBy;
    }
  | GapEvent;

/** Kinds of sockets that are read only when asked for. */
export const EXTRA_KINDS = ['unix', 'sctp', 'mptcp', 'vsock'] as const;
export type ExtraKind = (typeof EXTRA_KINDS)[number];

/** What a source is to read beside what it always reads; a source that cannot says so in its degradations. */
export interface SourceOptions {
  readonly also: readonly ExtraKind[];
  /** Fill in `Socket.tcp`. */
  readonly tcpDetails: boolean;
  /** Notes what is being read, for another thread to see. */
  readonly progress?: Progress | undefined;
  /**
   * The longest that looking for the programs of sockets may hold up a reading, milliseconds; what is not found by
   * then is `pending` and comes as a change.
   */
  readonly ownerBudgetMs: number;
  /** Tell what happens between two readings too, where that can be done. */
  readonly events?: boolean;
  /**
   * Room for kernel events that wait to be taken, KiB for each processor (trace) and each network namespace
   * (closed sockets); undefined for as much as is usually wanted.
   */
  readonly eventBufferKiB?: number | undefined;
  /** How many sockets are kept, at most; undefined for all. */
  readonly bounds?: SocketBounds | undefined;
}

/** Why a source cannot work here, in words: a clause without a full stop. */
export class SourceUnavailable extends Error {}
