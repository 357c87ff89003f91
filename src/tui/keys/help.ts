import { goToMatch } from '../../view/panes/help.ts';
import { move } from '../../view/screen.ts';
import type { Binding } from './binding.ts';

const HELP = { group: 'In the help', place: 'help' } as const;

/** Keys of the help. Other keys act as in the table. */
export const HELP_KEYS: readonly Binding[] = [
  {
    ...HELP,
    id: 'help-next',
    keys: ['n'],
    name: 'go to the next match',
    about: 'go to the next match of the search ({filter})',
    run: (context) => goToMatch(context, 1),
  },
  {
    ...HELP,
    id: 'help-previous',
    keys: ['N'],
    name: 'go to the previous match',
    about: 'go to the previous match',
    run: (context) => goToMatch(context, -1),
  },
  {
    ...HELP,
    id: 'help-page-down',
    keys: ['space'],
    name: 'one page down in the help',
    about: 'one page down',
    run: (context) => move(context, 1, 'page'),
  },
];
