import type { SocketEvent } from '../../model/event.ts';
import type { Subject } from '../../query/subject.ts';

const MARKS = { spawn: 'spawned', change: 'changed', close: 'closed' } as const;

/**
 * Returns the subject that a query is evaluated for: the socket as it was at the event.
 * @param toMonotonicMs added to wall-clock time, gives the clock of the batches
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
