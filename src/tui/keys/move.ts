import type { Binding } from './binding.ts';

/** Keys that move the cursor. */
export const MOVE_KEYS: readonly Binding[] = [
  {
    keys: ['up', 'k'],
    label: 'up k',
    about: 'one row up; the mouse wheel scrolls, a click selects a row',
    group: 'Move',
    run: () => ({ type: 'move', by: -1, unit: 'row' }),
  },
  {
    keys: ['down', 'j'],
    label: 'down j',
    about: 'one row down',
    group: 'Move',
    run: () => ({ type: 'move', by: 1, unit: 'row' }),
  },
  {
    keys: ['pageup', 'C-b'],
    label: 'page up',
    about: 'one page up',
    group: 'Move',
    run: () => ({ type: 'move', by: -1, unit: 'page' }),
  },
  {
    keys: ['pagedown', 'C-f'],
    label: 'page down',
    about: 'one page down',
    group: 'Move',
    run: () => ({ type: 'move', by: 1, unit: 'page' }),
  },
  {
    keys: ['home'],
    label: 'home',
    about: 'first row',
    group: 'Move',
    run: () => ({ type: 'move', by: -1, unit: 'all' }),
  },
  {
    keys: ['end', 'S-g'],
    label: 'end G',
    about: 'last row',
    group: 'Move',
    run: () => ({ type: 'move', by: 1, unit: 'all' }),
  },
];
