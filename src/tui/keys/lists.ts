import type { ColumnId, List } from '../../store/state.ts';
import { viewsOf } from '../../store/views.ts';
import {
  columnAfter,
  moveColumn,
  startingChoices,
  toggleColumn,
  widenColumn,
} from '../../view/panes/column-pane.ts';
import type { Action } from '../../store/actions.ts';
import { ask } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Number of lines in a page. */
const PAGE = 10;

const STEPS: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -PAGE,
  'C-b': -PAGE,
  pagedown: PAGE,
  'C-f': PAGE,
  home: -Infinity,
  end: Infinity,
  'S-g': Infinity,
};

const CLOSE: Action = { type: 'list', list: null };

/** Keys that open a list; the same key closes it. */
const OPENED_BY: Readonly<Record<List['kind'], string>> = { views: 'v', 'hide-rules': 'S-h', columns: 'S-c' };

const choicesOf = ({ state, columns }: KeyContext) => startingChoices(state.columns, columns);

/** Moves the cursor of a list. */
function moveCursor(context: KeyContext, list: List, by: number): Action {
  if (list.kind === 'columns') {
    const cursor = columnAfter({ choices: choicesOf(context), cursor: list.cursor }, by);
    return { type: 'list', list: { ...list, cursor } };
  }
  const { length } = list.kind === 'views' ? viewsOf(context.state) : context.state.hideRules;
  return { type: 'list', list: { ...list, at: Math.max(0, Math.min(length - 1, list.at + by)) } };
}

function viewKey(context: KeyContext, at: number, name: string): Action | undefined {
  const view = viewsOf(context.state)[at];
  if (name === 'enter') return view ? { type: 'apply-view', view } : CLOSE;
  return name === 'a' ? ask('view')(context) : undefined;
}

function columnKey(context: KeyContext, id: ColumnId, name: string): Action | undefined {
  const choices = choicesOf(context);
  switch (name) {
    case 'enter':
    case 'space':
      return { type: 'columns', columns: toggleColumn(choices, id) };
    case '<':
    case '>':
      return { type: 'columns', columns: moveColumn(choices, id, name === '<' ? -1 : 1) };
    case '+':
    case '=':
    case '-':
      return { type: 'columns', columns: widenColumn(choices, id, name === '-' ? -1 : 1, context.columns) };
    case 'r':
      return { type: 'columns', columns: null };
    default:
      return undefined;
  }
}

/** Returns the action of a key while a list is open; undefined if the key does what it does without a list. */
export function listActionOf(context: KeyContext, list: List, name: string): Action | undefined {
  if (name === 'escape' || name === OPENED_BY[list.kind]) return CLOSE;
  if (Object.hasOwn(STEPS, name)) return moveCursor(context, list, STEPS[name] ?? 0);
  if (list.kind === 'columns') return columnKey(context, list.cursor, name);
  if (name === 'd' || name === 'delete') return { type: 'remove-line' };
  if (list.kind === 'views') return viewKey(context, list.at, name);
  return name === 'enter' ? CLOSE : undefined;
}
