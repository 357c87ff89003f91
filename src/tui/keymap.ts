import { firstOwner, isListening, type Socket } from '../model/socket.ts';
import { NO_FILTER } from '../query/filter.ts';
import { type ColumnId, type Focus, PALETTES, type State } from '../store/state.ts';
import { COLUMNS, presentColumns } from '../view/columns.ts';
import type { KeyHelp } from '../view/help.ts';
import type { Command } from './command.ts';
import { promptCommandOf } from './prompt-keys.ts';

/** What a key may depend on. */
export interface KeyContext {
  readonly state: State;
  /** The socket of the selected row, or that of the event under the cursor where the keys move in the log. */
  readonly socket: Socket | undefined;
  /** What the keys move in. */
  readonly focus: Focus;
  /** Columns on the screen, in their order. */
  readonly columns: readonly ColumnId[];
}

export interface Binding extends KeyHelp {
  /** Names as blessed gives them. */
  readonly keys: readonly string[];
  readonly run: (context: KeyContext) => Command;
}

/** The port that `p` offers: the service's, which is the one that is listened on, or else the lower by custom. */
function portOf({ local, remote }: Socket, { table }: State): number {
  if (remote === null) return local.port;
  const listened = new Set<number>();
  for (const { socket } of table.rows.values()) if (isListening(socket)) listened.add(socket.local.port);
  return [local.port, remote.port].find((port) => listened.has(port)) ?? Math.min(local.port, remote.port);
}

/** Intervals that + and - step through, milliseconds. */
const INTERVALS = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

const longerInterval = (ms: number): number => INTERVALS.find((step) => step > ms) ?? ms;
const shorterInterval = (ms: number): number => INTERVALS.findLast((step) => step < ms) ?? ms;

const nextColumn = ({ state, columns }: KeyContext): ColumnId => {
  const ids = columns.length > 0 ? columns : presentColumns(state.table.seen).map(({ id }) => id);
  return ids[(ids.indexOf(state.sort.column) + 1) % ids.length] ?? 'process';
};

/** Sorting by a column, the way that is wanted of it first. */
export const sortBy = (column: ColumnId): Command => ({
  type: 'sort',
  column,
  ...(COLUMNS.find(({ id }) => id === column)?.descending && { descending: true }),
});

/** The namespace of a row, by which it can be asked for. */
const namespaceOf = ({ netns }: Socket): string => (netns ? (netns.name ?? String(netns.inode)) : '');

const nextPalette = ({ palette }: State) =>
  PALETTES[(PALETTES.indexOf(palette) + 1) % PALETTES.length] ?? 'standard';

/** Leaves what is on top: the help, then the filter, then the panes. */
const escape = ({ state }: KeyContext): Command => {
  if (state.panes.help) return { type: 'pane', pane: 'help', open: false };
  if (Object.keys(state.filter).length > 0) return { type: 'filter', filter: NO_FILTER };
  const open = (['details', 'traffic', 'events', 'graph'] as const).find((pane) => state.panes[pane]);
  return open ? { type: 'pane', pane: open, open: false } : { type: 'filter', filter: NO_FILTER };
};

