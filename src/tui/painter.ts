import type { Terminal } from './terminal.ts';
import { pictureOf } from '../store/picture.ts';
import type { State } from '../store/state.ts';
import { columnsOf, type Derived, visibleItems } from '../view/arrange.ts';
import { detailLines } from '../view/panes/details.ts';
import { eventPaneLines, KEYS_HERE, visibleEvents } from '../view/panes/event-pane.ts';
import type { Item } from '../view/table/item.ts';
import { headerLines } from '../view/header/header.ts';
import { helpLines } from '../view/panes/help.ts';
import { hintLine } from '../view/header/hints.ts';
import { focusIn, type Layout, layoutOf, type Region, type RegionName } from '../view/layout.ts';
import type { Line } from '../view/text/line.ts';
import { listLines } from '../view/panes/list-pane.ts';
import type { PlacedColumn } from '../view/table/place.ts';
import { promptHelp } from '../view/header/prompt-line.ts';
import { filterLine, type Share, shareText } from '../view/header/query-line.ts';
import { tableLines, titleLine } from '../view/table/rows.ts';
import { trafficLines } from '../view/panes/traffic.ts';
import { KEYS } from './keymap.ts';
import { GraphWidget } from './widgets/graph.ts';
import { LinesWidget } from './widgets/lines.ts';

/** Layout and contents of a painted screen, to interpret clicks. */
export interface Painted {
  readonly layout: Layout;
  readonly columns: readonly PlacedColumn[];
  /** The lines of the table. */
  readonly items: readonly Item[];
  /** Numbers of the events in the log, from the first line under its title. */
  readonly events: readonly number[];
}

export const NOTHING_PAINTED: Painted = { layout: {}, columns: [], items: [], events: [] };

/** Every region with lines, in the order in which they are painted. */
const REGIONS = [
  'header',
  'filter',
  // Blank: the sparklines are drawn on it, and nothing else clears the cells between them.
  'graph',
  'titles',
  'table',
  'gap',
  'details',
  'traffic',
  'events',
  'list',
  'help',
  'hints',
] as const satisfies readonly RegionName[];

/** Paints the state with the widgets of blessed. */
export class Painter {
  readonly #screen: Terminal['screen'];
  readonly #widgets: readonly (readonly [RegionName, LinesWidget])[];
  readonly #graph: GraphWidget;

  /** @param onLoaded called when a widget that was loaded late must be painted */
  constructor(screen: Terminal['screen'], onLoaded: () => void) {
    this.#screen = screen;
    this.#graph = new GraphWidget(screen, onLoaded);
    this.#widgets = REGIONS.map((name) => [name, new LinesWidget(screen)] as const);
  }

  /** Paints an arranged state. Returns what the user sees now. */
  paint(state: State, derived: Derived): Painted {
    const layout = layoutOf(state);
    const { palette, table, nowMs = 0 } = state;
    const columns = columnsOf(state, layout);
    for (const [name, widget] of this.#widgets) {
      const region = layout[name];
      const lines = region ? linesOf(name, region, { state, derived, layout, columns }) : [];
      widget.show(region, lines, palette);
    }
    this.#graph.show(layout.graph, table.history, nowMs, palette);
    this.#screen.render();
    const { order, events } = derived;
    return {
      layout,
      columns,
      items: visibleItems(state, order, layout),
      events: layout.events ? visibleEvents(state, events, layout.events.height) : [],
    };
  }
}

interface Scene {
  readonly state: State;
  readonly derived: Derived;
  readonly layout: Layout;
  readonly columns: readonly PlacedColumn[];
}

/** Returns the lines of a region. */
function linesOf(
  name: RegionName,
  { width, height }: Region,
  { state, derived, layout, columns }: Scene,
): readonly Line[] {
  const { order, events } = derived;
  const focus = focusIn(layout, state);
  const { top, index } = state.tablePlace;
  switch (name) {
    case 'header':
      return headerLines(state, width, height);
    case 'filter':
      return [filterLine(state, shareOf(state, derived), width)];
    case 'titles':
      return [
        promptHelp(state, shareText(shareOf(state, derived)), width) ??
          titleLine(columns, state, layout.events && focus === 'table' ? KEYS_HERE : ''),
      ];
    case 'table':
      return tableLines(state, order, columns, top, height, index, focus === 'table' && state.list === null);
    case 'details':
      return detailLines(order.rowAt(index), state, width, height);
    case 'traffic':
      return trafficLines(state, width, height);
    case 'events':
      return eventPaneLines(state, events, width, height, focus === 'events');
    case 'list':
      return listLines(state, columns, width, height);
    case 'help':
      return helpLines(KEYS, state, width).slice(state.helpTop);
    case 'hints':
      return [hintLine(KEYS, state, width, layout.events && focus)];
    case 'graph':
    case 'gap':
      return [];
  }
}

function shareOf(state: State, { order, events }: Derived): Share {
  const { openCount: shown, hiddenCount: hidden } = order;
  return { shown, hidden, total: pictureOf(state).open, tooSlow: order.tooSlow ?? events.tooSlow };
}
