import { type Endpoint, type Owner, sameEndpoint, type Socket, type SocketState } from './socket.ts';

/**
 * How something was learnt: `poll` by comparing two readings, `destroy` by the kernel's word that a socket is no more,
 * `trace` by the kernel's trace of what each process does.
 */
export type LearntBy = 'poll' | 'destroy' | 'trace';

/** The fields of a socket that a change replaced, as they were before it. Fields that stayed are absent. */
export interface PreviousFields {
  readonly state?: SocketState;
  readonly local?: Endpoint;
  /** `null` where the socket had no peer. */
  readonly remote?: Endpoint | null;
  readonly owners?: readonly Owner[];
}

const samePids = (some: readonly Owner[], others: readonly Owner[]): boolean =>
  some.length === others.length && some.every(({ pid }, i) => pid === others[i]?.pid);

/** Returns the fields that a change replaced. Owners that had not been looked for yet are left out. */
export function previousFields({ state, local, remote, owners }: Socket, now: Socket): PreviousFields {
  return {
    ...(state !== undefined && state !== now.state && { state }),
    ...(!sameEndpoint(local, now.local) && { local }),
    ...(!sameEndpoint(remote, now.remote) && { remote }),
    ...(!samePids(owners, now.owners) && owners[0]?.knowledge !== 'pending' && { owners }),
  };
}

/** Something that happened to a socket. */
export interface SocketEvent {
  readonly type: 'spawn' | 'change' | 'close';
  /** Wall-clock time, milliseconds since 1970: of a poll that of the reading which found it out. */
  readonly atMs: number;
  /** As it is after the event; of a close, as it was last. */
  readonly socket: Socket;
  readonly learntBy: LearntBy;
  /** The fields that a change replaced; present with every change. */
  readonly was?: PreviousFields;
  /** How long the connection lived, milliseconds and parts of one; told with its close, absent when unknown. */
  readonly lifetimeMs?: number;
  /** The lifetime is a lower bound. */
  readonly isAtLeast?: boolean;
  /** How long the socket had been known when it changed, milliseconds; absent in other events, and when unknown. */
  readonly ageMs?: number;
  /** The socket was there before netpane: its spawn was not told. */
  readonly isBaseline?: boolean;
}

/** The kernel had more to tell than there was room for. */
export interface GapEvent {
  readonly type: 'gap';
  /** When it was noticed: wall-clock time, milliseconds since 1970. */
  readonly atMs: number;
  /** How many messages were lost; absent where the kernel does not count them. */
  readonly missed?: number;
  /** What was lost: `destroy` closes of sockets, `trace` changes of state and doings of processes. */
  readonly learntBy: Exclude<LearntBy, 'poll'>;
}

export type Event = SocketEvent | GapEvent;

/** What is caught now of that which happens between two readings. */
export interface Coverage {
  /** Nothing; every close, with its last counters; or every change of state too, with the program that made it. */
  readonly level: 'polls' | 'closes' | 'changes';
  /** Why it is not more, and what would mend it: a clause. */
  readonly why?: string;
}
