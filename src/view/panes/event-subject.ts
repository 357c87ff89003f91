import type { SocketEvent, SumEvent } from '../../model/event.ts';
import type { Subject } from '../../query/subject.ts';

const MARKS = { spawn: 'spawned', change: 'changed', close: 'closed', sum: 'closed' } as const;

/**
 * Returns the subject that a query is evaluated for: the socket as it was at the event; of a sum the last one.
 * @param toMonotonicMs added to wall-clock time, gives the clock of the batches
 */
export function subjectOfEvent(
  event: SocketEvent | SumEvent,
  toMonotonicMs: number,
  direction: Subject['direction'],
): Subject {
  const { type, atMs, socket } = event;
  const {
    lifetimeMs,
    ageMs = 0,
    isBaseline = false,
  }: Partial<SocketEvent> = event.type === 'sum' ? {} : event;
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
