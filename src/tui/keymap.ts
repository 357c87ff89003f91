import { portOrProtocolText } from '../model/services.ts';
import { firstOwner } from '../model/socket.ts';
import { EVERYTHING } from '../query/query.ts';
import { hideRuleOf, servicePort } from '../store/hide-rules.ts';
import { type ColumnId, GROUPS, PALETTES, type State } from '../store/state.ts';
import type { Row } from '../store/table.ts';
import { viewsOf } from '../store/views.ts';
import { COLUMNS, presentColumns } from '../view/columns.ts';
import type { KeyHelp } from '../view/help.ts';
import { namespaceName, termOfCell, termOfGroup } from '../view/terms.ts';
import type { Command } from './command.ts';
import type { KeyContext } from './key-context.ts';
import { listCommandOf } from './list-keys.ts';
import { promptCommandOf } from './prompt-keys.ts';

export interface Binding extends KeyHelp {
  /** Names as blessed gives them. */
  readonly keys: readonly string[];
  /** @param name the key that was pressed, one of `keys` */
  readonly run: (context: KeyContext, name: string) => Command;
}

const rowOf = ({ item }: KeyContext): Row | undefined => (item?.type === 'row' ? item.row : undefined);

/** Shows a message, such as why a key does nothing. */
const say = (text: string): Command => ({ type: 'message', message: { text, isError: false } });

