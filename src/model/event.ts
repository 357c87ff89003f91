import { type Endpoint, type Owner, sameEndpoint, type Socket, type SocketState } from './socket.ts';

/**
 * How netpane learnt of an event: `poll` from the difference of two polls, `destroy` from what the kernel reports when
 * it destroys a socket (on Linux a close message), `trace` from the trace of TCP states and processes.
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

/**
 * Returns the previous values of the changed fields. Leaves out an unknown state, and owners that were `pending`.
 * Owners count as changed if their pids differ.
 */
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
  /** In close events: lifetime of the connection, milliseconds, with a fraction. Absent when unknown. */
  readonly lifetimeMs?: number;
  /** True if `lifetimeMs` is a lower bound, because netpane did not see the start of the socket. */
  readonly isAtLeast?: boolean;
  /**
   * In change events: time since the socket was made, by the trace, or since the first poll that saw it, milliseconds.
   * Absent when unknown.
   */
  readonly ageMs?: number;
  /** True for a socket opened before netpane started: it has no spawn event. */
  readonly isBaseline?: boolean;
}

/** Reports that kernel events were lost: a buffer was full, or the sampler was restarted. */
export interface GapEvent {
  readonly type: 'gap';
  /** Wall-clock time at which the loss was noticed, milliseconds since 1970. */
  readonly atMs: number;
  /** Number of lost messages; absent if the kernel does not count them. */
  readonly missed?: number;
  /** Where the messages were lost: `destroy` reports closes, `trace` reports state changes and processes. */
  readonly learntBy: Exclude<LearntBy, 'poll'>;
}

/** Parts in which the connections of a sum may differ from its `socket`. */
export type SumPart = 'program' | 'pid' | 'localPort' | 'remoteAddress' | 'remotePort';

/**
 * Short connections of one program with one peer that were only counted, because there were too many to show each. Each
 * of them spawned and closed between two polls.
 */
export interface SumEvent {
  readonly type: 'sum';
  /** Wall-clock time of the last close, milliseconds since 1970. */
  readonly atMs: number;
  /** Number of connections. */
  readonly count: number;
  /** The last one of them. */
  readonly socket: Socket;
  /** Parts in which others differ from `socket`: with very many programs and peers, a sum counts those of several. */
  readonly differs: readonly SumPart[];
  /** Payload bytes of all of them together; absent when unknown for one. */
  readonly rxBytes?: number;
  readonly txBytes?: number;
}

/** An action of the user, or of a rule, and its result. */
export interface ActionEvent {
  readonly type: 'action';
  /** Wall-clock time, milliseconds since 1970. */
  readonly atMs: number;
  /** The user that netpane runs for. */
  readonly user: string;
  /** The action, its target and the result. Untrusted text. */
  readonly text: string;
  readonly isError: boolean;
}

/** An event about one socket, or a gap. */
export type SingleEvent = SocketEvent | GapEvent;

/** An event of a batch. */
export type Event = SingleEvent | SumEvent;

/** An entry of the event log. */
export type LogEntry = Event | ActionEvent;

/** Returns true for an event about sockets. */
export const hasSocket = (event: LogEntry): event is SocketEvent | SumEvent =>
  event.type !== 'gap' && event.type !== 'action';

/** The changes between two polls that are seen. It can vary while netpane runs. */
export interface Coverage {
  /**
   * - `polls`: none.
   * - `closes`: every close of a TCP or UDP socket, with the final counters.
   * - `lives`: every close, with the final counters, the process and the time at which the socket was opened.
   * - `changes`: also every state change of a TCP socket, with the process that caused it.
   */
  readonly level: 'polls' | 'closes' | 'lives' | 'changes';
  /** Why the level is below `changes` and how to raise it: a clause without a full stop. Absent for `changes`. */
  readonly why?: string;
}
