import { EVERYTHING } from '../../query/query.ts';
import { GROUPS, PALETTES } from '../../store/state.ts';
import { COLUMNS } from '../../view/columns/columns.ts';
import { sortBy } from '../../view/panes/table-pane.ts';
import { GROUPINGS } from '../../view/table/grouping.ts';
import type { Binding } from './binding.ts';

/** Returns `local-port` for `localPort`. */
const kebab = (id: string): string => id.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Actions of the command palette that have no key by default; the keys of other actions reach each of them. */
export const COMMAND_KEYS: readonly Binding[] = [
  {
    id: 'clear-query',
    keys: [],
    name: 'clear the query',
    about: 'show all sockets again; {undo} brings the query back',
    group: 'Filter',
    run: () => ({ type: 'query', query: EVERYTHING }),
  },
  {
    id: 'only-established',
    keys: [],
    name: 'only established connections',
    about: 'only connections in state ESTABLISHED',
    group: 'Filter',
    run: () => ({ type: 'toggle-term', term: 'established', instead: ['listen'] }),
  },
  ...GROUPS.map((group): Binding => {
    const { name } = GROUPINGS[group];
    return {
      id: `group-by-${group}`,
      keys: [],
      name: `group by ${name}`,
      about: `a header for each ${name}, with the sums of its rows`,
      group: 'Views',
      run: () => ({ type: 'group', group }),
    };
  }),
  {
    id: 'no-groups',
    keys: [],
    name: 'no groups',
    about: 'show the rows without groups',
    group: 'Views',
    run: () => ({ type: 'group', group: null }),
  },
  {
    id: 'automatic-columns',
    keys: [],
    name: 'automatic columns',
    about: 'show the columns that fit and that the view is about, not chosen ones',
    group: 'Views',
    run: () => ({ type: 'columns', columns: null }),
  },
  ...PALETTES.map((palette): Binding => ({
    id: `theme-${palette}`,
    keys: [],
    name: `colour theme ${palette === 'mono' ? 'without colours' : palette.replace('-', ' ')}`,
    about: '{colours} goes through the themes',
    group: 'Display',
    run: () => ({ type: 'palette', palette }),
  })),
  ...COLUMNS.map(({ id, title, label = title, about, present }): Binding => ({
    id: `sort-by-${kebab(id)}`,
    keys: [],
    name: `sort by ${label}`,
    about: `${about}; again: reverses the order`,
    group: 'Display',
    ...(present && { present }),
    run: () => sortBy(id),
  })),
];
