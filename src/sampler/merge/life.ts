import type { LearntBy } from '../../model/event.ts';
import type { Socket } from '../../model/socket.ts';

/** TCP_TIMEWAIT_LEN, include/net/tcp.h: how long the kernel keeps a remnant. */
export const TIMEWAIT_MS = 60_000;

/** Start and end of a poll, on the monotonic clock. */
export interface PollTime {
  readonly startMs: number;
  readonly endMs: number;
}

export const NEVER: PollTime = { startMs: -Infinity, endMs: -Infinity };

/** The lifetime in a close event; see `SocketEvent`. Empty when unknown. */
export interface Lifetime {
  readonly lifetimeMs?: number;
  readonly isAtLeast?: boolean;
}

/** One life of a socket. Times are on the monotonic clock, milliseconds. */
export interface Life {
  /** Its id in the batches. */
  readonly id: string;
  /**
   * A second id of the same life: of its remnant when a kernel event came first, of the connection when a poll saw the
   * remnant first. Undefined when there is only one.
   */
  otherId: string | undefined;
  /** The key of this life in `ByEndpoints`; undefined when it is not there. */
  endpointsKey: string | undefined;
  socket: Socket;
  /** The socket as the last batch reported it; undefined when no batch has reported it, or its row was closed. */
  reported: Socket | undefined;
  /**
   * Start of the life: by the kernel event, else the start of the first poll that saw it. Undefined when unknown, since
   * only its end was reported.
   */
  bornMs: number | undefined;
  /** End of the poll that saw it first: it was born no later. Infinity when a kernel event came first. */
  firstSeenMs: number;
  /** It was open before netpane started, so it is older than `bornMs`. */
  isBaseline: boolean;
  /** A kernel event has reported something about it that polls may not show. */
  hasKernelEvent: boolean;
  /** The last poll that updated it. A kernel event from before the end of that poll is older than what the poll saw. */
  lastPoll: PollTime;
  /** The origin of its close; undefined while it is open. A row that is left after the close is a remnant. */
  closedBy: LearntBy | undefined;
  /** Not even a remnant is left, and there is no row. */
  isGone: boolean;
  /** Number of polls since it is gone. */
  pollsSinceGone: number;
  /** Time until which a life that is gone is kept: a late kernel event or its remnant may still turn up. */
  keptUntilMs: number;
  /** Time of its latest change, and what reported it. */
  changedMs: number;
  changedBy: LearntBy;
}

/** Returns the time from the birth of a life to `untilMs`; empty when its birth is unknown or later. */
export function seenLifetime({ bornMs, isBaseline }: Life, untilMs: number): Lifetime {
  if (bornMs === undefined || bornMs > untilMs) return {};
  return {
    lifetimeMs: untilMs - bornMs,
    ...(isBaseline && { isAtLeast: true }),
  };
}

/** Returns the lifetime from a kernel event. If that is unknown, or a lower bound below `seen`, returns `seen`. */
export function betterLifetime(seen: Lifetime, { lifetimeMs, isAtLeast = false }: Lifetime): Lifetime {
  if (lifetimeMs === undefined || (isAtLeast && (seen.lifetimeMs ?? -1) > lifetimeMs)) return seen;
  return { lifetimeMs, ...(isAtLeast && { isAtLeast }) };
}
