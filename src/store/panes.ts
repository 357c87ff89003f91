/** The panes that a key opens and closes, as they are at the start. Their rows are in `view/panes/`. */
export const CLOSED_PANES = {
  events: false,
  details: false,
  traffic: false,
  graph: false,
  whois: false,
  help: false,
};
export type PaneName = keyof typeof CLOSED_PANES;
export const PANE_NAMES = Object.keys(CLOSED_PANES) as PaneName[];

/** Panes that cover the table. */
export const COVERING_PANES: readonly PaneName[] = ['help', 'whois'];

/** The pane whose cursor the keys move. */
export type Focus = 'table' | PaneName;

/** Where a pane is scrolled to, and where its cursor was, at the last paint. */
export interface Place {
  /** Index of the first visible line. */
  readonly top: number;
  /** Index of the line under the cursor; -1 for none. */
  readonly index: number;
  /** The user has moved the cursor since. */
  readonly moved: boolean;
}

export const NO_PLACE: Place = { top: 0, index: -1, moved: false };

/** Where each pane is scrolled to. */
export type Places = Readonly<Record<Focus, Place>>;

export const NO_PLACES: Places = {
  table: NO_PLACE,
  details: NO_PLACE,
  events: NO_PLACE,
  traffic: NO_PLACE,
  graph: NO_PLACE,
  whois: NO_PLACE,
  help: NO_PLACE,
};
