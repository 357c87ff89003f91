import type { SocketEvent, SumEvent } from '../../model/event.ts';
import type { Subject } from '../../query/subject.ts';

const MARKS = { spawn: 'spawned', change: 'changed', close: 'closed', sum: 'closed' } as const;

/** Fields of a subject that no event has. */
export type Known = Pick<Subject, 'direction' | 'peer'>;

/**
 * Returns the subject that a query is evaluated for: the socket as it was at the event; the last socket of a sum.
 * @param toMonotonicMs the clock of the batches minus wall-clock time, milliseconds
 * @param known what else is known of the socket, such as its row
 */
export function subjectOfEvent(event: SocketEvent | SumEvent, toMonotonicMs: number, known?: Known): Subject {
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
    ...(known?.direction && { direction: known.direction }),
    ...(known?.peer !== undefined && { peer: known.peer }),
    rxRate: undefined,
    txRate: undefined,
    ...(lifetimeMs !== undefined && { lifetimeMs }),
  };
}
