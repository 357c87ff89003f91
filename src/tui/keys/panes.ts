import { PANE_NAMES, type PaneName } from '../../store/panes.ts';
import { eventAtCursor } from '../../view/panes/event-pane.ts';
import { focusOn } from '../../view/panes/focus.ts';
import { goToRow } from '../../view/panes/go-to-row.ts';
import { layoutOf, nextFocus } from '../../view/layout.ts';
import { PANES } from '../../view/panes/panes.ts';
import type { Action } from '../../store/actions.ts';
import { type Binding, say } from './binding.ts';
import type { KeyContext } from './context.ts';
import { fold } from './views.ts';
import { WHOIS_KEY } from './whois.ts';

const ENTER: Binding = {
  id: 'details',
  keys: ['enter'],
  name: 'open or close the details',
  about: 'details of the selected socket and its program; in the event log: go to the row of the event',
  group: 'Panes',
  hint: 'details',
  openHint: 'close',
  hintRank: 2,
  focusHint: { events: 'go to row', details: 'close' },
  run: (context) =>
    context.focus === 'events'
      ? goToRow(context, eventAtCursor(context.state, context.events))
      : context.item && context.item.type !== 'row'
        ? fold(context)
        : {
            type: 'pane',
            pane: 'details',
            // The details stay about the row at the cursor, even if the query hides the selected one or rows move.
            ...(context.item && !context.state.panes.details && { rowId: context.item.id }),
          },
};

/** Moves the focus to the next pane that can have it. */
const focusNext = (context: KeyContext): Action => focusOn(context, nextFocus(context.layout, context.focus));

const TAB: Binding = {
  id: 'next-pane',
  keys: ['tab'],
  name: 'move the keys to the next pane',
  about:
    'next pane: the table, the event log, the details or the traffic; in the log, {filter-port} {filter-process} {filter-namespace} default to the event and {move-last} follows the newest',
  group: 'Panes',
  focusHint: 'next pane',
  run: focusNext,
};

/** Opens a pane, or closes it. A pane that has no room on this screen stays closed: a message says so. */
function openOrClose({ state, order }: KeyContext, pane: PaneName, name: string): Action {
  const opened = { ...state, panes: { ...state.panes, [pane]: true } };
  return state.panes[pane] || layoutOf(opened, order.length)[pane] !== undefined
    ? { type: 'pane', pane }
    : say(`no room for ${name} on this screen`);
}

// The key of the help is with those that quit.
const OPENING_KEYS = PANE_NAMES.filter((name) => name !== 'help').flatMap((pane): Binding[] => {
  const { key } = PANES[pane];
  const run = (context: KeyContext) => openOrClose(context, pane, key?.hint ?? pane);
  const binding = key && { ...key, group: 'Panes', run };
  // In the help, tab comes after the key of the event log, to which it moves the focus.
  return [...(binding ? [binding] : []), ...(pane === 'events' ? [TAB] : [])];
});

/** Keys that open, close and choose panes. Those that open and close one are in the rows of the panes. */
export const PANE_KEYS: readonly Binding[] = [ENTER, ...OPENING_KEYS, WHOIS_KEY];