/** Every key of the table; the help and the hints are made from it. */
export const KEYS: readonly Binding[] = [
  {
    keys: ['p'],
    label: 'p',
    about: 'only this port: asks for one, offering that of the selected row',
    group: 'Filter',
    hint: 'port',
    run: ({ socket, state }) => ({
      type: 'prompt',
      kind: 'port',
      text: socket ? String(portOf(socket, state)) : '',
    }),
  },
  {
    keys: ['S-p'],
    label: 'P',
    about: 'only this process: asks for a name, offering that of the selected row',
    group: 'Filter',
    hint: 'process',
    run: ({ socket }) => ({
      type: 'prompt',
      kind: 'process',
      text: (socket && firstOwner(socket).process) ?? '',
    }),
  },
  {
    keys: ['S-n'],
    label: 'N',
    about: 'only this network namespace: asks for one, offering that of the selected row',
    group: 'Filter',
    run: ({ socket }) => ({ type: 'prompt', kind: 'netns', text: socket ? namespaceOf(socket) : '' }),
  },
  {
    keys: ['/'],
    label: '/',
    about: 'filters while you type: words, each to be found in anything that is shown of a socket',
    group: 'Filter',
    hint: 'filter',
    run: ({ state }) => ({ type: 'prompt', kind: 'text', text: state.filter.text ?? '' }),
  },
  {
    keys: ['l'],
    label: 'l',
    about: 'listening only: TCP listeners and unconnected UDP sockets',
    group: 'Filter',
    hint: 'listening',
    run: () => ({ type: 'toggle-filter', condition: 'listening' }),
  },
  {
    keys: ['t'],
    label: 't',
    about: 'TCP only',
    group: 'Filter',
    run: () => ({ type: 'toggle-filter', condition: 'tcp' }),
  },
  {
    keys: ['u'],
    label: 'u',
    about: 'UDP only',
    group: 'Filter',
    run: () => ({ type: 'toggle-filter', condition: 'udp' }),
  },
  {
    keys: ['escape'],
    label: 'esc',
    about: 'clears the filter; then closes the open panes',
    group: 'Filter',
    run: escape,
  },
  {
    keys: ['space'],
    label: 'space',
    about: 'pauses the picture; sampling goes on and what happens is counted',
    group: 'Picture',
    hint: 'pause',
    run: () => ({ type: 'pause' }),
  },
  {
    keys: ['f'],
    label: 'f',
    about: 'freezes the order of the rows; their values keep updating, new rows come last',
    group: 'Picture',
    run: () => ({ type: 'freeze' }),
  },
  {
    keys: ['s'],
    label: 's',
    about: 'sorts by the next column; a click on a title sorts by that one',
    group: 'Picture',
    hint: 'sort',
    run: (context) => sortBy(nextColumn(context)),
  },
  {
    keys: ['S-s'],
    label: 'S',
    about: 'reverses the sort order',
    group: 'Picture',
    run: () => ({ type: 'reverse-sort' }),
  },
  {
    keys: ['n'],
    label: 'n',
    about: 'service names instead of port numbers, and back',
    group: 'Picture',
    run: () => ({ type: 'service-names' }),
  },
  {
    keys: ['c'],
    label: 'c',
    about: 'colours: standard, for the colour-blind, none',
    group: 'Picture',
    run: ({ state }) => ({ type: 'palette', palette: nextPalette(state) }),
  },
  {
    keys: ['+', '='],
    label: '+',
    about: 'longer interval',
    group: 'Picture',
    run: ({ state }) => ({ type: 'interval', intervalMs: longerInterval(state.intervalMs) }),
  },
  {
    keys: ['-'],
    label: '-',
    about: 'shorter interval',
    group: 'Picture',
    run: ({ state }) => ({ type: 'interval', intervalMs: shorterInterval(state.intervalMs) }),
  },
  {
    keys: ['enter'],
    label: 'enter',
    about: 'details of the selected socket and its program; in the event log: to the row of the event',
    group: 'Panes',
    hint: 'details',
    logHint: { events: 'to its row' },
    run: ({ focus }) => (focus === 'events' ? { type: 'jump' } : { type: 'pane', pane: 'details' }),
  },
  {
    keys: ['e'],
    label: 'e',
    about: 'event log: what opened, changed and closed',
    group: 'Panes',
    hint: 'events',
    run: () => ({ type: 'pane', pane: 'events' }),
  },
  {
    keys: ['tab'],
    label: 'tab',
    about:
      'the keys move in the open event log, and back in the table; there p P N offer what the event has, and end follows the newest',
    group: 'Panes',
    logHint: { table: 'to the events', events: 'to the table' },
    run: ({ focus }) => ({ type: 'focus', focus: focus === 'table' ? 'events' : 'table' }),
  },
  {
    keys: ['i'],
    label: 'i',
    about: 'traffic: interfaces, and the programs that move most',
    group: 'Panes',
    hint: 'traffic',
    hintFor: 'traffic',
    run: () => ({ type: 'pane', pane: 'traffic' }),
  },
  {
    keys: ['g'],
    label: 'g',
    about: 'graph strip: sockets, openings, closings and traffic over the last minutes',
    group: 'Panes',
    hint: 'graph',
    run: () => ({ type: 'pane', pane: 'graph' }),
  },
  {
    keys: ['?', 'f1'],
    label: '?',
    about: 'this help',
    group: 'Panes',
    hint: 'help',
    run: () => ({ type: 'pane', pane: 'help' }),
  },
  {
    keys: ['up', 'k'],
    label: '↑ k',
    about: 'one row up; so does the mouse wheel, and a click selects a row',
    group: 'Move',
    run: () => ({ type: 'move', by: -1, unit: 'row' }),
  },
  {
    keys: ['down', 'j'],
    label: '↓ j',
    about: 'one row down',
    group: 'Move',
    run: () => ({ type: 'move', by: 1, unit: 'row' }),
  },
  {
    keys: ['pageup', 'C-b'],
    label: 'page up',
    about: 'one page up',
    group: 'Move',
    run: () => ({ type: 'move', by: -1, unit: 'page' }),
  },
  {
    keys: ['pagedown', 'C-f'],
    label: 'page down',
    about: 'one page down',
    group: 'Move',
    run: () => ({ type: 'move', by: 1, unit: 'page' }),
  },
  {
    keys: ['home'],
    label: 'home',
    about: 'to the first row',
    group: 'Move',
    run: () => ({ type: 'move', by: -1, unit: 'all' }),
  },
  {
    keys: ['end', 'S-g'],
    label: 'end G',
    about: 'to the last row',
    group: 'Move',
    run: () => ({ type: 'move', by: 1, unit: 'all' }),
  },
  {
    keys: ['C-l'],
    label: 'ctrl-l',
    about: 'paints the screen anew',
    group: 'Program',
    run: () => ({ type: 'redraw' }),
  },
  {
    keys: ['C-z'],
    label: 'ctrl-z',
    about: 'stops netpane; `fg` in the shell continues it',
    group: 'Program',
    run: () => ({ type: 'suspend' }),
  },
  {
    keys: ['q', 'C-c'],
    label: 'q ctrl-c',
    about: 'quits',
    group: 'Program',
    run: () => ({ type: 'quit' }),
  },
];

const BY_KEY = new Map(KEYS.flatMap((binding) => binding.keys.map((key) => [key, binding])));

/**
 * What a key means now.
 * @param name the key as blessed names it: `p`, `S-p` for P, `C-c`, `pageup`
 * @param character what it types, if anything
 */
export const commandOf = (
  context: KeyContext,
  name: string,
  character: string | undefined,
): Command | undefined =>
  context.state.prompt ? promptCommandOf(name, character) : BY_KEY.get(name)?.run(context);
