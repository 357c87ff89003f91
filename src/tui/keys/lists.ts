import type { ColumnChoice, ColumnId } from '../../store/columns.ts';
import type { List } from '../../store/state.ts';
import { viewsOf } from '../../store/views.ts';
import { moveColumn, startingChoices, toggleColumn, widenColumn } from '../../view/panes/column-pane.ts';
import { moveInList } from '../../view/panes/list-pane.ts';
import { linesIn } from '../../view/panes/pane.ts';
import type { Action } from '../../store/actions.ts';
import type { Binding } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Returns the number of lines in a page: those of the list, without its title. */
const pageOf = ({ layout }: KeyContext): number => Math.max(1, (layout.list?.height ?? 0) - 1);

const CLOSE: Action = { type: 'list', list: null };

/** Actions of the table that close any list. The one that opens a list closes it too. */
const CLOSING = ['close', 'close-or-quit'];

const choicesOf = ({ state, columns }: KeyContext) => startingChoices(state.columns, columns);

function openView({ state }: KeyContext): Action {
  const view = state.list?.kind === 'views' ? viewsOf(state)[state.list.at] : undefined;
  return view ? { type: 'apply-view', view } : CLOSE;
}

/** Returns the action of a key that changes the columns. @param change gets the columns so far and the one at the cursor */
const changing =
  (
    change: (choices: readonly ColumnChoice[], id: ColumnId, context: KeyContext) => readonly ColumnChoice[],
  ) =>
  (context: KeyContext): Action => {
    const { list } = context.state;
    if (list?.kind !== 'columns') return CLOSE;
    return { type: 'columns', columns: change(choicesOf(context), list.cursor, context) };
  };

const VIEWS = { group: 'In the list of views', place: 'views' } as const;
const RULES = { group: 'In the list of hide rules', place: 'hide-rules' } as const;
const COLUMNS = { group: 'In the list of columns', place: 'columns' } as const;

/** Keys of the lists. The other keys of the table act as they do without a list, see also `runInList`. */
export const LIST_KEYS: readonly Binding[] = [
  {
    ...VIEWS,
    id: 'list-open-view',
    keys: ['enter'],
    name: 'open the view',
    about: 'open the view',
    run: openView,
  },
  {
    ...VIEWS,
    id: 'list-delete-view',
    keys: ['d', 'del'],
    name: 'delete the view',
    about: 'delete a saved view',
    run: () => ({ type: 'remove-line' }),
  },
  {
    ...RULES,
    id: 'list-unhide',
    keys: ['d', 'del'],
    name: 'unhide',
    about: 'delete the rule: its sockets are shown again',
    run: () => ({ type: 'remove-line' }),
  },
  {
    ...RULES,
    id: 'list-leave-hide-rules',
    keys: ['enter'],
    name: 'close the list',
    about: 'close the list',
    run: () => CLOSE,
  },
  {
    ...COLUMNS,
    id: 'list-toggle-column',
    keys: ['space', 'enter'],
    name: 'show or hide the column',
    about: 'show or hide the column',
    run: changing(toggleColumn),
  },
  {
    ...COLUMNS,
    id: 'list-column-left',
    keys: ['<'],
    name: 'move the column to the left',
    about: 'move the column to the left',
    run: changing((choices, id) => moveColumn(choices, id, -1)),
  },
  {
    ...COLUMNS,
    id: 'list-column-right',
    keys: ['>'],
    name: 'move the column to the right',
    about: 'move the column to the right',
    run: changing((choices, id) => moveColumn(choices, id, 1)),
  },
  {
    ...COLUMNS,
    id: 'list-column-wider',
    keys: ['+', '='],
    name: 'wider column',
    about: 'make the column wider',
    run: changing((choices, id, { columns }) => widenColumn(choices, id, 1, columns)),
  },
  {
    ...COLUMNS,
    id: 'list-column-narrower',
    keys: ['-'],
    name: 'narrower column',
    about: 'make the column narrower',
    run: changing((choices, id, { columns }) => widenColumn(choices, id, -1, columns)),
  },
  {
    ...COLUMNS,
    id: 'list-reset-columns',
    keys: ['r'],
    name: 'reset the columns',
    about: 'reset: columns and widths depend on the width of the pane again',
    run: () => ({ type: 'columns', columns: null }),
  },
];

/** Returns the action of a key of the table while a list is open. @param index index of the pressed key in `keys` */
export function runInList(context: KeyContext, list: List, binding: Binding, index: number): Action {
  const { id, step } = binding;
  // The action that opens a list has the name of the list.
  if (CLOSING.includes(id) || id === list.kind) return CLOSE;
  return step
    ? moveInList(context, list, step.by * linesIn(step.unit, pageOf(context), Infinity))
    : binding.run(context, index);
}
