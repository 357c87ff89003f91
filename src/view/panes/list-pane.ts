import type { Hint } from '../../store/prompts.ts';
import type { Action } from '../../store/actions.ts';
import type { PaneRow, Scene } from './pane.ts';
import { type Guard, type SignalName, SIGNALS } from '../../model/process.ts';
import { counted, printable } from '../../model/text.ts';
import { scopeText } from '../../store/process-actions.ts';
import type { HideRule } from '../../store/hide-rules.ts';
import type { ColumnId, Sort } from '../../store/columns.ts';
import type { List, OpenProcess, State, View } from '../../store/state.ts';
import { DEFAULT_SORT, isBuiltIn, viewsOf } from '../../store/views.ts';
import { firstKey, type KeyHelp, keyText } from '../header/key-help.ts';
import {
  columnAfter,
  type ColumnPane,
  columnPaneLines,
  columnPart,
  cursorIndex,
  startingChoices,
} from './column-pane.ts';
import { columnOf } from '../columns/columns.ts';
import { paneTitle } from './events.ts';
import { GROUPINGS } from '../table/grouping.ts';
import { type Line, line, span } from '../text/line.ts';
import { around, type Part, withPosition } from '../text/position.ts';
import type { PlacedColumn } from '../table/place.ts';
import { cutEnd, fit, inLines } from '../text/width.ts';

interface ListText {
  readonly length: (state: State) => number;
  readonly title: (keys: readonly KeyHelp[], state: State) => string;
  readonly note: (state: State) => string;
  readonly empty: (keys: readonly KeyHelp[]) => string;
  readonly lines: (state: State, width: number, keys: readonly KeyHelp[]) => readonly string[];
}

const NAME_WIDTH = 16;
const PORT_WIDTH = 5;

/** Returns the sort column and direction; undefined for the default sort. */
function sortText({ column, descending }: Sort): string | undefined {
  if (column === DEFAULT_SORT.column && descending === DEFAULT_SORT.descending) return undefined;
  const { title, label = title } = columnOf(column) ?? { title: column };
  return `sorted by ${label}${descending ? '▾' : '▴'}`;
}

function viewText(view: View, key: string): string {
  const { name, query, sort, group, columns } = view;
  const extras = [
    sort && sortText(sort),
    group && `by ${GROUPINGS[group].name}`,
    columns && `${columns.length} columns`,
  ].filter((it) => it !== undefined);
  const what = [query === '' ? 'all sockets' : printable(query), ...extras].join(' · ');
  return `${key.padEnd(1)} ${fit(printable(name), NAME_WIDTH)} ${what}${isBuiltIn(name) ? '' : '  (saved)'}`;
}

const ruleLine = ({ process, remote, port }: HideRule): string =>
  `${fit(printable(process), NAME_WIDTH)} port ${String(port).padEnd(PORT_WIDTH)}  ${remote === '*' ? 'no peer' : printable(remote)}`;

const LISTS: Readonly<Record<Exclude<List['kind'], 'columns'>, ListText>> = {
  views: {
    length: (state) => viewsOf(state).length,
    title: (keys) => {
      const label = keys.find(({ id }) => id === 'view-by-number')?.label ?? '';
      return label === '' ? 'VIEWS' : `VIEWS (keys ${label})`;
    },
    note: () => '',
    empty: () => '',
    lines: (state, _, keys) => {
      const numbers = keys.find(({ id }) => id === 'view-by-number')?.keys ?? [];
      return viewsOf(state).map((view, i) => viewText(view, numbers[i] ?? ''));
    },
  },
  'hide-rules': {
    length: ({ hideRules }) => hideRules.length,
    title: () => 'HIDDEN BY YOU',
    note: ({ hideRules }) => counted(hideRules.length, 'rule'),
    empty: (keys) =>
      `nothing hidden: ${keyText(keys, 'hide')} hides the program and remote of the selected row`,
    lines: ({ hideRules }) => hideRules.map(ruleLine),
  },
  signals: {
    length: () => SIGNALS.length,
    title: (_, { process }) =>
      process ? `SIGNAL TO ${printable(scopeText(process.facts, process.scope))}` : 'SIGNAL',
    note: ({ process }) => {
      const guard = process?.sent ? undefined : process?.facts.guard;
      return guard ? GUARDS[guard] : process ? processNote(process) : '';
    },
    empty: () => '',
    lines: () => SIGNALS.map((name) => `${name.padEnd(5)} ${SIGNAL_ABOUTS[name]}`),
  },
};

