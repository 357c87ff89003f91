import { showDiagnosis } from '../../view/header/alerts.ts';
import type { Binding } from './binding.ts';

/** Keys about the lines above and below the panes. */
export const HEADER_KEYS: readonly Binding[] = [
  {
    id: 'diagnosis',
    keys: ['!'],
    name: 'show the sockets of the diagnosis',
    about: 'show the sockets of the diagnosis at the bottom; again for the next one; a click does the same',
    group: 'Filter',
    run: ({ state }) => showDiagnosis(state),
  },
  {
    id: 'cost',
    keys: ['D'],
    name: 'what a poll costs',
    about: 'what a poll costs, and what it reads',
    group: 'Display',
    run: () => ({ type: 'cost' }),
  },
];
