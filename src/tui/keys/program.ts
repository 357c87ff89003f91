import { EVERYTHING } from '../../query/query.ts';
import type { Action } from '../../store/actions.ts';
import { HELP } from '../../view/panes/help.ts';
import { topmostPane } from '../../view/panes/panes.ts';
import { widerQuery } from '../../view/table/wider.ts';
import { ask, type Binding } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Returns the action that closes the topmost list or pane; undefined if only the table is open. */
function closeTopmost({ state, focus }: KeyContext): Action | undefined {
  if (state.panes.help && state.helpQuery !== '') return { type: 'find-in-help', text: '' };
  if (state.list && !state.panes.help) return { type: 'list', list: null };
  const pane = topmostPane(state.panes, focus);
  return pane && { type: 'pane', pane, open: false };
}

/**
 * Closes the topmost list or pane. If none is open, clears the chosen cell, else the query. If the table is empty only
 * because of the terms of a view, clears only those terms of the query.
 */
const close = (context: KeyContext): Action => {
  const { state, order } = context;
  const cleared: Action =
    state.cell === null
      ? { type: 'query', query: widerQuery(state, order)?.query ?? EVERYTHING }
      : { type: 'cell', column: null };
  return closeTopmost(context) ?? cleared;
};

const OPEN_HELP: readonly Binding[] = HELP.key
  ? [{ ...HELP.key, group: 'Help and quitting', run: () => ({ type: 'pane', pane: 'help' }) }]
  : [];

/** Keys to find the way and to leave. */
export const PROGRAM_KEYS: readonly Binding[] = [
  ...OPEN_HELP,
  {
    id: 'command-palette',
    keys: [':', 'ctrl-p'],
    name: 'find a command by its name',
    about: 'command palette: find an action by its name; also actions without a key',
    group: 'Help and quitting',
    hint: 'commands',
    run: ask('command'),
  },
  {
    id: 'close',
    keys: ['esc'],
    name: 'close the topmost pane',
    about:
      'close the topmost: list, help, details, event log, traffic, graphs; then clear the chosen cell, then the query',
    group: 'Help and quitting',
    run: close,
  },
  {
    id: 'close-or-quit',
    keys: ['q', 'F10'],
    name: 'close the topmost pane, or quit',
    about: 'close the topmost list or pane; from the table: quit',
    group: 'Help and quitting',
    run: (context) => closeTopmost(context) ?? { type: 'quit' },
  },
  {
    id: 'quit',
    keys: ['ctrl-c'],
    name: 'quit',
    about: 'quit, always',
    group: 'Help and quitting',
    needsKey: true,
    always: true,
    run: () => ({ type: 'quit' }),
  },
  {
    id: 'redraw',
    keys: ['ctrl-l'],
    name: 'redraw the screen',
    about: 'redraw',
    group: 'Help and quitting',
    run: () => ({ type: 'redraw' }),
  },
  {
    id: 'suspend',
    keys: ['ctrl-z'],
    name: 'suspend netpane',
    about: 'suspend netpane; `fg` in the shell resumes it',
    group: 'Help and quitting',
    always: true,
    run: () => ({ type: 'suspend' }),
  },
];
