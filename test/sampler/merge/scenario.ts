// Events on the machine of a test, and the true state of its sockets.
import type { Socket, SocketState } from '../../../src/model/socket.ts';

/** Something that happens to a socket of the machine, or a drain of its event source. */
export type Action =
  | { readonly do: 'make'; readonly path: number; readonly hasOwner: boolean; readonly isUdp: boolean }
  | { readonly do: 'go' | 'own' | 'expire'; readonly which: number }
  | { readonly do: 'end'; readonly which: number; readonly leavesRemnant: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'drain' };

/** A poll, with what happens during it: before it reads the sockets, and after. */
export interface Poll {
  readonly do: 'poll';
  /** The poll misses one remnant in this many; 0 for none. */
  readonly missesOneIn: number;
  readonly before: readonly Action[];
  readonly after: readonly Action[];
}

/**
 * Which kernel events the event source delivers. `gaps`: the last message of some sockets is lost, and the trace
 * reports their end a quarter of a second later, without namespace, counters and remnant.
 */
export type Delivery = 'all' | 'some' | 'ends' | 'gaps' | 'nothing';

export interface Scene {
  readonly delivery: Delivery;
  readonly emitsEveryChange: boolean;
  /** See `Merger`. */
  readonly maxShortLives?: number;
  /** The source leaves out remnants: neither polls nor kernel events have them. */
  readonly omitsRemnants?: boolean;
  /** Delay of each kernel event, milliseconds, in turn. Events of one socket stay in order. */
  readonly delays: readonly number[];
  /** Which kernel events are lost with delivery `some` or `gaps`, in turn. */
  readonly losses: readonly boolean[];
  readonly steps: readonly (Action | Poll)[];
}

/** The true state of a socket of the machine. */
export interface Truth {
  readonly n: number;
  readonly path: readonly SocketState[];
  readonly isUdp: boolean;
  readonly madeMs: number;
  /** `madeMs`, or the start of the poll during which it was made and seen: a poll knows no better. */
  bornMs: number;
  stage: number;
  pid: number | undefined;
  rxBytes: number;
  /** A poll saw it while it was open, so its remnant keeps the id. */
  isSeen: boolean;
  endedMs: number | undefined;
  isRemnant: boolean;
  /** Not even a remnant is left. */
  isGone: boolean;
  inFirstPoll: boolean;
  /** Made before the first poll ended. */
  isEarly: boolean;
  /** The socket that polls return until it changes. */
  sighting: Socket | undefined;
  /** A poll has found its owner. */
  isOwnerSeen: boolean;
}

/** Returns the number of the socket with this id. */
export const numberOf = (id: string): number => Number(id.slice(1));
