import type { Batch } from '../model/batch.ts';
import type { Event } from '../model/event.ts';
import { firstOwner, type Socket } from '../model/socket.ts';
import { valuesOf } from '../query/values.ts';
import type { Action } from '../store/actions.ts';
import { pictureOf } from '../store/picture.ts';
import { reduce } from '../store/reduce.ts';
import type { Focus, HostAnswer, Message, State, Usage } from '../store/state.ts';
import { detailLines } from '../view/panes/details.ts';
import { EventPane, KEYS_HERE } from '../view/panes/event-pane.ts';
import type { Item } from '../view/table/groups.ts';
import { headerLines } from '../view/header/header.ts';
import { promptHelp } from '../view/header/prompt-line.ts';
import { filterLine, type Share, shareText } from '../view/header/query-line.ts';
import { helpLines } from '../view/panes/help.ts';
import { hintLine } from '../view/header/hints.ts';
import { type Layout, layout, type Region, type RegionName } from '../view/layout.ts';
import type { Line } from '../view/text/line.ts';
import { listLines } from '../view/panes/list-pane.ts';
import { RowOrder } from '../view/table/order.ts';
import {
  columnsIn,
  noteWidths,
  placeColumns,
  type PlacedColumn,
  type WidestSeen,
} from '../view/table/place.ts';
import { cellContext, cellText, itemText, tableLines, titleLine } from '../view/table/rows.ts';
import { trafficLines } from '../view/panes/traffic.ts';
import { nextTop } from '../view/table/viewport.ts';
import { SilenceWatch } from './silence.ts';
import type { Command } from './command.ts';
import { sortBy } from './keys/display.ts';
import { commandOf, KEYS } from './keymap.ts';
import type { Terminal } from './terminal.ts';
import { GraphWidget } from './widgets/graph.ts';
import { LinesWidget } from './widgets/lines.ts';

/** Effects of the app outside the screen. */
export interface AppEffects {
  readonly quit: () => void;
  readonly setInterval: (intervalMs: number) => void;
  /** Resolves to CPU and memory of a process; undefined if they cannot be read. Never rejects. */
  readonly usageOf: (pid: number) => Promise<Usage | undefined>;
  /** Resolves to the addresses of a host name, or the reason why there are none. Never rejects. */
  readonly resolve: (name: string) => Promise<HostAnswer>;
  /** Copies a text to the clipboard of the terminal. @returns a message about the result */
  readonly copy: (text: string) => Message;
  /** Writes sockets to a file. Never rejects. @returns a message about the result */
  readonly save: (path: string, sockets: readonly Socket[]) => Promise<Message>;
  /** Saves the state that the next start restores. */
  readonly saveState: (state: State) => void;
  /** Milliseconds on a clock that never runs backwards. */
  readonly nowMs: () => number;
  /** Returns a description of the current work of the sampler. */
  readonly samplerActivity: () => string;
}

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
] as const;

const WHEEL_ROWS = 3;

/** Usage is read when the selection has not moved for this time. */
const SETTLED_MS = 150;

/** Layout and contents of a painted screen, to interpret clicks. */
interface Picture {
  readonly layout: Layout;
  readonly columns: readonly PlacedColumn[];
  /** The lines of the table. */
  readonly shown: readonly Item[];
}

/**
 * Calls back after all input that has arrived is read. The event loop reads input between two phases of setImmediate,
 * including input that arrives before the first of them.
 */
const afterInput = (then: () => void): void => void setImmediate(() => setImmediate(then));

