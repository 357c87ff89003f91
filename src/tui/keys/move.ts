import { move } from '../../view/screen.ts';
import { ownerText } from '../../view/text/format.ts';
import { pictureOf } from '../../store/picture.ts';
import { peerOf } from '../../store/peers.ts';
import type { Action } from '../../store/actions.ts';
import { type Binding, say } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Goes to the row of the peer of a local connection, or says why it cannot. */
function jumpToPeer({ state, order, socket }: KeyContext): Action {
  const { rows } = pictureOf(state);
  const row = socket && rows.get(socket.id);
  if (row === undefined)
    return say('no connection selected: % goes to the peer of a connection within this machine');
  const peer = peerOf(rows, row);
  if (peer === undefined) return say('the peer of this socket is not on this machine, or not known');
  const isHidden = order.indexOf(peer.id) < 0;
  if (isHidden && state.joinsPairs) return say('both ends are one row: B shows two rows again');
  if (isHidden && order.headerOf(peer.id) === undefined)
    return say(`the peer, ${ownerText(peer.socket)}, is hidden by the query or by you`);
  // In a folded group, the header of the group is selected.
  return { type: 'go-to-row', id: peer.id, closesLog: false };
}

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
  {
    keys: ['%'],
    label: '%',
    about: 'go to the row of the peer, if it is on this machine',
    group: 'Move',
    run: jumpToPeer,
  },
];
