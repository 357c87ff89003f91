import { isAnyAddress } from '../../model/address.ts';
import type {
  Direction,
  Endpoint,
  Owner,
  Protocol,
  Socket,
  TcpInfo,
  Timer,
  Traffic,
} from '../../model/socket.ts';
import type { Attribution } from './attribution.ts';
import type { InetAddresses } from './netlink/inet.ts';
import type { Network } from './network.ts';
import { isLinkLocal } from './table.ts';

/** What a reading said of a socket that it had not said before; without addresses they are as they were. */
export interface SocketMessage {
  readonly slot: number;
  readonly network: Network;
  readonly protocol: Protocol;
  readonly id: string;
  readonly addresses: InetAddresses | undefined;
  readonly uid: number;
  readonly inode: number;
  readonly interfaceIndex: number;
  readonly traffic: Traffic;
  readonly timer: Timer | undefined;
  readonly opened: Direction | undefined;
  readonly tcp: TcpInfo | undefined;
}

/** The socket after some message. */
export function makeSocket(
  message: SocketMessage,
  before: Socket | undefined,
  owners: readonly Owner[],
  attribution: Attribution,
): Socket {
  const { addresses, network, timer, tcp } = message;
  // After the end of a connection the kernel tells no counters any more: the last known ones are still true.
  const traffic = before?.traffic ? { ...before.traffic, ...message.traffic } : message.traffic;
  const opened = message.opened ?? before?.opened;
  if (addresses === undefined && before) {
    const { timer: _, ...rest } = before;
    return { ...rest, traffic, ...(timer && { timer }), ...(opened && { opened }), ...(tcp && { tcp }) };
  }
  if (addresses === undefined) throw new Error('a message without addresses of an unknown socket');
  const { local, remote, state } = addresses;
  const name = interfaceOf(network, message.interfaceIndex, local.address);
  const inode = message.inode > 0 ? message.inode : undefined;
  // Once nobody holds the socket the kernel says 0, whoever it was.
  const uid = message.inode > 0 || message.uid > 0 ? message.uid : before?.uid;
  const user = uid === undefined ? undefined : attribution.userOf(uid);
  const { id, protocol } = message;
  const { family } = addresses;
  const { netns } = network;
  const ends = { local: scoped(local, name), remote: remote && scoped(remote, name) };
  if (
    state !== undefined &&
    inode !== undefined &&
    uid !== undefined &&
    user !== undefined &&
    name !== undefined &&
    netns !== undefined &&
    opened !== undefined &&
    !timer &&
    !tcp
  ) {
    // Nearly every connection: made in one piece, an object is smaller than one that grew.
    const { local, remote } = ends;
    return {
      id,
      protocol,
      family,
      local,
      remote,
      state,
      inode,
      uid,
      user,
      interface: name,
      netns,
      traffic,
      opened,
      owners,
    };
  }
  return {
    id,
    protocol,
    family,
    ...ends,
    ...(state !== undefined && { state }),
    ...(inode !== undefined && { inode }),
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    ...(name !== undefined && { interface: name }),
    ...(netns && { netns }),
    traffic,
    ...(timer && { timer }),
    ...(opened && { opened }),
    ...(tcp && { tcp }),
    owners,
  };
}

/** A link-local address means something only together with its link; both ends are on one. */
export const scoped = (endpoint: Endpoint, name: string | undefined): Endpoint =>
  name !== undefined && isLinkLocal(endpoint.address)
    ? { ...endpoint, address: `${endpoint.address}%${name}` }
    : endpoint;

export const unscoped = (endpoint: Endpoint): Endpoint => {
  const at = endpoint.address.indexOf('%');
  return at < 0 ? endpoint : { ...endpoint, address: endpoint.address.slice(0, at) };
};

/** Name of the interface that a socket is bound to, or that has its local address. */
export const interfaceOf = ({ interfaces }: Network, boundTo: number, address: string): string | undefined =>
  (boundTo > 0 ? interfaces.nameOf(boundTo) : undefined) ??
  (isAnyAddress(address) ? undefined : interfaces.nameOfAddress(address));
