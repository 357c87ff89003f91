import { unmapped } from '../model/address.ts';
import { type Direction, type Endpoint, isListening, type Protocol, type Socket } from '../model/socket.ts';

/** Protocols whose connections are matched with listeners. */
const CONNECTED: ReadonlySet<Protocol> = new Set(['tcp', 'udp', 'udplite', 'sctp', 'mptcp', 'vsock']);

/** Returns true if the socket has a remote endpoint and a protocol with listeners. */
export const isConnection = ({ protocol, remote, state }: Socket): boolean =>
  remote !== null && state !== 'LISTEN' && CONNECTED.has(protocol);

/** Returns the direction that the kernel reports: by the state during the handshake, or as `opened`. */
export const directionFromKernel = ({ state, opened }: Socket): Direction | undefined => {
  if (state === 'SYN_SENT') return 'out';
  return state === 'SYN_RECV' || state === 'NEW_SYN_RECV' ? 'in' : opened;
};

/** Returns protocol and namespace, which are the same for a listener and the connections that it accepts. */
export const scopeOf = ({ protocol, netns }: Socket): string => `${protocol} ${netns?.inode ?? ''} `;

/**
 * Returns the listening addresses that accept connections to an endpoint; the kernel takes the first that has a listener.
 * `0.0.0.0` accepts IPv4 only, `::` both (an IPV6_V6ONLY socket is not recognised). 4294967295 is VMADDR_CID_ANY
 * (include/uapi/linux/vm_sockets.h).
 */
export function listeningAddressesFor({ address }: Endpoint, protocol: Protocol): string[] {
  const own = unmapped(address);
  if (protocol === 'vsock') return [own, '4294967295'];
  return own.includes(':') ? [own, '::'] : [own, '0.0.0.0', '::'];
}

/**
 * Local endpoints that have a listener now (`isListening`). The caller has to report every socket that spawns, changes
 * or closes.
 */
export class Listeners {
  /** Number of listeners by port, and then by scope and address. */
  readonly #ports = new Map<number, Map<string, number>>();
  /** Port, and scope with address, of each listener by its id. */
  readonly #endpoints = new Map<string, { readonly port: number; readonly key: string }>();

  /** Takes a new or changed socket. */
  take(socket: Socket): void {
    const { id, local } = socket;
    if (!isListening(socket)) {
      this.drop(id);
      return;
    }
    const key = scopeOf(socket) + unmapped(local.address);
    const before = this.#endpoints.get(id);
    if (before?.port === local.port && before.key === key) return;
    this.drop(id);
    // A socket without a port receives nothing.
    if (local.port === 0) return;
    this.#endpoints.set(id, { port: local.port, key });
    const counts = this.#ports.get(local.port) ?? new Map<string, number>();
    this.#ports.set(local.port, counts.set(key, (counts.get(key) ?? 0) + 1));
  }

  /** Removes a socket that has closed; ignores one that is not a listener. */
  drop(id: string): void {
    const listening = this.#endpoints.get(id);
    if (listening === undefined) return;
    this.#endpoints.delete(id);
    const counts = this.#ports.get(listening.port);
    const left = (counts?.get(listening.key) ?? 0) - 1;
    if (left > 0) counts?.set(listening.key, left);
    else counts?.delete(listening.key);
    if (counts?.size === 0) this.#ports.delete(listening.port);
  }

  /** Returns true if a listener accepts connections at the local endpoint of this one. */
  has(socket: Socket): boolean {
    const { local, protocol } = socket;
    const counts = this.#ports.get(local.port);
    if (counts === undefined) return false;
    const scope = scopeOf(socket);
    return listeningAddressesFor(local, protocol).some((address) => counts.has(scope + address));
  }
}

/**
 * Returns the direction of a connection: from the kernel, or `in` if its local endpoint has a listener. Undefined when
 * the socket is not a connection, or when the direction is unknown: the listener of the connection may have closed.
 */
export function directionOf(socket: Socket, listeners: Listeners): Direction | undefined {
  if (!isConnection(socket)) return undefined;
  const direction = directionFromKernel(socket);
  if (direction) return direction;
  const hasListenerOwner = socket.owners.some(({ knowledge }) => knowledge === 'listener');
  return hasListenerOwner || listeners.has(socket) ? 'in' : undefined;
}
