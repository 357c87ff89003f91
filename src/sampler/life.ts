import type { LearntBy } from '../model/event.ts';
import type { Socket } from '../model/socket.ts';

/** Beginning and end of a reading, on the clock that never jumps. */
export interface Reading {
  readonly startMs: number;
  readonly endMs: number;
}

export const NEVER: Reading = { startMs: -Infinity, endMs: -Infinity };

/** How long a socket lived, as an event tells it. */
export interface Lifetime {
  readonly lifetimeMs?: number;
  readonly isAtLeast?: boolean;
}

/** One life of a socket, beyond what the last snapshot says of it. */
export interface Life {
  /** Its id in the batches. */
  readonly id: string;
  /** Its other one: of what was left of it where no poll had seen it before, or of itself where one met that first. */
  otherId: string | undefined;
  /** The key of it in `#halves`, where it is there. */
  endpoints: string | undefined;
  socket: Socket;
  /** The socket as the last batch had it; undefined before the first one that has it. */
  told: Socket | undefined;
  /** Undefined when unknown. */
  bornMs: number | undefined;
  /** The end of the poll that saw it first: it is not younger than that. Infinity where no poll saw it first. */
  firstSeenMs: number;
  /** It was there before netpane was: it is older than that. */
  isBaseline: boolean;
  /** An event source has told something of it that no poll may know. */
  hasWord: boolean;
  /** The last poll that told of it: what was traced before is in what that said. */
  polled: Reading;
  /** Who told of its close; what is left of it is a remnant. */
  closedBy: LearntBy | undefined;
  /** Nothing is left of it, and there is no row. */
  isGone: boolean;
  /** Polls since it is gone. */
  pollsGone: number;
  /** Once it is gone, a late kernel event or another sighting of its remnant may come until then. */
  keptUntilMs: number;
  /** When its latest news was, and who told it. */
  newsMs: number;
  newsBy: LearntBy;
}

/** How long a life was seen, as far as that is known. */
export function seenLifetime({ bornMs, isBaseline }: Life, untilMs: number): Lifetime {
  if (bornMs === undefined || bornMs > untilMs) return {};
  return {
    lifetimeMs: untilMs - bornMs,
    ...(isBaseline && { isAtLeast: true }),
  };
}

/** The better of what was seen of a life and what its end tells. */
export function betterLifetime(seen: Lifetime, { lifetimeMs, isAtLeast = false }: Lifetime): Lifetime {
  if (lifetimeMs === undefined || (isAtLeast && (seen.lifetimeMs ?? -1) > lifetimeMs)) return seen;
  return { lifetimeMs, ...(isAtLeast && { isAtLeast }) };
}
