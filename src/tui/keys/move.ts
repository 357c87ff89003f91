import { reachOf } from '../../model/reach.ts';
import { isListening, type Socket } from '../../model/socket.ts';
import type { Unit } from '../../view/panes/pane.ts';
import { move } from '../../view/screen.ts';
import { keyText } from '../../view/header/key-help.ts';
import { endpointText, ownerText } from '../../view/text/format.ts';
import { pictureOf } from '../../store/picture.ts';
import { peerOf } from '../../store/peers.ts';
import type { Action } from '../../store/actions.ts';
import { type Binding, say } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Returns why a socket has no peer to go to. */
function whyNoPeer(socket: Socket): string {
  const { protocol, remote, state } = socket;
  if (isListening(socket)) return 'a listener has no peer: go to the peer of a connection';
  if (remote === null) return 'this socket has no peer: it has no remote endpoint';
  if (state === 'TIME_WAIT') return 'this connection is over: in TIME_WAIT it has no peer';
  if (reachOf(remote.address) === 'loopback') {
    // An unconnected UDP socket receives the datagrams, and is no peer.
    const why = protocol === 'tcp' ? 'has closed its socket' : 'is not connected to this socket';
    return `the peer ${why}, or it is hidden: ${endpointText(remote, socket)}`;
  }
  // Address translation or an unknown namespace may hide a peer on this machine.
  return `the peer is on another machine, or hidden: ${endpointText(remote, socket)}`;
}

/** Goes to the row of the peer of a local connection, or says why it cannot. */
function jumpToPeer({ state, order, socket, keys }: KeyContext): Action {
  const { rows } = pictureOf(state);
  if (socket === undefined) return say('no connection selected: select one within this machine');
  const row = rows.get(socket.id);
  if (row === undefined) return say('this socket has closed: it has no row any more');
  const peer = peerOf(rows, row);
  if (peer === undefined) return say(whyNoPeer(row.socket));
  const isHidden = order.indexOf(peer.id) < 0;
  if (isHidden && state.joinsPairs)
    return say(`both ends are one row: ${keyText(keys, 'join-pairs')} shows two rows again`);
  if (isHidden && order.headerOf(peer.id) === undefined)
    return say(`the peer, ${ownerText(peer.socket)}, is hidden by the query or by you`);
  // In a folded group, the header of the group is selected.
  return { type: 'go-to-row', id: peer.id, closesLog: false };
}

/** Returns the binding that moves the cursor, or scrolls the help. */
const moving = (
  it: Pick<Binding, 'id' | 'keys' | 'name'> & Partial<Pick<Binding, 'about'>>,
  by: 1 | -1,
  unit: Unit,
): Binding => ({
  ...it,
  about: it.about ?? it.name,
  group: 'Move',
  step: { by, unit },
  run: (context) => move(context, by, unit),
});

/** Keys that move the cursor. */
export const MOVE_KEYS: readonly Binding[] = [
  moving(
    {
      id: 'move-up',
      keys: ['up', 'k'],
      name: 'one row up',
      about: 'one row up; the mouse wheel scrolls, a click selects a row',
    },
    -1,
    'row',
  ),
  moving({ id: 'move-down', keys: ['down', 'j'], name: 'one row down' }, 1, 'row'),
  moving({ id: 'move-half-page-up', keys: ['ctrl-u'], name: 'half a page up' }, -1, 'half'),
  moving({ id: 'move-half-page-down', keys: ['ctrl-d'], name: 'half a page down' }, 1, 'half'),
  moving({ id: 'move-page-up', keys: ['pgup', 'ctrl-b'], name: 'one page up' }, -1, 'page'),
  moving({ id: 'move-page-down', keys: ['pgdn', 'ctrl-f'], name: 'one page down' }, 1, 'page'),
  moving({ id: 'move-first', keys: ['home', 'gg'], name: 'go to the first row' }, -1, 'all'),
  moving({ id: 'move-last', keys: ['end', 'G'], name: 'go to the last row' }, 1, 'all'),
  {
    id: 'go-to-peer',
    keys: ['%'],
    name: 'go to the peer of a local connection',
    about: 'go to the row of the peer, if it is on this machine',
    group: 'Move',
    run: jumpToPeer,
  },
];
