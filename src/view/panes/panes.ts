import { COVERING_PANES, type Focus, PANE_NAMES, type PaneName } from '../../store/panes.ts';
import type { State } from '../../store/state.ts';
import { COMMANDS } from './command-pane.ts';
import { DETAILS } from './details-pane.ts';
import { EVENTS } from './event-pane.ts';
import { GRAPH } from './graph.ts';
import { HELP } from './help.ts';
import { LIST } from './list-pane.ts';
import type { Pane, PaneRow } from './pane.ts';
import { TABLE } from './table-pane.ts';
import { TRAFFIC } from './traffic.ts';
import { WHOIS } from './whois.ts';

/** Every pane, each with a row in a file of its own. */
export const PANES: Readonly<Record<Pane, PaneRow>> = {
  table: TABLE,
  details: DETAILS,
  events: EVENTS,
  traffic: TRAFFIC,
  graph: GRAPH,
  whois: WHOIS,
  help: HELP,
  list: LIST,
  commands: COMMANDS,
};

const byRank = (a: Pane, b: Pane): number => PANES[a].rank - PANES[b].rank;

/** All panes, the most important first. */
export const PANES_BY_RANK = (Object.keys(PANES) as Pane[]).sort(byRank);

/** The panes in the order in which `esc` closes them. */
const CLOSING_ORDER = PANE_NAMES.toSorted(byRank);

/** Returns true for a pane that covers the table and all other panes. */
export const coversScreen = (name: Pane): boolean => PANES[name].position.where === 'screen';

/** The panes, beside the table, that can have the focus. */
export const PANES_WITH_CURSOR: readonly PaneName[] = PANE_NAMES.filter(
  (name) => PANES[name].move !== undefined && !coversScreen(name),
);

/** Returns the pane that `esc` closes next: one that covers the table, the one with the focus, then the others; undefined if none is open. */
export function topmostPane(panes: State['panes'], focus: Focus): PaneName | undefined {
  if (!COVERING_PANES.some((name) => panes[name]) && focus !== 'table' && panes[focus]) return focus;
  return CLOSING_ORDER.find((name) => panes[name]);
}
