import type { Focus } from '../store/panes.ts';
import type { State } from '../store/state.ts';
import { alertCount } from './header/alerts.ts';
import type { Layout, Pane, Region, RegionName } from './panes/pane.ts';
import { coversScreen, PANES, PANES_BY_RANK, PANES_WITH_CURSOR } from './panes/panes.ts';

const MIN_TABLE = 3;
const MIN_PANE = 4;
const BESIDE_GAP = 3;

/** Minimum heights of a screen for one alert line, and for two. */
const [ONE_ALERT, TWO_ALERTS] = [8, 16];

const COVERING = PANES_BY_RANK.filter(coversScreen);

/** Panes above the table, with their lines. */
const ABOVE = PANES_BY_RANK.flatMap((name) => {
  const { position } = PANES[name];
  return position.where === 'above' ? [{ name, lines: position.lines }] : [];
});

/** Panes below the table, the most important first. */
const BELOW = PANES_BY_RANK.flatMap((name) => {
  const { position } = PANES[name];
  if (position.where !== 'below') return [];
  return [{ name, lines: position.lines, besideFrom: position.besideFrom ?? Infinity }];
});

/**
 * Divides the screen. The table keeps at least three rows beside open panes; if they do not fit, one pane replaces it.
 * A low screen drops the hints and the header; the lowest shows only rows.
 * @param traffic true if the details show traffic and need more lines
 * @param alerts number of alert lines to show
 * @param rows number of lines of the whole table, visible or not
 */
export function layout(
  width: number,
  height: number,
  panes: Readonly<Record<Exclude<Pane, 'table'>, boolean>>,
  traffic = false,
  alerts = 0,
  rows = Infinity,
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
  const alertLines = Math.min(alerts, height >= TWO_ALERTS ? 2 : height >= ONE_ALERT ? 1 : 0);
  // Alerts are at the bottom, where they move no row when they come and go.
  if (alertLines > 0) {
    bottom -= alertLines;
    regions.alerts = { left: 0, top: bottom, width, height: alertLines };
  }
  const isOpen = (name: Pane) => name !== 'table' && panes[name];
  /** Gives a pane all the room. */
  const only = (name: Pane): Layout => {
    regions[name] = { left: 0, top, width, height: Math.max(0, bottom - top) };
    return regions;
  };
  const covering = COVERING.find(isOpen);
  if (covering) return only(covering);
  const beside = BELOW.find(({ name, besideFrom }) => isOpen(name) && width >= besideFrom);
  const open = BELOW.filter((it) => isOpen(it.name) && it !== beside);
  const [pane] = open;
  /** Returns the lines left after the titles and the minimum height of the table. */
  const spare = () => bottom - top - 1 - MIN_TABLE;
  if (pane && spare() < MIN_PANE) return only(pane.name);
  // A pane above the table may take a row from it, but no room from a pane below.
  for (const { name, lines } of ABOVE)
    if (isOpen(name) && spare() + (pane ? -MIN_PANE : 1) >= lines) fromTop(name, lines);
  const all = bottom - top;
  const fitting = open.slice(0, Math.max(0, Math.floor(spare() / MIN_PANE)));
  for (let it = fitting.pop(); it; it = fitting.pop()) {
    // Leaves the minimum height to each pane above it.
    const most = spare() - MIN_PANE * fitting.length;
    const empty = fitting.length === 0 ? Math.max(0, bottom - top - 1 - rows) : 0;
    const wanted = it.lines({ all, left: bottom - top, empty, traffic });
    const lines = Math.min(most, Math.max(MIN_PANE, wanted));
    bottom -= lines;
    regions[it.name] = { left: 0, top: bottom, width, height: lines };
  }
  const tableWidth = beside ? width - Math.floor(width / 3) - BESIDE_GAP : width;
  if (beside) {
    const left = tableWidth + BESIDE_GAP;
    // An own region, because no other widget clears these cells.
    regions.gap = { left: tableWidth, top, width: BESIDE_GAP, height: bottom - top };
    regions[beside.name] = { left, top, width: width - left, height: bottom - top };
  }
  if (bottom - top >= 2) {
    regions.titles = { left: 0, top, width: tableWidth, height: 1 };
    top += 1;
  }
  regions.table = { left: 0, top, width: tableWidth, height: Math.max(0, bottom - top) };
  return regions;
}

/** Returns the layout of the screen. @param rows number of lines of the whole table, visible or not */
export const layoutOf = (state: State, rows: number): Layout => {
  const { size, panes, list, prompt, table } = state;
  const open = { ...panes, list: list !== null, commands: prompt?.kind === 'command' };
  return layout(size.width, size.height, open, table.seen.traffic, alertCount(state), rows);
};

/** Returns true if keys can move in another pane than the table. */
export const hasSecondCursor = (layout: Layout): boolean =>
  PANES_WITH_CURSOR.some((name) => layout[name] !== undefined);

/** Returns the pane that gets the focus after this one: the visible ones in which keys move, then the table again. */
export function nextFocus(layout: Layout, focus: Focus): Focus {
  const panes: readonly Focus[] = ['table', ...PANES_WITH_CURSOR.filter((name) => layout[name])];
  return panes[panes.indexOf(focus) + 1] ?? 'table';
}

/** Returns the pane in which keys move: the table, or the pane that has the focus or covers the table. */
export const focusIn = (layout: Layout, { focus }: State): Focus =>
  PANES_WITH_CURSOR.find((name) => layout[name] && (focus === name || !layout.table)) ?? 'table';
