import type { Hint } from '../../store/prompts.ts';
import type { PaneRow } from './pane.ts';
import { printable } from '../../model/text.ts';
import type { HideRule } from '../../store/hide-rules.ts';
import type { Sort } from '../../store/columns.ts';
import type { List, State, View } from '../../store/state.ts';
import { DEFAULT_SORT, isBuiltIn, viewsOf } from '../../store/views.ts';
import { type KeyHelp, keyText } from '../header/key-help.ts';
import { columnPaneLines, startingChoices } from './column-pane.ts';
import { columnOf } from '../columns/columns.ts';
import { paneTitle } from './events.ts';
import { GROUPINGS } from '../table/grouping.ts';
import { type Line, line, span } from '../text/line.ts';
import { withPosition } from '../text/position.ts';
import type { PlacedColumn } from '../table/place.ts';
import { cutEnd, fit } from '../text/width.ts';

interface ListText {
  readonly title: (keys: readonly KeyHelp[]) => string;
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

const ruleText = ({ process, remote, port }: HideRule): string =>
  `${fit(printable(process), NAME_WIDTH)} port ${String(port).padEnd(PORT_WIDTH)}  ${remote === '*' ? 'no peer' : printable(remote)}`;

const LISTS: Readonly<Record<Exclude<List['kind'], 'columns'>, ListText>> = {
  views: {
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
    title: () => 'HIDDEN BY YOU',
    note: ({ hideRules }) => `${hideRules.length} ${hideRules.length === 1 ? 'rule' : 'rules'}`,
    empty: (keys) =>
      `nothing hidden: ${keyText(keys, 'hide')} hides the program and remote of the selected row`,
    lines: ({ hideRules }) => hideRules.map(ruleText),
  },
};

/** Returns the lines of the open list around its cursor; none if no list is open. */
export function listLines(
  state: State,
  keys: readonly KeyHelp[],
  placed: readonly PlacedColumn[],
  width: number,
  height: number,
): readonly Line[] {
  const { list, columns } = state;
  if (list === null) return [];
  if (list.kind === 'columns')
    return columnPaneLines({ choices: startingChoices(columns, placed), cursor: list.cursor }, width, height);
  const { title, note, empty, lines } = LISTS[list.kind];
  const texts = lines(state, width, keys);
  const rows = Math.max(0, height - 1);
  const top = Math.max(0, Math.min(list.at - Math.floor(rows / 2), texts.length - rows));
  const head = paneTitle(
    title(keys),
    withPosition({ top, height: rows, length: texts.length }, note(state)),
    width,
  );
  if (texts.length === 0) return [head, line(span(cutEnd(`  ${empty(keys)}`, width), 'quiet'))];
  return [
    head,
    ...texts.slice(top, top + rows).map((text, i): Line => ({
      spans: [span(cutEnd(`  ${text}`, width))],
      selected: top + i === list.at,
    })),
  ];
}

const CLOSE: Hint = { actions: ['close'], hint: 'close' };

const HINTS: Readonly<Record<List['kind'], readonly Hint[]>> = {
  views: [
    { actions: ['list-open-view'], hint: 'open' },
    { actions: ['list-save-view'], hint: 'save current' },
    { actions: ['list-delete-view'], hint: 'delete' },
    CLOSE,
  ],
  'hide-rules': [{ actions: ['list-unhide'], hint: 'unhide' }, CLOSE],
  columns: [
    { actions: ['list-toggle-column'], hint: 'toggle' },
    { actions: ['list-column-left', 'list-column-right'], hint: 'move' },
    { actions: ['list-column-wider', 'list-column-narrower'], hint: 'width' },
    { actions: ['list-reset-columns'], hint: 'reset' },
    CLOSE,
  ],
};

/** The open list. Its keys are in `tui/keys/lists.ts`. */
export const LIST: PaneRow = {
  // Half of the room: the table shows the effect of a choice at once.
  position: { where: 'below', lines: ({ all }) => Math.floor(all / 2) },
  rank: 2,
  hints: ({ list }) => list && HINTS[list.kind],
  lines: ({ state, keys, columns }, { width, height }) => listLines(state, keys, columns, width, height),
};
