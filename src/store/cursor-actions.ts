import type { Action } from './actions.ts';
import { type Focus, NO_PLACE, type PaneName, type Place, type Places } from './panes.ts';
import type { State } from './state.ts';

/** Changes the place of one pane. */
export const withPlace = (places: Places, pane: Focus, change: Partial<Place>): Places => ({
  ...places,
  [pane]: { ...places[pane], ...change },
});

/** Selects a row, as the view found it at a paint. Another row has no usage yet. */
export const withSelection = (state: State, id: string | null): State =>
  id === state.selectedId ? state : { ...state, selectedId: id, usage: null };

/** Selects a row for the user. */
export const selectRow = (state: State, id: string | null): State => ({
  ...state,
  selectedId: id,
  usage: null,
  // The details of another socket start at their first line.
  places: { ...withPlace(state.places, 'table', { moved: true }), details: NO_PLACE },
});

/** Moves the cursor of the event log. @param note about the event, shown until the cursor moves */
export function selectEvent(state: State, number: number | null, note: string | null = null): State {
  const { events } = state.places;
  const inLog = number === null ? Infinity : Math.max(0, number);
  return {
    ...state,
    eventNumber: inLog < state.log.end ? inLog : null,
    logNote: note,
    places: withPlace(state.places, 'events', { moved: events.moved || number !== state.eventNumber }),
  };
}

/** Opens or closes a pane. */
export const withPane = (state: State, pane: PaneName, isOpen: boolean): State => ({
  ...state,
  focus: pane === state.focus ? 'table' : state.focus,
  // The log opens at the newest event.
  ...(pane === 'events' && { eventNumber: null, logNote: null }),
  panes: { ...state.panes, [pane]: isOpen },
  places: withPlace(state.places, pane, { top: 0 }),
  helpQuery: '',
  usage: pane === 'details' ? null : state.usage,
  // Files and rules may have changed since they were read.
  ...(pane === 'details' && isOpen && !state.panes.details && { evidence: null, firewall: null }),
  usageDue: true,
});

/** Scrolls a pane without a cursor, within its lines. */
export function scrollPane(state: State, { pane, by, lines, height }: Action & { type: 'scroll' }): State {
  const last = Math.max(0, lines - height);
  // Fewer lines may be left than at the last paint.
  const from = Math.min(state.places[pane].top, last);
  const top = Math.max(0, Math.min(from + by, last));
  return { ...state, places: withPlace(state.places, pane, { top }) };
}

/** Shows only the entries of the help that have these words. */
export const withHelpQuery = (state: State, helpQuery: string): State => ({
  ...state,
  helpQuery,
  places: withPlace(state.places, 'help', { top: 0 }),
});