/** The live screen: applies batches, keys and mouse to the state, and paints it. */
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
  /** The painted picture: a click means what the user sees, though rows may have moved since. */
  #picture: Picture = { layout: {}, columns: [], shown: [] };
  /** Index of the selected row in the last picture. */
  #index = -1;
  /** The user has moved the selection since the last picture. */
  #hasMoved = false;
  /** Message about the event under the cursor. */
  #note: string | undefined;
  readonly #silence: SilenceWatch;
  #paintScheduled = false;
  #fadeTimer: NodeJS.Timeout | undefined;
  #usageTimer: NodeJS.Timeout | undefined;
  /** Clock of the batches minus the clock of `nowMs`, milliseconds. */
  #clockOffsetMs = 0;

  constructor(terminal: Terminal, state: State, effects: AppEffects) {
    this.#terminal = terminal;
    this.#state = state;
    this.#effects = effects;
    this.#silence = new SilenceWatch(effects.nowMs, (forMs) => {
      this.#reduce({ type: 'silence', silence: { forMs, doing: effects.samplerActivity() } });
      this.#schedulePaint();
    });
    this.#silence.expectBatch(state.pacedIntervalMs);
    const { screen } = terminal;
    this.#graph = new GraphWidget(screen, () => this.#schedulePaint());
    const widgets = REGIONS.map((name) => [name, new LinesWidget(screen)] as const);
    this.#widgets = Object.fromEntries(widgets) as Record<(typeof REGIONS)[number], LinesWidget>;
    screen.on('keypress', (character: string | undefined, key: { full: string; name: string }) => {
      // Blessed reports the enter key twice, also as `return`.
      if (key.name === 'return') return;
      // A key acts on the screen as the keys before it left it, even if all arrive at once. Text in a prompt does not
      // depend on the screen.
      if (this.#paintScheduled && !this.#state.prompt) this.paint();
      this.#run(commandOf(this.#context(), key.full, character));
    });
    screen.on('mouse', (event: { action: string; button?: string; x: number; y: number }) =>
      this.#mouse(event),
    );
    screen.on('resize', () => this.paint());
    this.paint();
  }

  /** The state from which the screen is painted. */
  get state(): State {
    return this.#state;
  }

  /** Applies a batch and schedules a paint; for a batch in parts, after its last part. */
  take(batch: Batch): void {
    this.#clockOffsetMs = batch.monotonicMs - this.#effects.nowMs();
    this.#state = reduce(this.#state, { type: 'batch', batch });
    // After each part: one update for all parts would delay the keys.
    this.#order.update(this.#state);
    this.#silence.noteBatch(this.#state.pacedIntervalMs);
    if (batch.partial) return;
    this.#readUsage();
    this.#schedulePaint();
    this.#scheduleFade();
  }

  /**
   * Schedules one paint for all calls until then. Input that has arrived is read first: it means the current picture.
   */
  #schedulePaint(): void {
    if (this.#paintScheduled) return;
    this.#paintScheduled = true;
    afterInput(() => {
      this.#paintScheduled = false;
      this.paint();
    });
  }

  /** The pane in which keys move: the table, or the event log if it has the focus or covers the table. */
  get #focus(): Focus {
    const { events, table } = this.#layout;
    return events && (this.#state.focus === 'events' || !table) ? 'events' : 'table';
  }

  #context() {
    const focus = this.#focus;
    const { event } = this.#events;
    const eventSocket = event?.type === 'gap' ? undefined : event?.socket;
    const item = focus === 'events' ? undefined : this.#order.at(this.#selectedIndex());
    return {
      state: this.#state,
      item,
      socket: focus === 'events' ? eventSocket : item?.type === 'row' ? item.row.socket : undefined,
      focus,
      columns: this.#columns,
      groupId: item && (item.type === 'group' ? item.id : this.#order.headerOf(item.id)),
    };
  }

  /**
   * Returns the index of the selection. It is on the first row until the user moves it, on the group header while its
   * row is folded, and at the last index of its row while the query hides the row.
   */
  #selectedIndex(): number {
    const { selectedId } = this.#state;
    if (selectedId === null) return Math.min(0, this.#order.length - 1);
    const shown = this.#order.indexOf(selectedId);
    const header = shown < 0 ? this.#order.headerOf(selectedId) : undefined;
    const index = header === undefined ? shown : this.#order.indexOf(header);
    return index >= 0 ? index : Math.min(Math.max(0, this.#index), this.#order.length - 1);
  }

  #run(command: Command | undefined): void {
    if (command === undefined) return;
    // The next key removes the message.
    if (this.#state.message) this.#reduce({ type: 'message', message: null });
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
        this.#jumpToRow();
        break;
      case 'interval':
        this.#effects.setInterval(command.intervalMs);
        this.#state = reduce(this.#state, command);
        this.#silence.expectBatch(command.intervalMs);
        break;
      case 'service-names':
        // Names are wider than numbers: columns may become narrower again.
        this.#widest = new Map();
        this.#state = reduce(this.#state, command);
        break;
      case 'complete-prompt':
        this.#reduce({
          type: 'complete',
          by: command.by,
          values: () => valuesOf({ [Symbol.iterator]: () => this.#sockets() }),
        });
        break;
      case 'copy':
        this.#copy(command.what);
        break;
      case 'accept-prompt':
        this.#accept();
        break;
      case 'hide':
        this.#hide(command);
        break;
      default:
        this.#reduce(command);
        if (command.type === 'pane') this.#readUsage();
        if (command.type === 'remove-line') this.#effects.saveState(this.#state);
    }
    this.#resolveHosts();
    this.#schedulePaint();
  }

  #reduce(action: Action): void {
    this.#state = reduce(this.#state, action);
  }

  /** Yields every socket of the table. */
  *#sockets(): Generator<Socket> {
    for (const { socket } of this.#state.table.rows.values()) yield socket;
  }

  #copy(what: 'row' | 'cell'): void {
    const item = this.#order.at(this.#selectedIndex());
    const text =
      what === 'row'
        ? item && itemText(item, this.#columns, cellContext(this.#state))
        : item?.type === 'row'
          ? cellText(item.row, this.#state.cell, cellContext(this.#state))
          : undefined;
    const message: Message =
      text === undefined ? { text: 'nothing to copy', isError: false } : this.#effects.copy(text);
    this.#reduce({ type: 'message', message });
  }

  #accept(): void {
    const { prompt } = this.#state;
    this.#reduce({ type: 'accept-prompt' });
    this.#resolveHosts(true);
    const path = prompt?.text.trim() ?? '';
    if (prompt?.kind === 'view') this.#effects.saveState(this.#state);
    if (prompt?.kind !== 'save' || path === '') return;
    // Closed sockets are not saved: the formats have no field for it.
    const open = this.#order.rows().filter(({ mark }) => mark !== 'closed');
    const sockets = open.map(({ socket }) => socket);
    void this.#effects.save(path, sockets).then((message) => this.say(message));
  }

  /** Shows a message until the next key. */
  say(message: Message): void {
    this.#reduce({ type: 'message', message });
    this.#schedulePaint();
  }

  #hide(command: Action & { type: 'hide' }): void {
    this.#reduce(command);
    const { process, remote, port } = command.rule;
    const peer = remote === '*' ? '' : ` with ${remote}`;
    this.#reduce({
      type: 'message',
      message: {
        text: `${process}${peer} port ${port}: hidden for good; H lists what is hidden`,
        isError: false,
      },
    });
    // An error while saving replaces this message.
    this.#effects.saveState(this.#state);
  }

  /**
   * Resolves the host names of the query, each once, after the prompt is closed.
   * @param again also retries names that could not be resolved
   */
  #resolveHosts(again = false): void {
    const { query, hosts, prompt } = this.#state;
    if (prompt) return;
    for (const name of query.hosts) {
      const answer = hosts.get(name);
      if (answer !== undefined && !(again && answer.type === 'failed')) continue;
      this.#reduce({ type: 'host', name, answer: { type: 'pending' } });
      void this.#effects.resolve(name).then((answer) => {
        this.#reduce({ type: 'host', name, answer });
        this.#schedulePaint();
      });
    }
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
    const item = this.#order.at(Math.max(0, Math.min(index, this.#order.length - 1)));
    if (item) this.#selectItem(item);
  }

  #selectItem({ id }: { readonly id: string }): void {
    this.#hasMoved = true;
    this.#state = reduce(this.#state, { type: 'select', id });
    // Not for every row on the way: pidusage keeps a file open for each process read recently.
    clearTimeout(this.#usageTimer);
    this.#usageTimer = setTimeout(() => this.#readUsage(), SETTLED_MS);
  }

  #setFocus(focus: Focus): void {
    this.#state = reduce(this.#state, { type: 'focus', focus });
    // There is only room for one of the two.
    if (focus === 'table' && this.#layout.events && !this.#layout.table)
      this.#state = reduce(this.#state, { type: 'pane', pane: 'events', open: false });
  }

  #selectEvent(number: number | null): void {
    this.#note = undefined;
    this.#state = reduce(this.#state, { type: 'select-event', number });
  }

  /** Selects the row of the event under the cursor, or shows why it has none. */
  #jumpToRow(): void {
    const { number, event } = this.#events;
    if (number === undefined || event === undefined) return;
    const row = event.type === 'gap' ? undefined : this.#order.rowAt(this.#order.indexOf(event.socket.id));
    if (row) {
      this.#selectItem(row);
      this.#setFocus('table');
      return;
    }
    // The note stays until the cursor moves.
    this.#selectEvent(number);
    this.#note = this.#noRowText(event);
  }

  /** Returns the reason why the event has no row to jump to. */
  #noRowText(event: Event): string {
    if (event.type === 'gap') return 'a gap has no row: its sockets are not known';
    const hasRow = pictureOf(this.#state).rows.has(event.socket.id);
    return hasRow ? 'its row is hidden by the query, a folded group or a hide rule' : 'its socket is gone';
  }

  #mouse({ action, button, x, y }: { action: string; button?: string; x: number; y: number }): void {
    const { columns, shown } = this.#picture;
    const { titles, table, events, help } = this.#picture.layout;
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
      const placed = columns.findLast(({ left }) => x >= left);
      if (placed) this.#run(sortBy(placed.column.id));
    } else if (isIn(table)) {
      this.#clickItem(
        shown[y - table.top],
        columns.findLast(({ left }) => x >= left),
      );
    } else if (isIn(events)) {
      this.#setFocus('events');
      const number = this.#events.numberInLine(y - events.top);
      if (number !== undefined) this.#selectEvent(number);
    }
    this.#schedulePaint();
  }

  /** Selects the clicked row and cell, or folds a selected group whose header is clicked. */
  #clickItem(item: Item | undefined, placed: PlacedColumn | undefined): void {
    if (item === undefined) return;
    if (item.type === 'group' && item.id === this.#state.selectedId)
      this.#reduce({ type: 'fold', id: item.id });
    this.#selectItem(item);
    if (item.type === 'row' && placed) this.#reduce({ type: 'cell', column: placed.column.id });
  }

  /** Reads CPU and memory of the selected process while the details are open. */
  #readUsage(): void {
    const row = this.#order.rowAt(this.#selectedIndex());
    const pid = row && firstOwner(row.socket).pid;
    if (!this.#state.panes.details || pid === undefined || row?.mark === 'closed') return;
    void this.#effects.usageOf(pid).then((usage) => {
      this.#state = reduce(this.#state, { type: 'usage', usage: usage ?? null });
      this.#schedulePaint();
    });
  }

  /** Schedules the moment at which the next mark fades. */
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

  /** Paints the state. */
  paint(): void {
    const { screen } = this.#terminal;
    const width = Number(screen.width);
    const height = Number(screen.height);
    this.#order.update(this.#state);
    const { panes, table } = this.#state;
    this.#layout = layout(width, height, { ...panes, list: this.#state.list !== null }, table.seen.traffic);
    this.#followSelection();
    const { events } = this.#layout;
    // A long log is filtered in several runs, so that keys are handled between them.
    if (events && !this.#events.update(this.#state, events.height)) this.#schedulePaint();
    const shown = this.#order.slice(this.#top, this.#top + (this.#layout.table?.height ?? 0));
    this.#placeColumns(this.#layout.table?.width ?? width, shown);
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
    const picture = { layout: this.#layout, columns: this.#columns, shown };
    // A click that arrived during this paint is read first: it means the previous picture.
    afterInput(() => {
      this.#picture = picture;
    });
  }

  #placeColumns(width: number, shown: readonly Item[]): void {
    const { columns, table } = this.#state;
    const rows = shown.flatMap((item) => (item.type === 'row' ? [item.row] : []));
    noteWidths(this.#widest, rows, cellContext(this.#state), columnsIn(width, table.seen, columns));
    this.#columns = placeColumns(width, this.#widest, table.seen, columns);
  }

  /** Keeps the selection on its row. If the row was removed, selects the row at its index. */
  #followSelection(): void {
    const { selectedId, table, pause } = this.#state;
    const index = this.#selectedIndex();
    const isGone = selectedId !== null && this.#order.indexOf(selectedId) < 0 && !table.rows.has(selectedId);
    if (isGone && pause === null) {
      this.#state = reduce(this.#state, { type: 'select', id: this.#order.at(index)?.id ?? null });
    }
    const { table: region } = this.#layout;
    // The table keeps its position while a pane covers it.
    if (region) {
      this.#top = nextTop({
        top: this.#top,
        height: region.height,
        length: this.#order.length,
        index,
        lastIndex: this.#index,
        moved: this.#hasMoved,
      });
    }
    this.#index = index;
    this.#hasMoved = false;
  }

  #lines(name: RegionName, { width, height }: { width: number; height: number }): readonly Line[] {
    const state = this.#state;
    const inLog = this.#focus === 'events';
    switch (name) {
      case 'header':
        return headerLines(state, width, height);
      case 'filter':
        return [filterLine(state, this.#share(), width)];
      case 'titles':
        return [
          promptHelp(state, shareText(this.#share()), width) ??
            titleLine(this.#columns, state, this.#layout.events && !inLog ? KEYS_HERE : ''),
        ];
      case 'table':
        return tableLines(
          state,
          this.#order,
          this.#columns,
          this.#top,
          height,
          this.#index,
          !inLog && state.list === null,
        );
      case 'details':
        return detailLines(this.#order.rowAt(this.#index), state, width, height);
      case 'traffic':
        return trafficLines(state, width, height);
      case 'events':
        return this.#events.lines(width, inLog, state.eventNumber === null ? undefined : this.#note);
      case 'list':
        return listLines(state, this.#columns, width, height);
      case 'help':
        return helpLines(KEYS, state, width).slice(state.helpTop);
      case 'hints':
        return [hintLine(KEYS, state, width, this.#layout.events && this.#focus)];
      default:
        return [];
    }
  }

  #share(): Share {
    const { openCount, hiddenCount } = this.#order;
    const { open: total } = pictureOf(this.#state);
    const tooSlow = this.#order.tooSlow ?? this.#events.tooSlow;
    return { shown: openCount, hidden: hiddenCount, total, tooSlow };
  }
}
