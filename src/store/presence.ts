import type { Presence, State } from './state.ts';
import type { SocketTable } from './table.ts';

/** Time without a key or mouse event after which the user counts as away, milliseconds. */
export const AWAY_MS = 120_000;
/** Minimum time that a report about the absence stays, milliseconds. */
const REPORT_MS = 10_000;

/** Returns the presence of a user at a time. */
export const presenceAt = (table: SocketTable, batchMs: number | undefined, atMs: number): Presence => ({
  atMs,
  batchMs,
  ...table.changesSoFar,
  names: table.programNames.end,
});

/** Returns true if the user was there at the time of the last batch. */
export const isPresent = ({ presence, clock }: State): boolean => clock.lastBatchMs - presence.atMs < AWAY_MS;

/** Notes a key or mouse event. The first one after an absence reports what happened; a later one removes the report. */
export function withInput(state: State, atMs: number): State {
  const presence = presenceAt(state.table, state.nowMs, atMs);
  const { presence: before, absence } = state;
  // Before the first batch there was nothing to see.
  if (atMs - before.atMs < AWAY_MS || before.batchMs === undefined) {
    const isReported = absence !== null && atMs - absence.endMs >= REPORT_MS;
    return { ...state, presence, absence: isReported ? null : absence };
  }
  const [spawned, closed] = [presence.spawned - before.spawned, presence.closed - before.closed];
  return {
    ...state,
    presence,
    absence:
      spawned + closed === 0
        ? null
        : {
            forMs: atMs - before.atMs,
            spawned,
            closed,
            listeners: state.table.newListenersSince(before.batchMs),
            programs: state.table.programNames.since(before.names),
            endMs: atMs,
          },
  };
}
