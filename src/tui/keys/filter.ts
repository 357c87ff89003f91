import { EVERYTHING } from '../../query/query.ts';
import { hideRuleOf } from '../../store/hide-rules.ts';
import { termOfCell, termOfGroup } from '../../view/columns/terms.ts';
import { CLOSING_ORDER, coversScreen } from '../../view/panes/panes.ts';
import type { Action } from '../../store/actions.ts';
import { ask, type Binding, rowOf, say } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Excludes rows like the selection: of the same group, the value of the chosen cell, or the program. */
function exclude(context: KeyContext): Action {
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
function hide(context: KeyContext): Action {
  const row = rowOf(context);
  return row
    ? { type: 'hide', rule: hideRuleOf(row.socket, row.direction) }
    : say('no row selected: h hides the program and remote of the selected row');
}

/** Closes a pane that covers the screen, else clears the chosen cell, else the query, else closes a pane. */
const escape = ({ state }: KeyContext): Action => {
  const covering = CLOSING_ORDER.find((pane) => state.panes[pane] && coversScreen(pane));
  if (covering) return { type: 'pane', pane: covering, open: false };
  if (state.cell !== null) return { type: 'cell', column: null };
  if (state.query.text !== '') return { type: 'query', query: EVERYTHING };
  const open = CLOSING_ORDER.find((pane) => state.panes[pane]);
  return open ? { type: 'pane', pane: open, open: false } : { type: 'query', query: EVERYTHING };
};

/** Keys that change which rows are shown. */
export const FILTER_KEYS: readonly Binding[] = [
  {
    keys: ['p'],
    label: 'p',
    about: 'filter by port (default: selected row)',
    group: 'Filter',
    hint: 'port',
    run: ask('port'),
  },
  {
    keys: ['S-p'],
    label: 'P',
    about: 'filter by process (default: selected row)',
    group: 'Filter',
    hint: 'process',
    run: ask('process'),
  },
  {
    keys: ['S-n'],
    label: 'N',
    about: 'filter by network namespace (default: selected row)',
    group: 'Filter',
    run: ask('netns'),
  },
  {
    keys: ['/'],
    label: '/',
    about:
      'edit the query, which filters while you type: see QUERY below; tab completes, up and down recall history',
    group: 'Filter',
    hint: 'filter',
    run: ask('query'),
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
];
