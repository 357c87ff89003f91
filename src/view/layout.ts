import type { PaneName } from '../store/state.ts';

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

/** Where everything stands; a part that has no room, or is not open, is missing. */
export type Layout = Readonly<Partial<Record<RegionName, Region>>>;

const GRAPH_HEIGHT = 3;
const LEAST_TABLE = 3;
const LEAST_PANE = 4;
/** From this width on the details stand beside the table, not below it. */
const WIDE = 150;
const BESIDE_GAP = 3;
/** Lines of the details, for a source that tells of traffic and for others. */
const DETAIL_LINES = { without: 14, with: 22 };
/** Titles, a handful of interfaces, and the programs that move most. */
const TRAFFIC_LINES = 16;
/** Lines of the table, with its titles, that stay over the details on a screen of usual height. */
const DETAIL_TABLE = 6;

/**
 * Divides the screen. The table keeps at least three rows beside open panes; where they have no room with it, one of
 * them takes its place. The hints and the header leave a low screen; the lowest shows rows and nothing else.
 * @param traffic the details have traffic to tell of, and so more lines
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
  // Below the table, from the one of most worth: the details are what the user asks for row by row.
  const open = (['list', 'details', 'traffic', 'events'] as const).filter(
    (name) => panes[name] && !(name === 'details' && beside),
  );
  const [pane] = open;
  /** Lines that are left beside the titles and the least of the table. */
  const spare = () => bottom - top - 1 - LEAST_TABLE;
  if (pane && spare() < LEAST_PANE) {
    regions[pane] = { left: 0, top, width, height: Math.max(0, bottom - top) };
    return regions;
  }
  // The strip is low, and worth a row of the table; but it takes no pane's room.
  if (panes.graph && spare() + (pane ? -LEAST_PANE : 1) >= GRAPH_HEIGHT) fromTop('graph', GRAPH_HEIGHT);
  const room = bottom - top;
  const wanted = {
    events: () => Math.floor(room / 3),
    // What is chosen there shows in the table at once.
    list: () => Math.floor(room / 2),
    traffic: () => Math.min(TRAFFIC_LINES, Math.floor(room / 2)),
    // The details are of a few lines, and of more worth than rows while they are open.
    details: () => Math.min(DETAIL_LINES[traffic ? 'with' : 'without'], bottom - top - DETAIL_TABLE),
  };
  const fitting = open.slice(0, Math.max(0, Math.floor(spare() / LEAST_PANE)));
  for (let name = fitting.pop(); name; name = fitting.pop()) {
    // Each leaves the least to those above it.
    const most = spare() - LEAST_PANE * fitting.length;
    const lines = Math.min(most, Math.max(LEAST_PANE, wanted[name]()));
    bottom -= lines;
    regions[name] = { left: 0, top: bottom, width, height: lines };
  }
  const tableWidth = beside ? width - Math.floor(width / 3) - BESIDE_GAP : width;
  if (beside) {
    const left = tableWidth + BESIDE_GAP;
    // Nobody else wipes away what stood there before.
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
