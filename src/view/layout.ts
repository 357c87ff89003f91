import type { Focus, PaneName, State } from '../store/state.ts';

/** A part of the screen, in cells. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export type RegionName =
  | 'header'
  | 'filter'
  | 'graph'
  | 'titles'
  | 'table'
  | 'gap'
  | 'details'
  | 'traffic'
  | 'events'
  | 'list'
  | 'help'
  | 'hints';

/** The region of each visible part; a closed part, or one without room, is missing. */
export type Layout = Readonly<Partial<Record<RegionName, Region>>>;

const GRAPH_HEIGHT = 3;
const MIN_TABLE = 3;
const MIN_PANE = 4;
/** Minimum width at which the details are beside the table instead of below it. */
const WIDE = 150;
const BESIDE_GAP = 3;
/** Lines of the details, for sources with and without traffic. */
const DETAIL_LINES = { without: 14, with: 22 };
/** Maximum height of the traffic pane: titles, a few interfaces, the busiest programs. */
const TRAFFIC_LINES = 16;
/** Lines of the table, with its titles, that stay above the details on a screen of usual height. */
const DETAIL_TABLE = 6;

/**
 * Divides the screen. The table keeps at least three rows beside open panes; if they do not fit, one pane replaces it.
 * A low screen drops the hints and the header; the lowest shows only rows.
 * @param traffic true if the details show traffic and need more lines
 */
export function layout(
  width: number,
  height: number,
  panes: Readonly<Record<PaneName | 'list', boolean>>,
  traffic = false,
): Layout {
  const regions: Partial<Record<RegionName, Region>> = {};
  let top = 0;
  let bottom = height;
  const fromTop = (name: RegionName, lines: number) => {
    regions[name] = { left: 0, top, width, height: lines };
    top += lines;
  };
  if (height >= 5) fromTop('header', height >= 8 ? 2 : 1);
  if (height >= 4) fromTop('filter', 1);
  if (height >= 10) regions.hints = { left: 0, top: --bottom, width, height: 1 };
  if (panes.help) {
    regions.help = { left: 0, top, width, height: Math.max(0, bottom - top) };
    return regions;
  }
  const beside = panes.details && width >= WIDE;
  // Panes below the table, the most important first: the user opens the details for single rows.
  const open = (['list', 'details', 'traffic', 'events'] as const).filter(
    (name) => panes[name] && !(name === 'details' && beside),
  );
  const [pane] = open;
  /** Returns the lines left after the titles and the minimum height of the table. */
  const spare = () => bottom - top - 1 - MIN_TABLE;
  if (pane && spare() < MIN_PANE) {
    regions[pane] = { left: 0, top, width, height: Math.max(0, bottom - top) };
    return regions;
  }
  // The graphs may take a row from the table, but no room from a pane.
  if (panes.graph && spare() + (pane ? -MIN_PANE : 1) >= GRAPH_HEIGHT) fromTop('graph', GRAPH_HEIGHT);
  const room = bottom - top;
  const wanted = {
    events: () => Math.floor(room / 3),
    // Half of the room: the table shows the effect of a choice at once.
    list: () => Math.floor(room / 2),
    traffic: () => Math.min(TRAFFIC_LINES, Math.floor(room / 2)),
    // The details have few lines, and matter more than rows while open.
    details: () => Math.min(DETAIL_LINES[traffic ? 'with' : 'without'], bottom - top - DETAIL_TABLE),
  };
  const fitting = open.slice(0, Math.max(0, Math.floor(spare() / MIN_PANE)));
  for (let name = fitting.pop(); name; name = fitting.pop()) {
    // Leaves the minimum height to each pane above it.
    const most = spare() - MIN_PANE * fitting.length;
    const lines = Math.min(most, Math.max(MIN_PANE, wanted[name]()));
    bottom -= lines;
    regions[name] = { left: 0, top: bottom, width, height: lines };
  }
  const tableWidth = beside ? width - Math.floor(width / 3) - BESIDE_GAP : width;
  if (beside) {
    const left = tableWidth + BESIDE_GAP;
    // An own region, because no other widget clears these cells.
    regions.gap = { left: tableWidth, top, width: BESIDE_GAP, height: bottom - top };
    regions.details = { left, top, width: width - left, height: bottom - top };
  }
  if (bottom - top >= 2) {
    regions.titles = { left: 0, top, width: tableWidth, height: 1 };
    top += 1;
  }
  regions.table = { left: 0, top, width: tableWidth, height: Math.max(0, bottom - top) };
  return regions;
}

/** Returns the layout of the screen. */
export const layoutOf = ({ size: { width, height }, panes, list, table }: State): Layout =>
  layout(width, height, { ...panes, list: list !== null }, table.seen.traffic);

/** Returns the pane in which keys move: the table, or the event log if it has the focus or covers the table. */
export const focusIn = ({ events, table }: Layout, { focus }: State): Focus =>
  events && (focus === 'events' || !table) ? 'events' : 'table';