const SIGNAL_ABOUTS: Readonly<Record<SignalName, string>> = {
  TERM: 'ask it to end; it can save its work first',
  KILL: 'end it at once; it cannot save its work',
  INT: 'interrupt it, as ctrl-c does',
  HUP: 'its terminal is gone; services read their configuration again',
  QUIT: 'end it with a core dump',
  USR1: 'the program decides',
  USR2: 'the program decides',
  STOP: 'pause it',
  CONT: 'let it go on after STOP',
};

/** Returns a note about the process for the list of signals: the result of the last signal, else facts of the process. */
function processNote({ facts, sockets, sent }: OpenProcess): string {
  if (sent) return printable(sent.text);
  const { user, directory, children, unit } = facts;
  return [
    counted(sockets, 'socket'),
    ...(children > 0 ? [counted(children, 'child', 'children')] : []),
    ...(user === undefined ? [] : [`user ${printable(user)}`]),
    ...(unit ? [printable(unit.name)] : []),
    ...(directory === undefined ? [] : [printable(directory)]),
  ].join(' · ');
}

const GUARDS: Readonly<Record<Guard, string>> = {
  init: 'the first process of this machine: everything ends with it',
  netpane: 'netpane itself',
  kernel: 'a thread of the kernel',
};

/** The parts of a scene that decide which lines of a list are visible. */
type ListScene = Pick<Scene, 'state' | 'columns'>;

const columnPaneOf = ({ state, columns }: ListScene, cursor: ColumnId): ColumnPane => ({
  choices: startingChoices(state.columns, columns),
  cursor,
});

/** Returns the lines of an open list that are visible. @param height lines of the pane */
function visiblePart(scene: ListScene, list: List, height: number): Part {
  const { top = 0 } = list;
  if (list.kind === 'columns') return columnPart(columnPaneOf(scene, list.cursor), height, top);
  const length = LISTS[list.kind].length(scene.state);
  return around({ top, height: Math.max(0, height - 1), length }, list.at);
}

/** Returns the lines of the open list with its cursor; none if no list is open. */
export function listLines(
  state: State,
  keys: readonly KeyHelp[],
  columns: readonly PlacedColumn[],
  width: number,
  height: number,
): readonly Line[] {
  const { list } = state;
  if (list === null) return [];
  const scene = { state, columns };
  if (list.kind === 'columns')
    return columnPaneLines(columnPaneOf(scene, list.cursor), width, height, list.top);
  const { title, note, empty, lines } = LISTS[list.kind];
  const texts = lines(state, width, keys);
  const part = visiblePart(scene, list, height);
  const head = paneTitle(title(keys, state), withPosition(part, note(state)), width);
  if (texts.length === 0)
    return [head, ...inLines(empty(keys), width - 2).map((text) => line(span(`  ${text}`, 'quiet')))];
  return [
    head,
    ...texts.slice(part.top, part.top + part.height).map((text, i): Line => ({
      spans: [span(cutEnd(`  ${text}`, width))],
      selected: part.top + i === list.at,
    })),
  ];
}

/** Returns the action that moves the cursor of a list by lines, and scrolls as little as needed. */
export function moveInList(scene: Scene, list: List, by: number): Action {
  const moved: List =
    list.kind === 'columns'
      ? { ...list, cursor: columnAfter(columnPaneOf(scene, list.cursor), by) }
      : { ...list, at: Math.max(0, Math.min(LISTS[list.kind].length(scene.state) - 1, list.at + by)) };
  const height = scene.layout.list?.height ?? 0;
  // Scrolls from the lines that are visible now.
  const { top } = visiblePart(scene, { ...moved, top: visiblePart(scene, list, height).top }, height);
  return { type: 'list', list: { ...moved, top } };
}

