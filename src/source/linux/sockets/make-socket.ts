import { isAnyAddress, isLinkLocal } from '../../../model/address.ts';
import type {
  Direction,
  Endpoint,
  Owner,
  Protocol,
  Socket,
  TcpInfo,
  Timer,
  Traffic,
} from '../../../model/socket.ts';
import type { Attribution } from '../owners/attribution.ts';
import type { InetAddresses } from '../netlink/inet.ts';
import type { Network } from '../namespaces/network.ts';

/** New values of a socket from one kernel message. Undefined `addresses` mean that they did not change. */
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
  /** Wall-clock time at which the socket was made, milliseconds since 1970; undefined when unknown. */
  readonly createdAtMs?: number | undefined;
}

/**
 * Returns the socket that a kernel message describes.
 * @param before the socket as the previous message described it; required if the message has no addresses
 */
export function makeSocket(
  message: SocketMessage,
  before: Socket | undefined,
  owners: readonly Owner[],
  attribution: Attribution,
): Socket {
  const { addresses, network, timer, tcp } = message;
  // The kernel reports no counters after the end of a connection: the last known ones stay valid.
  const traffic = before?.traffic ? { ...before.traffic, ...message.traffic } : message.traffic;
  const opened = message.opened ?? before?.opened;
  const createdAtMs = message.createdAtMs ?? before?.createdAtMs;
  if (addresses === undefined && before) {
    const { timer: _, ...rest } = before;
    return { ...rest, traffic, ...(timer && { timer }), ...(opened && { opened }), ...(tcp && { tcp }) };
  }
  if (addresses === undefined) throw new Error('a message without addresses needs the socket before it');
  const { local, remote, state } = addresses;
  const name = interfaceOf(network, message.interfaceIndex, local.address);
  const inode = message.inode > 0 ? message.inode : undefined;
  // The kernel reports uid 0 for a socket without a holder, whatever its user was.
  const uid = message.inode > 0 || message.uid > 0 ? message.uid : before?.uid;
  const user = uid === undefined ? undefined : attribution.userOf(uid);
  const { id, protocol } = message;
  const peers = remote === null ? before?.peers : undefined;
  const { family } = addresses;
  const { netns } = network;
  const endpoints = { local: scoped(local, name), remote: remote && scoped(remote, name) };
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
    // The common case, in one literal: V8 makes it smaller than an object that gets its properties one by one.
    const { local, remote } = endpoints;
    const socket: Socket = {
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
    return createdAtMs === undefined ? socket : { ...socket, createdAtMs };
  }
  return {
    id,
    protocol,
    family,
    ...endpoints,
    ...(state !== undefined && { state }),
    ...(inode !== undefined && { inode }),
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    ...(name !== undefined && { interface: name }),
    ...(netns && { netns }),
    ...(createdAtMs !== undefined && { createdAtMs }),
    traffic,
    ...(peers && { peers }),
    ...(timer && { timer }),
    ...(opened && { opened }),
    ...(tcp && { tcp }),
    owners,
  };
}

/** Returns the endpoint with `%interface` after a link-local address, which is ambiguous without it. */
export const scoped = (endpoint: Endpoint, name: string | undefined): Endpoint =>
  name !== undefined && isLinkLocal(endpoint.address)
    ? { ...endpoint, address: `${endpoint.address}%${name}` }
    : endpoint;

/** Returns the endpoint without the `%interface` of its address. */
export const unscoped = (endpoint: Endpoint): Endpoint => {
  const at = endpoint.address.indexOf('%');
  return at < 0 ? endpoint : { ...endpoint, address: endpoint.address.slice(0, at) };
};

/**
 * Returns the name of the interface that a socket is bound to, or that has its local address.
 * @param boundTo index of the interface; 0 for an unbound socket
 */
export const interfaceOf = ({ interfaces }: Network, boundTo: number, address: string): string | undefined =>
  (boundTo > 0 ? interfaces.nameOf(boundTo) : undefined) ??
  (isAnyAddress(address) ? undefined : interfaces.nameOfAddress(address));
