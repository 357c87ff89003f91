import type { PaneName, State } from './state.ts';

/** Selects a row, as the view found it at a paint. Another row has no usage yet. */
export const withSelection = (state: State, id: string | null): State =>
  id === state.selectedId ? state : { ...state, selectedId: id, usage: null };

/** Selects a row for the user. */
export const selectRow = (state: State, id: string | null): State => ({
  ...state,
  selectedId: id,
  usage: null,
  tablePlace: { ...state.tablePlace, moved: true },
});

/** Moves the cursor of the event log. @param note about the event, shown until the cursor moves */
export function selectEvent(state: State, number: number | null, note: string | null = null): State {
  const inLog = number === null ? Infinity : Math.max(0, number);
  return {
    ...state,
    eventNumber: inLog < state.log.end ? inLog : null,
    logNote: note,
    logPlace: { ...state.logPlace, moved: state.logPlace.moved || number !== state.eventNumber },
  };
}

/** Opens or closes a pane. */
export const withPane = (state: State, pane: PaneName, isOpen: boolean): State => ({
  ...state,
  focus: pane === state.focus ? 'table' : state.focus,
  // The log opens at the newest event.
  ...(pane === 'events' && { eventNumber: null, logNote: null }),
  panes: { ...state.panes, [pane]: isOpen },
  helpTop: 0,
  usage: pane === 'details' ? null : state.usage,
  usageDue: true,
});
