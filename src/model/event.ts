import { type Endpoint, type Owner, sameEndpoint, type Socket, type SocketState } from './socket.ts';

/**
 * Where an event comes from: `poll` is the difference of two polls, `destroy` a kernel event about a destroyed socket
 * (sock_diag multicast), `trace` the trace of TCP states and processes.
 */
export type LearntBy = 'poll' | 'destroy' | 'trace';

/** Previous values of the fields that a change replaced. Unchanged fields are absent. */
export interface PreviousFields {
  readonly state?: SocketState;
  readonly local?: Endpoint;
  /** `null` where the socket had no peer. */
  readonly remote?: Endpoint | null;
  readonly owners?: readonly Owner[];
}

const samePids = (some: readonly Owner[], others: readonly Owner[]): boolean =>
  some.length === others.length && some.every(({ pid }, i) => pid === others[i]?.pid);

/** Returns the previous values of the changed fields. Owners that were still `pending` are left out. */
export function previousFields({ state, local, remote, owners }: Socket, now: Socket): PreviousFields {
  return {
    ...(state !== undefined && state !== now.state && { state }),
    ...(!sameEndpoint(local, now.local) && { local }),
    ...(!sameEndpoint(remote, now.remote) && { remote }),
    ...(!samePids(owners, now.owners) && owners[0]?.knowledge !== 'pending' && { owners }),
  };
}

/** A spawn, change or close of one socket. */
export interface SocketEvent {
  readonly type: 'spawn' | 'change' | 'close';
  /** Wall-clock time, milliseconds since 1970. An event learnt by `poll` has the time of that poll. */
  readonly atMs: number;
  /** The socket after the event; for a close, its last known version. */
  readonly socket: Socket;
  readonly learntBy: LearntBy;
  /** Previous values of the changed fields; present in every change event, absent in others. */
  readonly was?: PreviousFields;
  /** Lifetime of the connection, milliseconds with a fraction. In close events; absent when unknown. */
  readonly lifetimeMs?: number;
  /** True if `lifetimeMs` is a lower bound. */
  readonly isAtLeast?: boolean;
  /** Time since netpane first saw the socket, milliseconds. In change events; absent when unknown. */
  readonly ageMs?: number;
  /** True for a socket opened before netpane started: it has no spawn event. */
  readonly isBaseline?: boolean;
}

/** Kernel events were lost because a buffer was full. */
export interface GapEvent {
  readonly type: 'gap';
  /** Wall-clock time at which the loss was noticed, milliseconds since 1970. */
  readonly atMs: number;
  /** Number of lost messages; absent if the kernel does not count them. */
  readonly missed?: number;
  /** Event source that lost messages: `destroy` loses closes, `trace` loses state changes and process events. */
  readonly learntBy: Exclude<LearntBy, 'poll'>;
}

export type Event = SocketEvent | GapEvent;

/** Which changes between two polls are seen now. */
export interface Coverage {
  /**
   * - `polls`: none.
   * - `closes`: every close, with the final counters.
   * - `changes`: every close and every state change, with the process that caused it.
   */
  readonly level: 'polls' | 'closes' | 'changes';
  /** Why coverage is not complete and how to improve it: a clause. Absent for `changes`. */
  readonly why?: string;
}
