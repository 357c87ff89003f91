import type { PaneName } from '../store/state.ts';

/** A part of the screen, in cells. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export type RegionName =
  'header' | 'filter' | 'graph' | 'titles' | 'table' | 'details' | 'events' | 'help' | 'hints';

/** Where everything stands; a part that has no room, or is not open, is missing. */
export type Layout = Readonly<Partial<Record<RegionName, Region>>>;

const GRAPH_HEIGHT = 3;
const LEAST_TABLE = 3;
const LEAST_PANE = 4;
/** From this width on the details stand beside the table, not below it. */
const WIDE = 150;
const BESIDE_GAP = 3;
const DETAIL_LINES = 14;
/** Lines of the table, with its titles, that stay over the details on a screen of usual height. */
const DETAIL_TABLE = 6;

/**
 * Divides the screen. The table keeps at least three rows beside open panes; where they have no room with it, one of
 * them takes its place. The hints and the header leave a low screen; the lowest shows rows and nothing else.
 */
export function layout(width: number, height: number, panes: Readonly<Record<PaneName, boolean>>): Layout {
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
  const pane = panes.details && !beside ? 'details' : panes.events ? 'events' : undefined;
  /** Lines that are left beside the titles and the least of the table. */
  const spare = () => bottom - top - 1 - LEAST_TABLE;
  if (pane && spare() < LEAST_PANE) {
    regions[pane] = { left: 0, top, width, height: Math.max(0, bottom - top) };
    return regions;
  }
  // The strip is low, and worth a row of the table; but it takes no pane's room.
  if (panes.graph && spare() + (pane ? -LEAST_PANE : 1) >= GRAPH_HEIGHT) fromTop('graph', GRAPH_HEIGHT);
  const below = (name: RegionName, lines: number) => {
    if (spare() < LEAST_PANE) return;
    const height = Math.min(lines, spare());
    bottom -= height;
    regions[name] = { left: 0, top: bottom, width, height };
  };
  const share = Math.floor((bottom - top) / 3);
  // Where both have no room, the details are what the user asks for row by row.
  if (panes.events && (!panes.details || beside || spare() >= 2 * LEAST_PANE))
    below('events', Math.max(LEAST_PANE, share));
  // The details are of a few lines, and of more worth than rows while they are open.
  if (panes.details && !beside)
    below('details', Math.max(LEAST_PANE, Math.min(DETAIL_LINES, bottom - top - DETAIL_TABLE)));
  const tableWidth = beside ? width - Math.floor(width / 3) - BESIDE_GAP : width;
  if (beside) {
    const left = tableWidth + BESIDE_GAP;
    regions.details = { left, top, width: width - left, height: bottom - top };
  }
  if (bottom - top >= 2) {
    regions.titles = { left: 0, top, width: tableWidth, height: 1 };
    top += 1;
  }
  regions.table = { left: 0, top, width: tableWidth, height: Math.max(0, bottom - top) };
  return regions;
}
