import type { Batch } from '../model/batch.ts';
import type { LogEvent } from '../model/event.ts';
import { firstOwner } from '../model/socket.ts';
import { reduce } from '../store/reduce.ts';
import type { Focus, State, Usage } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { detailLines } from '../view/details.ts';
import { EventPane, KEYS_HERE } from '../view/event-pane.ts';
import { filterLine, headerLines } from '../view/header.ts';
import { helpLines, hintLine } from '../view/help.ts';
import { type Layout, layout, type Region, type RegionName } from '../view/layout.ts';
import type { Line } from '../view/line.ts';
import { RowOrder } from '../view/order.ts';
import { noteWidths, placeColumns, type PlacedColumn, type WidestSeen } from '../view/place.ts';
import { cellContext, tableLines, titleLine } from '../view/rows.ts';
import { trafficLines } from '../view/traffic.ts';
import { nextTop } from '../view/viewport.ts';
import type { Command } from './command.ts';
import { commandOf, KEYS, sortBy } from './keymap.ts';
import type { Terminal } from './terminal.ts';
import { GraphWidget } from './widgets/graph.ts';
import { LinesWidget } from './widgets/lines.ts';

/** What the app asks of the world outside. */
export interface AppEffects {
  readonly quit: () => void;
  readonly setInterval: (intervalMs: number) => void;
  /** CPU and memory of a process; undefined when it cannot be told. Never rejects. */
  readonly usageOf: (pid: number) => Promise<Usage | undefined>;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
}

const REGIONS = [
  'header',
  'filter',
  'titles',
  'table',
  'gap',
  'details',
  'traffic',
  'events',
  'help',
  'hints',
] as const;

const WHEEL_ROWS = 3;

/** After this time the selection has come to rest. */
const SETTLED_MS = 150;

/** The screen: takes batches, keys and the mouse, changes the state, and paints it. */
export class App {
  #state: State;
  readonly #terminal: Terminal;
  readonly #effects: AppEffects;
  readonly #order = new RowOrder();
  readonly #events = new EventPane();
  readonly #widgets: Readonly<Record<(typeof REGIONS)[number], LinesWidget>>;
  readonly #graph: GraphWidget;
  #layout: Layout = {};
  #columns: readonly PlacedColumn[] = [];
  #widest: WidestSeen = new Map();
  #top = 0;
  /** The rows on the screen: what a click means, while parts of a batch have moved others into their places. */
  #shown: readonly Row[] = [];
  /** Position of the selected row when it was painted last. */
  #index = -1;
  #moved = false;
  /** What is to be said of the event under the cursor. */
  #note: string | undefined;
  #paintScheduled = false;
  #fadeTimer: NodeJS.Timeout | undefined;
  #usageTimer: NodeJS.Timeout | undefined;
  /** What to add to our clock to get that of the batches. */
  #clockOffsetMs = 0;

  constructor(terminal: Terminal, state: State, effects: AppEffects) {
    this.#terminal = terminal;
    this.#state = state;
    this.#effects = effects;
    const { screen } = terminal;
    this.#graph = new GraphWidget(screen, () => this.#schedulePaint());
    const widgets = REGIONS.map((name) => [name, new LinesWidget(screen)] as const);
    this.#widgets = Object.fromEntries(widgets) as Record<(typeof REGIONS)[number], LinesWidget>;
    screen.on('keypress', (character: string | undefined, key: { full: string; name: string }) => {
      // Blessed tells of the enter key twice, as `return` too.
      if (key.name !== 'return') this.#run(commandOf(this.#context(), key.full, character));
    });
    screen.on('mouse', (event: { action: string; button?: string; x: number; y: number }) =>
      this.#mouse(event),
    );
    screen.on('resize', () => this.paint());
    this.paint();
  }

  /** Takes what happened since the last batch, and paints it; of a batch in parts, once the last one has come. */
  take(batch: Batch): void {
    this.#clockOffsetMs = batch.monotonicMs - this.#effects.nowMs();
    this.#state = reduce(this.#state, { type: 'batch', batch });
    // Part by part, for in one piece it would keep the keys waiting.
    this.#order.update(this.#state);
    if (batch.partial) return;
    this.#askUsage();
    this.paint();
    this.#scheduleFade();
  }

  /** Paints the whole screen anew at the next chance; other calls before it are one with it. */
  #schedulePaint(): void {
    if (this.#paintScheduled) return;
    this.#paintScheduled = true;
    setImmediate(() => {
      this.#paintScheduled = false;
      this.paint();
    });
  }

  /** What the keys move in: the table, but where the event log has the focus, or its place. */
  get #focus(): Focus {
    const { events, table } = this.#layout;
    return events && (this.#state.focus === 'events' || !table) ? 'events' : 'table';
  }

