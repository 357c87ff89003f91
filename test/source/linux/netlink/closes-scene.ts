import { decodeClosed } from '../../../../src/source/linux/netlink/closes.ts';
import { bufferOf } from '../../../helpers/netlink/messages.ts';

export const WALL_MS = 1_700_000_000_000;

/** Decodes a close message; its header is 16 bytes long. */
export function decoded(datagram: Uint8Array, { length = datagram.length, behind = 0xa5 } = {}) {
  return decodeClosed(bufferOf(datagram, { behind }), 16, length, 5, WALL_MS);
}