/** Intervals that + and - step through, milliseconds. */
const INTERVALS = [100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

const longerInterval = (ms: number): number => INTERVALS.find((step) => step > ms) ?? ms;
const shorterInterval = (ms: number): number => INTERVALS.findLast((step) => step < ms) ?? ms;

const nextColumn = ({ state, columns }: KeyContext): ColumnId => {
  const placed = columns.map(({ column }) => column.id);
  const ids = placed.length > 0 ? placed : presentColumns(state.table.seen).map(({ id }) => id);
  return ids[(ids.indexOf(state.sort.column) + 1) % ids.length] ?? 'process';
};

/** Sorts by a column, first in its default order. */
export const sortBy = (column: ColumnId): Command => ({
  type: 'sort',
  column,
  ...(COLUMNS.find(({ id }) => id === column)?.descending && { descending: true }),
});

const nextGroup = ({ group }: State) => GROUPS[group === null ? 0 : GROUPS.indexOf(group) + 1] ?? null;

/** Excludes rows like the selection: of the same group, the value of the chosen cell, or the program. */
function exclude(context: KeyContext): Command {
  const { state, item } = context;
  const row = rowOf(context);
  const term =
    item?.type === 'group' && state.group
      ? termOfGroup(item.first, state.group)
      : row && termOfCell(state.cell, row);
  return term === undefined
    ? say('cannot exclude this cell: select another with the right arrow key')
    : { type: 'add-term', term: `!${term}` };
}

/** Hides connections of the selected program with its peer at this port for good. */
function hide(context: KeyContext): Command {
  const row = rowOf(context);
  return row
    ? { type: 'hide', rule: hideRuleOf(row.socket, row.direction) }
    : say('no row selected: h hides the program and remote of the selected row');
}

/** Chooses the cell to the left or right. */
function nextCell({ state, columns }: KeyContext, by: 1 | -1): Command {
  const ids = columns.map(({ column }) => column.id);
  const at = state.cell === null ? -1 : ids.indexOf(state.cell);
  const next = at < 0 ? (by === 1 ? 0 : ids.length - 1) : Math.max(0, Math.min(ids.length - 1, at + by));
  return { type: 'cell', column: ids[next] ?? null };
}

const cellLeft = (context: KeyContext): Command => nextCell(context, -1);
const cellRight = (context: KeyContext): Command => nextCell(context, 1);

/** Keys that switch to a view by its number. */
const VIEW_KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

function viewAt(state: State, number: number): Command {
  const view = viewsOf(state)[number - 1];
  return view
    ? { type: 'apply-view', view }
    : say(`no view ${number}: v lists the views and saves the current one`);
}

const nextPalette = ({ palette }: State) =>
  PALETTES[(PALETTES.indexOf(palette) + 1) % PALETTES.length] ?? 'standard';

/** Closes the help, else clears the chosen cell, else the query, else closes a pane. */
const escape = ({ state }: KeyContext): Command => {
  if (state.panes.help) return { type: 'pane', pane: 'help', open: false };
  if (state.cell !== null) return { type: 'cell', column: null };
  if (state.query.text !== '') return { type: 'query', query: EVERYTHING };
  const open = (['details', 'traffic', 'events', 'graph'] as const).find((pane) => state.panes[pane]);
  return open ? { type: 'pane', pane: open, open: false } : { type: 'query', query: EVERYTHING };
};

const UNGROUPED = 'not grouped: press o';

const fold = ({ groupId }: KeyContext): Command =>
  groupId === undefined ? say(UNGROUPED) : { type: 'fold', id: groupId };

/** Returns the default name of a file to save to: `netpane-2026-11-29T120000.csv`. */
const fileName = (atMs: number): string =>
  `netpane-${new Date(atMs).toISOString().slice(0, 19).replaceAll(':', '')}.csv`;

/** Every key outside prompts and lists. The help and the hints show it. */
export const KEYS: readonly Binding[] = [
  {
    keys: ['p'],
    label: 'p',
    about: 'filter by port (default: selected row)',
    group: 'Filter',
    hint: 'port',
    run: (context) => ({
      type: 'prompt',
      kind: 'port',
      text: context.socket
        ? portOrProtocolText(servicePort(context.socket, rowOf(context)?.direction), context.socket.protocol)
        : '',
    }),
  },
  {
    keys: ['S-p'],
    label: 'P',
    about: 'filter by process (default: selected row)',
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
    about: 'filter by network namespace (default: selected row)',
    group: 'Filter',
    run: ({ socket }) => ({ type: 'prompt', kind: 'netns', text: socket ? namespaceName(socket) : '' }),
  },
  {
    keys: ['/'],
    label: '/',
    about:
      'edit the query, which filters while you type: see QUERY below; tab completes, up and down recall history',
    group: 'Filter',
    hint: 'filter',
    run: ({ state }) => ({
      type: 'prompt',
      kind: 'query',
      text: state.query.text === '' ? '' : `${state.query.text} `,
    }),
  },
  {
    keys: ['l'],
    label: 'l',
    about: 'only listeners: TCP listeners and unconnected UDP sockets',
    group: 'Filter',
    hint: 'listening',
    run: () => ({ type: 'toggle-term', term: 'listen', instead: ['established'] }),
  },
  {
    keys: ['t'],
    label: 't',
    about: 'only TCP',
    group: 'Filter',
    run: () => ({ type: 'toggle-term', term: 'proto:tcp', instead: ['proto:udp'] }),
  },
  {
    keys: ['u'],
    label: 'u',
    about: 'only UDP',
    group: 'Filter',
    run: () => ({ type: 'toggle-term', term: 'proto:udp', instead: ['proto:tcp'] }),
  },
  {
    keys: ['x'],
    label: 'x',
    about: 'exclude this program, cell or group',
    group: 'Filter',
    hint: 'exclude',
    run: exclude,
  },
  {
    keys: ['b'],
    label: 'b',
    about: 'show only sockets that open from now on',
    group: 'Filter',
    hint: 'only new',
    run: () => ({ type: 'baseline' }),
  },
  {
    keys: ['h'],
    label: 'h',
    about: 'hide this program and remote for good; H lists what is hidden',
    group: 'Filter',
    run: hide,
  },
  {
    keys: ['S-h'],
    label: 'H',
    about: 'list what h has hidden, to unhide it',
    group: 'Filter',
    run: () => ({ type: 'list', list: { kind: 'hide-rules', at: 0 } }),
  },
  {
    keys: ['escape'],
    label: 'esc',
    about: 'clear the query, then close the open panes',
    group: 'Filter',
    run: escape,
  },
  {
    keys: VIEW_KEYS,
    label: '1 to 9',
    about: 'open a view: 1 all, 2 listening, 3 established; v lists all of them',
    group: 'Views',
    run: ({ state }, name) => viewAt(state, Number(name)),
  },
  {
    keys: ['v'],
    label: 'v',
    about:
      'list the views (a view is a named query with columns, sort and grouping); a saves the current one',
    group: 'Views',
    hint: 'views',
    run: () => ({ type: 'list', list: { kind: 'views', at: 0 } }),
  },
  {
    keys: ['o'],
    label: 'o',
    about: 'group by process, remote host, port, user, namespace or none',
    group: 'Views',
    hint: 'group',
    run: ({ state }) => ({ type: 'group', group: nextGroup(state) }),
  },
  {
    keys: ['z'],
    label: 'z',
    about: 'fold or unfold the selected group; enter on its header does the same',
    group: 'Views',
    run: fold,
  },
  {
    keys: ['S-z'],
    label: 'Z',
    about: 'fold or unfold all groups',
    group: 'Views',
    run: ({ state }) => (state.group ? { type: 'fold-all' } : say(UNGROUPED)),
  },
  {
    keys: ['S-c'],
    label: 'C',
    about: 'choose columns, their order and width',
    group: 'Views',
    run: ({ columns: [first] }) => ({
      type: 'list',
      list: { kind: 'columns', cursor: first?.column.id ?? 'process' },
    }),
  },
  {
    keys: ['space'],
    label: 'space',
    about: 'pause the screen; polling goes on and changes are counted',
    group: 'Display',
    hint: 'pause',
    run: () => ({ type: 'pause' }),
  },
  {
    keys: ['f'],
    label: 'f',
    about: 'freeze the order of the rows; values keep updating, new rows come last',
    group: 'Display',
    run: () => ({ type: 'freeze' }),
  },
  {
    keys: ['s'],
    label: 's',
    about: 'sort by the next column; a click on a title sorts by that column',
    group: 'Display',
    hint: 'sort',
    run: (context) => sortBy(nextColumn(context)),
  },
  {
    keys: ['S-s'],
    label: 'S',
    about: 'reverse the sort order',
    group: 'Display',
    run: () => ({ type: 'reverse-sort' }),
  },
  {
    keys: ['n'],
    label: 'n',
    about: 'switch between port numbers and service names',
    group: 'Display',
    run: () => ({ type: 'service-names' }),
  },
  {
    keys: ['c'],
    label: 'c',
    about: 'next colour theme: standard, high contrast, for the colour-blind, none',
    group: 'Display',
    run: ({ state }) => ({ type: 'palette', palette: nextPalette(state) }),
  },
  {
    keys: ['+', '='],
    label: '+',
    about: 'longer refresh interval',
    group: 'Display',
    run: ({ state }) => ({ type: 'interval', intervalMs: longerInterval(state.intervalMs) }),
  },
  {
    keys: ['-'],
    label: '-',
    about: 'shorter refresh interval',
    group: 'Display',
    run: ({ state }) => ({ type: 'interval', intervalMs: shorterInterval(state.intervalMs) }),
  },
  {
    keys: ['enter'],
    label: 'enter',
    about: 'details of the selected socket and its program; in the event log: go to the row of the event',
    group: 'Panes',
    hint: 'details',
    logHint: { events: 'go to row' },
    run: (context) =>
      context.focus === 'events'
        ? { type: 'jump' }
        : context.item?.type === 'group'
          ? fold(context)
          : { type: 'pane', pane: 'details' },
  },
  {
    keys: ['e'],
    label: 'e',
    about: 'event log: sockets that opened, changed and closed',
    group: 'Panes',
    hint: 'events',
    run: () => ({ type: 'pane', pane: 'events' }),
  },
  {
    keys: ['tab'],
    label: 'tab',
    about:
      'switch between the table and the event log; in the log, p P N default to the event and end follows the newest',
    group: 'Panes',
    logHint: { table: 'event log', events: 'table' },
    run: ({ focus }) => ({ type: 'focus', focus: focus === 'table' ? 'events' : 'table' }),
  },
  {
    keys: ['i'],
    label: 'i',
    about: 'traffic: interfaces, and the programs with the most traffic',
    group: 'Panes',
    hint: 'traffic',
    hintFor: 'traffic',
    run: () => ({ type: 'pane', pane: 'traffic' }),
  },
  {
    keys: ['g'],
    label: 'g',
    about: 'graphs: sockets, opens, closes and traffic over the last minutes',
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
    label: 'up k',
    about: 'one row up; the mouse wheel scrolls, a click selects a row',
    group: 'Move',
    run: () => ({ type: 'move', by: -1, unit: 'row' }),
  },
  {
    keys: ['down', 'j'],
    label: 'down j',
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
    about: 'first row',
    group: 'Move',
    run: () => ({ type: 'move', by: -1, unit: 'all' }),
  },
  {
    keys: ['end', 'S-g'],
    label: 'end G',
    about: 'last row',
    group: 'Move',
    run: () => ({ type: 'move', by: 1, unit: 'all' }),
  },
  {
    keys: ['left'],
    label: 'left',
    about: 'select the cell to the left, for Y and x',
    group: 'Copy',
    run: cellLeft,
  },
  {
    keys: ['right'],
    label: 'right',
    about: 'select the cell to the right; a click on a cell selects it',
    group: 'Copy',
    run: cellRight,
  },
  {
    keys: ['y'],
    label: 'y',
    about: 'copy the selected row to the clipboard, also over ssh and in tmux (OSC 52)',
    group: 'Copy',
    run: () => ({ type: 'copy', what: 'row' }),
  },
  {
    keys: ['S-y'],
    label: 'Y',
    about: 'copy the selected cell; without one, the remote endpoint, or the local one of a listener',
    group: 'Copy',
    run: () => ({ type: 'copy', what: 'cell' }),
  },
  {
    keys: ['w'],
    label: 'w',
    about: 'save the shown sockets to a file: .csv or .json',
    group: 'Copy',
    run: ({ state }) => ({ type: 'prompt', kind: 'save', text: fileName(state.takenAtMs) }),
  },
  {
    keys: ['C-l'],
    label: 'ctrl-l',
    about: 'redraw',
    group: 'Program',
    run: () => ({ type: 'redraw' }),
  },
  {
    keys: ['C-z'],
    label: 'ctrl-z',
    about: 'suspend netpane; `fg` in the shell resumes it',
    group: 'Program',
    run: () => ({ type: 'suspend' }),
  },
  {
    keys: ['q', 'C-c'],
    label: 'q ctrl-c',
    about: 'quit',
    group: 'Program',
    run: () => ({ type: 'quit' }),
  },
];

const BY_KEY = new Map(KEYS.flatMap((binding) => binding.keys.map((key) => [key, binding])));

/**
 * Returns the command of a key in the current state; undefined if the key does nothing.
 * @param name the key as blessed names it: `p`, `S-p` for P, `C-c`, `pageup`
 * @param character the text that the key types, if any
 */
export function commandOf(
  context: KeyContext,
  name: string,
  character: string | undefined,
): Command | undefined {
  if (context.state.prompt) return promptCommandOf(name, character);
  const inList = context.state.list && listCommandOf(context, context.state.list, name);
  return inList ?? BY_KEY.get(name)?.run(context, name);
}