/** Returns a function from a line of the pane to the index of the list's line there; undefined where there is none. */
function indexIn(scene: Scene, list: List, height: number): (y: number) => number | undefined {
  const { top, height: rows, length } = visiblePart(scene, list, height);
  return (y) => (y >= 1 && y <= rows && top + y - 1 < length ? top + y - 1 : undefined);
}

/** Returns the index of the line under the cursor. */
const cursorOf = (scene: ListScene, list: List): number =>
  list.kind === 'columns' ? cursorIndex(columnPaneOf(scene, list.cursor)) : list.at;

const CLOSE: Hint = { actions: ['close'], hint: 'close' };

/** Returns true if a list has a line that a key can remove: built-in views stay. */
function canRemove(list: List, state: Pick<State, 'hideRules' | 'views'>): boolean {
  if (list.kind === 'hide-rules') return state.hideRules.length > 0;
  const view = list.kind === 'views' ? viewsOf(state)[list.at] : undefined;
  return view !== undefined && !isBuiltIn(view.name);
}

const REMOVING = ['list-unhide', 'list-delete-view'];

const HINTS: Readonly<Record<List['kind'], readonly Hint[]>> = {
  views: [
    { actions: ['list-open-view'], hint: 'open' },
    { actions: ['list-save-view'], hint: 'save current' },
    { actions: ['list-delete-view'], hint: 'delete' },
    CLOSE,
  ],
  'hide-rules': [{ actions: ['list-unhide'], hint: 'unhide' }, CLOSE],
  signals: [
    { actions: ['signal-send'], hint: 'send' },
    { actions: ['signal-scope'], hint: 'process, group, service' },
    CLOSE,
  ],
  columns: [
    { actions: ['list-toggle-column'], hint: 'toggle' },
    { actions: ['list-column-left', 'list-column-right'], hint: 'move' },
    { actions: ['list-column-wider', 'list-column-narrower'], hint: 'width' },
    { actions: ['list-reset-columns'], hint: 'reset' },
    CLOSE,
  ],
};

/** The action of `enter` in each list, which a double-click starts too. */
const ENTER: Readonly<Record<List['kind'], string>> = {
  views: 'list-open-view',
  'hide-rules': 'list-leave-hide-rules',
  signals: 'signal-send',
  columns: 'list-toggle-column',
};

/** The open list. Its keys are in `tui/keys/lists.ts`. */
export const LIST: PaneRow = {
  // Half of the room: the table shows the effect of a choice at once.
  position: { where: 'below', lines: ({ all }) => Math.floor(all / 2) },
  rank: 2,
  hints: (state) => {
    const { list } = state;
    if (list === null) return null;
    const isRemoving = ({ actions }: Hint) => actions.some((id) => REMOVING.includes(id));
    return HINTS[list.kind].filter((hint) => !isRemoving(hint) || canRemove(list, state));
  },
  lines: ({ state, keys, columns }, { width, height }) => listLines(state, keys, columns, width, height),
  wheel: (now, by) => (now.state.list ? [moveInList(now, now.state.list, by)] : []),
  clickIn: (scene, { height }) => {
    const { list: seen } = scene.state;
    const indexAt = seen && indexIn(scene, seen, height);
    return (_x, y, now) => {
      const { list } = now.state;
      const index = indexAt?.(y);
      return list && index !== undefined && list.kind === seen?.kind
        ? [moveInList(now, list, index - cursorOf(now, list))]
        : [];
    };
  },
  keyIn: (scene, { height }) => {
    const { list: seen } = scene.state;
    const indexAt = seen && indexIn(scene, seen, height);
    return (_x, y, now, isDouble) => {
      const { list } = now.state;
      // Lines may have moved between the two clicks.
      return isDouble && list && list.kind === seen?.kind && indexAt?.(y) === cursorOf(now, list)
        ? firstKey(now.keys, ENTER[list.kind])
        : undefined;
    };
  },
};
