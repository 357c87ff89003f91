import type { SocketEvent } from '../model/event.ts';
import type { Subject } from '../query/subject.ts';

const MARKS = { spawn: 'spawned', change: 'changed', close: 'closed' } as const;

/**
 * What a query is asked about an event: the socket as it was then.
 * @param toMonotonicMs what to add to wall-clock time to get that of the batches
 */
export function subjectOfEvent(
  { type, atMs, socket, lifetimeMs, ageMs = 0, isBaseline = false }: SocketEvent,
  toMonotonicMs: number,
  direction: Subject['direction'],
): Subject {
  return {
    socket,
    mark: MARKS[type],
    firstSeenMs: atMs + toMonotonicMs - (lifetimeMs ?? ageMs),
    baseline: isBaseline,
    ...(direction && { direction }),
    rxRate: undefined,
    txRate: undefined,
    ...(lifetimeMs !== undefined && { lifetimeMs }),
  };
}
