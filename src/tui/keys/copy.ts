import { shortened } from '../../model/text.ts';
import type { Action } from '../../store/actions.ts';
import { planIn } from '../../view/arrange.ts';
import { allColumns } from '../../view/table/place.ts';
import { selectedIndex } from '../../view/table/selection.ts';
import { cellContext, cellText, itemText } from '../../view/table/rows.ts';
import { ask, type Binding, say } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Chooses the cell to the left or right. */
function nextCell({ state, columns }: KeyContext, by: 1 | -1): Action {
  const ids = columns.map(({ column }) => column.id);
  const at = state.cell === null ? -1 : ids.indexOf(state.cell);
  const next = at < 0 ? (by === 1 ? 0 : ids.length - 1) : Math.max(0, Math.min(ids.length - 1, at + by));
  return { type: 'cell', column: ids[next] ?? null };
}

const cellLeft = (context: KeyContext): Action => nextCell(context, -1);
const cellRight = (context: KeyContext): Action => nextCell(context, 1);

const NOTHING_TO_COPY = say('nothing to copy');

/** Maximum length of a copied text in the message about it, UTF-16 units; the message must fit into 80 cells. */
const MAX_SHOWN = 28;

function copyRow({ state, order }: KeyContext): Action {
  const item = order.at(selectedIndex(state, order));
  if (item === undefined) return NOTHING_TO_COPY;
  const columns = allColumns(state.columns, planIn(state));
  const text = itemText(item, columns, cellContext(state));
  const what = item.type === 'row' ? `row (${columns.length} columns)` : shortened(text, MAX_SHOWN);
  return { type: 'copy', text, what };
}

function copyCell({ state, order }: KeyContext): Action {
  const row = order.rowAt(selectedIndex(state, order));
  if (row === undefined) return NOTHING_TO_COPY;
  const text = cellText(row, state.cell, cellContext(state));
  return { type: 'copy', text, what: shortened(text, MAX_SHOWN) };
}

/** Keys that choose a cell, copy and save. */
export const COPY_KEYS: readonly Binding[] = [
  {
    id: 'cell-left',
    keys: ['left'],
    name: 'choose the cell to the left',
    about: 'select the cell to the left, for {copy-cell} and {exclude}',
    group: 'Copy',
    run: cellLeft,
  },
  {
    id: 'cell-right',
    keys: ['right'],
    name: 'choose the cell to the right',
    about: 'select the cell to the right; a click on a cell selects it',
    group: 'Copy',
    run: cellRight,
  },
  {
    id: 'copy-row',
    keys: ['y'],
    name: 'copy the row',
    about: 'copy all columns of the selected row to the clipboard, also over ssh and in tmux',
    group: 'Copy',
    run: copyRow,
  },
  {
    id: 'copy-cell',
    keys: ['Y'],
    name: 'copy the cell',
    about: 'copy the selected cell; without one, the remote endpoint, or the local one of a listener',
    group: 'Copy',
    run: copyCell,
  },
  {
    id: 'save',
    keys: ['w'],
    name: 'save the matching sockets to a file',
    about: 'save every socket that matches the query, also joined and folded ones: .csv or .json',
    group: 'Copy',
    run: (context) =>
      context.state.nowMs === undefined
        ? say('nothing to save yet: still reading sockets')
        : ask('save')(context),
  },
];
