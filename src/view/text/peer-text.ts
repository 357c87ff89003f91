import { firstOwner } from '../../model/socket.ts';
import type { Row } from '../../store/row.ts';
import { directionSign } from './direction-sign.ts';
import { ownerText } from './format.ts';

/**
 * Returns the program of the peer of a local connection: `→ nginx` if this end opened it, `← curl` if the other one
 * did, `with nginx` if unknown. The pid follows if both ends have the same name. Undefined without a known program.
 */
export function peerText({ socket, direction }: Row, peer: Row | undefined): string | undefined {
  if (peer === undefined) return undefined;
  const { pid, process } = firstOwner(peer.socket);
  if (pid === undefined && process === undefined) return undefined;
  const own = firstOwner(socket);
  const isAlike = pid !== undefined && process === own.process && pid !== own.pid;
  return `${direction ? directionSign(direction) : 'with'} ${ownerText(peer.socket)}${isAlike ? ` ${pid}` : ''}`;
}
