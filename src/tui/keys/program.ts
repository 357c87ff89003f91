import type { Binding } from './binding.ts';

/** Keys for netpane itself. */
export const PROGRAM_KEYS: readonly Binding[] = [
  {
    keys: ['C-l'],
    label: 'ctrl-l',
    about: 'redraw',
    group: 'Program',
    run: () => ({ type: 'redraw' }),
  },
  {
    keys: ['C-z'],
    label: 'ctrl-z',
    about: 'suspend netpane; `fg` in the shell resumes it',
    group: 'Program',
    run: () => ({ type: 'suspend' }),
  },
  {
    keys: ['q', 'C-c'],
    label: 'q ctrl-c',
    about: 'quit',
    group: 'Program',
    run: () => ({ type: 'quit' }),
  },
];