  #context() {
    const focus = this.#focus;
    const { event } = this.#events;
    const ofEvent = event?.type === 'gap' ? undefined : event?.socket;
    return {
      state: this.#state,
      socket: focus === 'events' ? ofEvent : this.#order.at(this.#selectedIndex())?.socket,
      focus,
      columns: this.#columns.map(({ column }) => column.id),
    };
  }

  /**
   * Where the selection stands: on the first row until the user moves it; while its row is filtered away, in the
   * place where it stood.
   */
  #selectedIndex(): number {
    if (this.#state.selectedId === null) return Math.min(0, this.#order.length - 1);
    const index = this.#order.indexOf(this.#state.selectedId);
    return index >= 0 ? index : Math.min(Math.max(0, this.#index), this.#order.length - 1);
  }

  #run(command: Command | undefined): void {
    if (command === undefined) return;
    switch (command.type) {
      case 'quit':
        this.#effects.quit();
        return;
      case 'suspend':
        this.#terminal.suspend();
        return;
      case 'redraw':
        this.#terminal.screen.realloc();
        break;
      case 'move':
        this.#move(command.by, command.unit);
        break;
      case 'focus':
        this.#setFocus(command.focus);
        break;
      case 'jump':
        this.#jump();
        break;
      case 'interval':
        this.#effects.setInterval(command.intervalMs);
        this.#state = reduce(this.#state, command);
        break;
      case 'service-names':
        // Names are wider than numbers, and leave no trace when they go.
        this.#widest = new Map();
        this.#state = reduce(this.#state, command);
        break;
      default:
        this.#state = reduce(this.#state, command);
        if (command.type === 'pane') this.#askUsage();
    }
    this.#schedulePaint();
  }

  #move(by: number, unit: 'row' | 'page' | 'all'): void {
    const { help, table } = this.#layout;
    if (help) {
      const lines = helpLines(KEYS, this.#state, help.width).length;
      const rows = { row: 1, page: help.height - 1, all: lines }[unit] * by;
      this.#state = reduce(this.#state, { type: 'scroll-help', by: rows, lines, height: help.height });
      return;
    }
    if (this.#focus === 'events') {
      const events = { row: 1, page: this.#events.page, all: Infinity }[unit] * by;
      this.#selectEvent(this.#events.numberAfter(events));
      return;
    }
    const rows = { row: 1, page: Math.max(1, (table?.height ?? 1) - 1), all: this.#order.length }[unit] * by;
    this.#select(this.#selectedIndex() + rows);
  }

  #select(index: number): void {
    const row = this.#order.at(Math.max(0, Math.min(index, this.#order.length - 1)));
    if (row) this.#selectRow(row);
  }

  #selectRow(row: Row): void {
    this.#moved = true;
    this.#state = reduce(this.#state, { type: 'select', id: row.id });
    // Not for every row that is passed: pidusage keeps a file open for each process it was asked about of late.
    clearTimeout(this.#usageTimer);
    this.#usageTimer = setTimeout(() => this.#askUsage(), SETTLED_MS);
  }

  #setFocus(focus: Focus): void {
    this.#state = reduce(this.#state, { type: 'focus', focus });
    // Where there is room for one of the two only.
    if (focus === 'table' && this.#layout.events && !this.#layout.table)
      this.#state = reduce(this.#state, { type: 'pane', pane: 'events', open: false });
  }

  #selectEvent(number: number | null): void {
    this.#note = undefined;
    this.#state = reduce(this.#state, { type: 'select-event', number });
  }

  /** From the event under the cursor to its row; where there is none, it is said why. */
  #jump(): void {
    const { number, event } = this.#events;
    if (number === undefined || event === undefined) return;
    const row = event.type === 'gap' ? undefined : this.#order.at(this.#order.indexOf(event.socket.id));
    if (row) {
      this.#selectRow(row);
      this.#setFocus('table');
      return;
    }
    // What is said stays as long as the cursor.
    this.#selectEvent(number);
    this.#note = this.#whyNoRow(event);
  }

  #whyNoRow(event: LogEvent): string {
    if (event.type === 'gap') return 'of sockets that nobody knows';
    const { table, pause } = this.#state;
    const { id } = event.socket;
    const isThere = pause ? pause.rows.some((row) => row.id === id) : table.rows.has(id);
    return isThere ? 'its row does not match the filter any more' : 'its socket has gone';
  }

  #mouse({ action, button, x, y }: { action: string; button?: string; x: number; y: number }): void {
    const { titles, table, events, help } = this.#layout;
    const isIn = (region: Region | undefined): region is Region =>
      region !== undefined &&
      y >= region.top &&
      y < region.top + region.height &&
      x >= region.left &&
      x < region.left + region.width;
    const isWheel = action === 'wheelup' || action === 'wheeldown';
    const isClick = action === 'mousedown' && button === 'left';
    if (!isWheel && (!isClick || help)) return;
    if (isIn(table) || isIn(titles)) this.#setFocus('table');
    if (isWheel) {
      const by = action === 'wheelup' ? -WHEEL_ROWS : WHEEL_ROWS;
      if (isIn(events)) this.#selectEvent(this.#events.scroll(by));
      else this.#move(by, 'row');
      this.#schedulePaint();
      return;
    }
    if (isIn(titles)) {
      const placed = this.#columns.findLast(({ left }) => x >= left);
      if (placed) this.#run(sortBy(placed.column.id));
    } else if (isIn(table)) {
      const row = this.#shown[y - table.top];
      if (row) this.#selectRow(row);
    } else if (isIn(events)) {
      this.#setFocus('events');
      const number = this.#events.numberInLine(y - events.top);
      if (number !== undefined) this.#selectEvent(number);
    }
    this.#schedulePaint();
  }

  /** Asks for the usage of the selected process while the details are open. */
  #askUsage(): void {
    const row = this.#order.at(this.#selectedIndex());
    const pid = row && firstOwner(row.socket).pid;
    if (!this.#state.panes.details || pid === undefined || row?.mark === 'closed') return;
    void this.#effects.usageOf(pid).then((usage) => {
      this.#state = reduce(this.#state, { type: 'usage', usage: usage ?? null });
      this.#schedulePaint();
    });
  }

  #scheduleFade(): void {
    clearTimeout(this.#fadeTimer);
    const { nextFadeMs } = this.#state.table;
    if (nextFadeMs === undefined) return;
    const nowMs = () => this.#effects.nowMs() + this.#clockOffsetMs;
    this.#fadeTimer = setTimeout(
      () => {
        this.#state = reduce(this.#state, { type: 'time', nowMs: nowMs() });
        this.#schedulePaint();
        this.#scheduleFade();
      },
      Math.max(1, Math.ceil(nextFadeMs - nowMs())),
    );
  }

  /** Brings the screen up to date with the state. */
  paint(): void {
    const { screen } = this.#terminal;
    const width = Number(screen.width);
    const height = Number(screen.height);
    this.#order.update(this.#state);
    const { panes, table } = this.#state;
    this.#layout = layout(width, height, panes, table.seen.traffic);
    this.#followSelection();
    const { events } = this.#layout;
    // What a filter leaves of a long log is found in runs, between which keys are heard.
    if (events && !this.#events.update(this.#state, events.height)) this.#schedulePaint();
    this.#placeColumns(this.#layout.table?.width ?? width);
    for (const name of REGIONS) {
      const region = this.#layout[name];
      this.#widgets[name].show(region, region ? this.#lines(name, region) : [], this.#state.palette);
    }
    this.#graph.show(
      this.#layout.graph,
      this.#state.table.history,
      this.#state.nowMs ?? 0,
      this.#state.palette,
    );
    screen.render();
  }

  #placeColumns(width: number): void {
    this.#shown = this.#order.slice(this.#top, this.#top + (this.#layout.table?.height ?? 0));
    noteWidths(this.#widest, this.#shown, cellContext(this.#state));
    this.#columns = placeColumns(width, this.#widest, this.#state.table.seen);
  }

  /** Holds the selection by identity; one whose row is gone for good passes to the row in its place. */
  #followSelection(): void {
    const { selectedId, table, pause } = this.#state;
    const index = this.#selectedIndex();
    if (selectedId !== null && pause === null && !table.rows.has(selectedId)) {
      this.#state = reduce(this.#state, { type: 'select', id: this.#order.at(index)?.id ?? null });
    }
    const { table: region } = this.#layout;
    // Behind a pane that covers it the table stays as it was.
    if (region) {
      this.#top = nextTop({
        top: this.#top,
        height: region.height,
        length: this.#order.length,
        index,
        lastIndex: this.#index,
        moved: this.#moved,
      });
    }
    this.#index = index;
    this.#moved = false;
  }

  #lines(name: RegionName, { width, height }: { width: number; height: number }): readonly Line[] {
    const state = this.#state;
    const inLog = this.#focus === 'events';
    switch (name) {
      case 'header':
        return headerLines(state, width, height);
      case 'filter':
        return [filterLine(state, this.#order.openCount, this.#openTotal(), width)];
      case 'titles':
        return [titleLine(this.#columns, state.sort, this.#layout.events && !inLog ? KEYS_HERE : '')];
      case 'table':
        return tableLines(state, this.#order, this.#columns, this.#top, height, this.#index, !inLog);
      case 'details':
        return detailLines(this.#order.at(this.#index), state, width, height);
      case 'traffic':
        return trafficLines(state, width, height);
      case 'events':
        return this.#events.lines(width, inLog, state.eventNumber === null ? undefined : this.#note);
      case 'help':
        return helpLines(KEYS, state, width).slice(state.helpTop);
      case 'hints':
        return [hintLine(KEYS, width, state.table.seen, this.#layout.events && this.#focus)];
      default:
        return [];
    }
  }

  #openTotal(): number {
    const { pause, table } = this.#state;
    return pause ? pause.open : table.totals.total;
  }
}
