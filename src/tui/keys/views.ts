import { GROUPS, type State } from '../../store/state.ts';
import { viewsOf } from '../../store/views.ts';
import type { Action } from '../../store/actions.ts';
import { type Binding, say } from './binding.ts';
import type { KeyContext } from './context.ts';

const nextGroup = ({ group }: State) => GROUPS[group === null ? 0 : GROUPS.indexOf(group) + 1] ?? null;

/** Keys that switch to a view by its number. */
const NUMBERS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

function viewAt(state: State, number: number): Action {
  const view = viewsOf(state)[number - 1];
  return view
    ? { type: 'apply-view', view }
    : say(`no view ${number}: v lists the views and saves the current one`);
}

const UNGROUPED = 'not grouped: press o';

export const fold = ({ groupId }: KeyContext): Action =>
  groupId === undefined ? say(UNGROUPED) : { type: 'fold', id: groupId };

/** Keys for views, groups and columns. */
export const VIEW_KEYS: readonly Binding[] = [
  {
    keys: NUMBERS,
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
    keys: ['S-b'],
    label: 'B',
    about: 'show both ends of a local connection as one row (chrome → nginx), or as two',
    group: 'Views',
    run: () => ({ type: 'join-pairs' }),
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
];
