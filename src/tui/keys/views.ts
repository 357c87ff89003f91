import { GEO_PARTS, type GeoPart } from '../../store/locations.ts';
import { type GroupBy, GROUPS, type State } from '../../store/state.ts';
import { viewsOf } from '../../store/views.ts';
import type { Action } from '../../store/actions.ts';
import { keyText } from '../../view/header/key-help.ts';
import { ask, type Binding, say } from './binding.ts';
import type { KeyContext } from './context.ts';

const isGeoPart = (group: GroupBy): group is GroupBy & GeoPart => GEO_PARTS.some((part) => part === group);

/** Returns the next grouping; null for none. Leaves out those by location until a file with locations is read. */
function nextGroup({ group, lookups: { locations } }: State): GroupBy | null {
  const isKnown = (it: GroupBy): boolean =>
    !isGeoPart(it) || (locations !== null && locations !== 'pending' && locations.parts.has(it));
  const others = GROUPS.slice(group === null ? 0 : GROUPS.indexOf(group) + 1);
  return others.find(isKnown) ?? null;
}

/** Keys that switch to a view by its number. */
const NUMBERS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

function viewAt({ state, keys }: KeyContext, number: number): Action {
  const view = viewsOf(state)[number - 1];
  return view
    ? { type: 'apply-view', view }
    : say(
        `no view ${number}: ${keyText(keys, 'list-save-view')} saves the current one, ${keyText(keys, 'views')} lists them`,
      );
}

const sayUngrouped = ({ keys }: KeyContext): Action => say(`not grouped: press ${keyText(keys, 'group')}`);

export const fold = (context: KeyContext): Action =>
  context.groupId === undefined ? sayUngrouped(context) : { type: 'fold', id: context.groupId };

/** Keys for views, groups and columns. */
export const VIEW_KEYS: readonly Binding[] = [
  {
    id: 'view-by-number',
    keys: NUMBERS,
    name: 'open a view by its number',
    about: 'open a view by its number: all, listening, established and so on; {views} lists all of them',
    group: 'Views',
    run: (context, index) => viewAt(context, index + 1),
  },
  {
    id: 'views',
    keys: ['v'],
    name: 'list the views',
    about:
      'list the views (a view is a named query with columns, sort and grouping); {list-save-view} saves the current one',
    group: 'Views',
    hint: 'views',
    run: () => ({ type: 'list', list: { kind: 'views', at: 0 } }),
  },
  {
    id: 'list-save-view',
    keys: ['a'],
    name: 'save the current view',
    about: 'save the current query, columns, sort and grouping as a view',
    group: 'Views',
    run: ask('view'),
  },
  {
    id: 'group',
    keys: ['o', 'F5'],
    name: 'group by the next property',
    about: 'group by process, remote host, port, user, namespace or none',
    group: 'Views',
    hint: 'group',
    run: ({ state }) => ({ type: 'group', group: nextGroup(state) }),
  },
  {
    id: 'fold',
    keys: ['z'],
    name: 'fold or unfold the group',
    about: 'fold or unfold the selected group; {details} on its header does the same',
    group: 'Views',
    run: fold,
  },
  {
    id: 'fold-all',
    keys: ['Z'],
    name: 'fold or unfold all groups',
    about: 'fold or unfold all groups',
    group: 'Views',
    run: (context) => (context.state.group ? { type: 'fold-all' } : sayUngrouped(context)),
  },
  {
    id: 'join-pairs',
    keys: ['B'],
    name: 'join both ends of a local connection',
    about: 'show both ends of a local connection as one row (chrome → nginx), or as two',
    group: 'Views',
    run: () => ({ type: 'join-pairs' }),
  },
  {
    id: 'columns',
    keys: ['C', 'F2'],
    name: 'choose columns',
    about: 'choose columns, their order and width',
    group: 'Views',
    run: ({ columns: [first] }) => ({
      type: 'list',
      list: { kind: 'columns', cursor: first?.column.id ?? 'process' },
    }),
  },
];
