import type { SocketState } from '../../../model/socket.ts';
import type { Network } from '../namespaces/network.ts';
import type { ClosedSocket } from '../netlink/closes.ts';
import { decodeAddresses, findInfo, INET, isRemnantAt, STATES } from '../netlink/inet.ts';
import { sockIdOf } from '../netlink/inet-requests.ts';
import { decodeTraffic } from '../netlink/traffic.ts';
import { decodeOpened } from '../netlink/opened.ts';
import { cookieId } from '../netlink/cookie.ts';
import { LITTLE_ENDIAN } from '../netlink/wire.ts';
import type { SocketMessage } from '../sockets/make-socket.ts';
import type { TracedSocket } from './traced-sockets.ts';

/** The socket that has the endpoints of a closed connection now; empty unless it is its remnant or a listener. */
export interface FoundAtEndpoints {
  readonly remnant?: { readonly id: string; readonly state: SocketState };
  readonly isListener?: boolean;
}

/**
 * Queries the kernel for a traced socket that is still open, by its endpoints; undefined if it is not found.
 * @param networks namespaces that the socket may be in
 * @param wallMs wall-clock time, milliseconds since 1970
 */
export function findLiving(
  { family, local, remote, opened, steps }: TracedSocket,
  networks: Iterable<Network>,
  wallMs: number,
): SocketMessage | undefined {
  const isListener = steps[0]?.now === 'LISTEN';
  if (local.port === 0 || (remote === null && !isListener)) return undefined;
  const sockId = sockIdOf(local, remote ?? { address: local.address, port: 0 });
  let message: SocketMessage | undefined;
  for (const network of networks) {
    network.findTcp(family, sockId, (buffer, start, end) => {
      const addresses = decodeAddresses(buffer, start, 'tcp');
      if (addresses === undefined || (addresses.state === 'LISTEN') !== isListener) return;
      // The TIME_WAIT remnant has the endpoints of the socket but another cookie: it is not the socket.
      if (isRemnantAt(buffer, start)) return;
      const { view } = buffer;
      const info = { start: 0, end: 0 };
      findInfo(buffer, start, end, info);
      message = {
        slot: -1,
        network,
        protocol: 'tcp',
        id: cookieId(buffer, start + INET.cookie),
        addresses,
        uid: view.getUint32(start + INET.uid, LITTLE_ENDIAN),
        inode: view.getUint32(start + INET.inode, LITTLE_ENDIAN),
        interfaceIndex: view.getUint32(start + INET.interface, LITTLE_ENDIAN),
        traffic: decodeTraffic(buffer, start, info, wallMs),
        timer: undefined,
        opened: opened ?? decodeOpened(buffer, start, info),
        tcp: undefined,
      };
    });
  }
  return message;
}

/**
 * Queries the kernel for the sockets that have the endpoints of closed TCP connections now.
 * @param onFound gets the index of the connection; not called if no socket has its endpoints
 */
export function findAtEndpoints(
  network: Network,
  closed: readonly ClosedSocket[],
  onFound: (index: number, found: FoundAtEndpoints) => void,
): void {
  const connections = closed.map(({ addresses: { family }, sockId }) => ({ family, sockId }));
  network.findTcpSockets(connections, (index, buffer, start) => {
    const state = STATES[buffer.bytes[start + INET.state] ?? 0];
    if (state === undefined) return;
    const isRemnant = isRemnantAt(buffer, start);
    onFound(
      index,
      isRemnant
        ? { remnant: { id: cookieId(buffer, start + INET.cookie), state } }
        : { isListener: state === 'LISTEN' },
    );
  });
}
