import { hideRuleOf } from '../../store/hide-rules.ts';
import { keyText } from '../../view/header/key-help.ts';
import { termOfCell, termOfGroup } from '../../view/columns/terms.ts';
import type { Action } from '../../store/actions.ts';
import { ask, type Binding, rowOf, say } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Excludes rows like the selection: of the same group, the value of the chosen cell, or the program. */
function exclude(context: KeyContext): Action {
  const { state, item } = context;
  const row = rowOf(context);
  if (item === undefined) return say('no row selected: select a row like those to exclude');
  const term =
    item.type === 'group' && state.group
      ? termOfGroup(item.first, state.group, state.lookups)
      : row && termOfCell(state.cell, row, state.lookups);
  return term === undefined
    ? say(`cannot exclude this cell: select another with ${keyText(context.keys, 'cell-right')}`)
    : { type: 'add-term', term: `!${term}` };
}

/** Asks whether to hide connections of the selected program with its peer at this port for good. */
function hide(context: KeyContext): Action {
  const row = rowOf(context);
  return row
    ? { type: 'question', question: { kind: 'hide', rule: hideRuleOf(row.socket, row.direction) } }
    : say('no row selected: select the row whose program and remote to hide');
}

/** Keys that change which rows are shown. */
export const FILTER_KEYS: readonly Binding[] = [
  {
    id: 'filter-port',
    keys: ['p'],
    name: 'filter by port',
    about: 'filter by port (default: selected row)',
    group: 'Filter',
    hint: 'port',
    hintRank: 3,
    run: ask('port'),
  },
  {
    id: 'filter-process',
    keys: ['P'],
    name: 'filter by process',
    about: 'filter by process (default: selected row)',
    group: 'Filter',
    hint: 'process',
    run: ask('process'),
  },
  {
    id: 'filter-namespace',
    keys: ['N'],
    name: 'filter by network namespace',
    about: 'filter by network namespace (default: selected row)',
    group: 'Filter',
    run: ask('netns'),
  },
  {
    id: 'filter',
    keys: ['/', 'F3', 'F4'],
    name: 'filter by a query',
    about:
      'edit the query, which filters while you type: see QUERY below; {prompt-complete} completes, {prompt-earlier} and {prompt-later} recall history',
    group: 'Filter',
    hint: 'filter',
    hintRank: 1,
    run: (context) => ask(context.state.panes.help ? 'help' : 'query')(context),
  },
  {
    id: 'only-listeners',
    keys: ['l'],
    name: 'only listeners',
    about: 'only listeners: TCP listeners and unconnected UDP sockets',
    group: 'Filter',
    hint: 'listening',
    hintRank: 4,
    run: () => ({ type: 'toggle-term', term: 'listen', instead: ['established'] }),
  },
  {
    id: 'only-tcp',
    keys: ['t'],
    name: 'only TCP',
    about: 'only TCP',
    group: 'Filter',
    run: () => ({ type: 'toggle-term', term: 'proto:tcp', instead: ['proto:udp'] }),
  },
  {
    id: 'only-udp',
    keys: ['U'],
    name: 'only UDP',
    about: 'only UDP',
    group: 'Filter',
    run: () => ({ type: 'toggle-term', term: 'proto:udp', instead: ['proto:tcp'] }),
  },
  {
    id: 'exclude',
    keys: ['x'],
    name: 'exclude rows like this',
    about: 'exclude this program, cell or group',
    group: 'Filter',
    hint: 'exclude',
    run: exclude,
  },
  {
    id: 'only-new',
    keys: ['b'],
    name: 'only what is new from now on',
    about: 'show only sockets that open from now on',
    group: 'Filter',
    hint: 'only new',
    run: () => ({ type: 'baseline' }),
  },
  {
    id: 'hide',
    keys: ['h'],
    name: 'hide this program and remote for good',
    about: 'hide this program and remote for good; asks first',
    group: 'Filter',
    run: hide,
  },
  {
    id: 'hide-rules',
    keys: ['H'],
    name: 'list what is hidden',
    about: 'list what you have hidden, to unhide it',
    group: 'Filter',
    run: () => ({ type: 'list', list: { kind: 'hide-rules', at: 0 } }),
  },
  {
    id: 'undo',
    keys: ['u'],
    name: 'undo',
    about: 'undo the last exclude, only new, hide, diagnosis or cleared query; again: the one before',
    group: 'Filter',
    run: ({ state }) => (state.undo.length === 0 ? say('nothing to undo') : { type: 'undo' }),
  },
];
