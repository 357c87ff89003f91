import { move } from '../../view/screen.ts';
import type { Binding } from './binding.ts';

/** Keys that move the cursor. */
export const MOVE_KEYS: readonly Binding[] = [
  {
    keys: ['up', 'k'],
    label: 'up k',
    about: 'one row up; the mouse wheel scrolls, a click selects a row',
    group: 'Move',
    run: (context) => move(context, -1, 'row'),
  },
  {
    keys: ['down', 'j'],
    label: 'down j',
    about: 'one row down',
    group: 'Move',
    run: (context) => move(context, 1, 'row'),
  },
  {
    keys: ['pageup', 'C-b'],
    label: 'page up',
    about: 'one page up',
    group: 'Move',
    run: (context) => move(context, -1, 'page'),
  },
  {
    keys: ['pagedown', 'C-f'],
    label: 'page down',
    about: 'one page down',
    group: 'Move',
    run: (context) => move(context, 1, 'page'),
  },
  {
    keys: ['home'],
    label: 'home',
    about: 'first row',
    group: 'Move',
    run: (context) => move(context, -1, 'all'),
  },
  {
    keys: ['end', 'S-g'],
    label: 'end G',
    about: 'last row',
    group: 'Move',
    run: (context) => move(context, 1, 'all'),
  },
];
