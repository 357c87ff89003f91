import { PANE_NAMES, type PaneName } from '../../store/state.ts';
import { DETAILS } from './details-pane.ts';
import { EVENTS } from './event-pane.ts';
import { GRAPH } from './graph.ts';
import { HELP } from './help.ts';
import { LIST } from './list-pane.ts';
import type { Pane, PaneRow } from './pane.ts';
import { TABLE } from './table-pane.ts';
import { TRAFFIC } from './traffic.ts';

/** Every pane, each with a row in a file of its own. */
export const PANES: Readonly<Record<Pane, PaneRow>> = {
  table: TABLE,
  details: DETAILS,
  events: EVENTS,
  traffic: TRAFFIC,
  graph: GRAPH,
  help: HELP,
  list: LIST,
};

const byRank = (a: Pane, b: Pane): number => PANES[a].rank - PANES[b].rank;

/** All panes, the most important first. */
export const PANES_BY_RANK = (Object.keys(PANES) as Pane[]).sort(byRank);

/** The panes that `esc` closes, in this order. */
export const CLOSING_ORDER: readonly PaneName[] = PANE_NAMES.toSorted(byRank);

/** Returns true for a pane that covers the table and all other panes. */
export const coversScreen = (name: Pane): boolean => PANES[name].position.where === 'screen';

/** The panes, beside the table, that can have the focus. */
export const PANES_WITH_CURSOR: readonly PaneName[] = PANE_NAMES.filter(
  (name) => PANES[name].move !== undefined && !coversScreen(name),
);
