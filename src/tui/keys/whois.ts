import { unmapped } from '../../model/address.ts';
import { reachOf } from '../../model/reach.ts';
import type { Action } from '../../store/actions.ts';
import { type Binding, rowOf, say } from './binding.ts';
import type { KeyContext } from './context.ts';

/** Asks whois about the remote address of the selected row. */
function ask(context: KeyContext): Action {
  if (context.state.panes.whois) return { type: 'pane', pane: 'whois', open: false };
  const remote = (context.socket ?? rowOf(context)?.socket)?.remote;
  if (!remote) return say('no remote address selected: select a connection');
  const address = unmapped(remote.address);
  const reach = reachOf(address);
  if (reach === undefined) return say('no address that whois knows: select a connection over the internet');
  if (reach !== 'public') return say(`whois knows only public addresses, and ${address} is none`);
  return { type: 'whois', address };
}

export const WHOIS_KEY: Binding = {
  id: 'whois',
  keys: ['W'],
  name: 'whois of the remote address',
  about: 'whois: who has the remote address of the row; asks a server on the internet (whois-server)',
  group: 'Panes',
  run: ask,
};
