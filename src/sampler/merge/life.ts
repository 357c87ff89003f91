import type { LearntBy } from '../../model/event.ts';
import type { Socket } from '../../model/socket.ts';

/** Start and end of a poll, on the monotonic clock. */
export interface PollTime {
  readonly startMs: number;
  readonly endMs: number;
}

export const NEVER: PollTime = { startMs: -Infinity, endMs: -Infinity };

/** How long a socket lived, as a close event has it. Empty when unknown. */
export interface Lifetime {
  readonly lifetimeMs?: number;
  readonly isAtLeast?: boolean;
}

/** One life of a socket: what the last snapshot does not say about it. */
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
  /** Undefined when unknown. */
  bornMs: number | undefined;
  /** End of the poll that saw it first: it was born no later. Infinity when a kernel event came first. */
  firstSeenMs: number;
  /** It was open before netpane started, so it is older than `bornMs`. */
  isBaseline: boolean;
  /** A kernel event has reported something about it that polls may not show. */
  hasKernelEvent: boolean;
  /** The last poll that saw it change. Kernel events from before its end are already part of what it saw. */
  lastPoll: PollTime;
  /** What reported its close; undefined while it is open. A row that is left after the close is a remnant. */
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

/** Returns how long a life was observed until `untilMs`; empty when its start is unknown. */
export function seenLifetime({ bornMs, isBaseline }: Life, untilMs: number): Lifetime {
  if (bornMs === undefined || bornMs > untilMs) return {};
  return {
    lifetimeMs: untilMs - bornMs,
    ...(isBaseline && { isAtLeast: true }),
  };
}

/** Returns the lifetime of the kernel event that ended the life, or the observed one if that says more. */
export function betterLifetime(seen: Lifetime, { lifetimeMs, isAtLeast = false }: Lifetime): Lifetime {
  if (lifetimeMs === undefined || (isAtLeast && (seen.lifetimeMs ?? -1) > lifetimeMs)) return seen;
  return { lifetimeMs, ...(isAtLeast && { isAtLeast }) };
}
