import { focusOn, goToRow } from './cursor.ts';
import type { Binding } from './binding.ts';
import { fold } from './views.ts';

/** Keys that open, close and choose panes. */
export const PANE_KEYS: readonly Binding[] = [
  {
    keys: ['enter'],
    label: 'enter',
    about: 'details of the selected socket and its program; in the event log: go to the row of the event',
    group: 'Panes',
    hint: 'details',
    logHint: { events: 'go to row' },
    run: (context) =>
      context.focus === 'events'
        ? goToRow(context)
        : context.item?.type === 'group'
          ? fold(context)
          : { type: 'pane', pane: 'details' },
  },
  {
    keys: ['e'],
    label: 'e',
    about: 'event log: sockets that opened, changed and closed',
    group: 'Panes',
    hint: 'events',
    run: () => ({ type: 'pane', pane: 'events' }),
  },
  {
    keys: ['tab'],
    label: 'tab',
    about:
      'switch between the table and the event log; in the log, p P N default to the event and end follows the newest',
    group: 'Panes',
    logHint: { table: 'event log', events: 'table' },
    run: (context) => focusOn(context, context.focus === 'table' ? 'events' : 'table'),
  },
  {
    keys: ['i'],
    label: 'i',
    about: 'traffic: interfaces, and the programs with the most traffic',
    group: 'Panes',
    hint: 'traffic',
    hintFor: 'traffic',
    run: () => ({ type: 'pane', pane: 'traffic' }),
  },
  {
    keys: ['g'],
    label: 'g',
    about: 'graphs: sockets, opens, closes and traffic over the last minutes',
    group: 'Panes',
    hint: 'graph',
    run: () => ({ type: 'pane', pane: 'graph' }),
  },
  {
    keys: ['?', 'f1'],
    label: '?',
    about: 'this help',
    group: 'Panes',
    hint: 'help',
    run: () => ({ type: 'pane', pane: 'help' }),
  },
];
