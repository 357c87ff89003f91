import { unmapped } from '../model/address.ts';
import { type Direction, type Endpoint, isListening, type Protocol, type Socket } from '../model/socket.ts';

/** Protocols whose sockets are listened on, and called. */
const CALLED: ReadonlySet<Protocol> = new Set(['tcp', 'udp', 'udplite', 'sctp', 'mptcp', 'vsock']);

export const isConnection = ({ protocol, remote, state }: Socket): boolean =>
  remote !== null && state !== 'LISTEN' && CALLED.has(protocol);

/** Returns who opened a connection where the kernel tells it: by its state while it is begun, or as `opened`. */
export const toldDirection = ({ state, opened }: Socket): Direction | undefined => {
  if (state === 'SYN_SENT') return 'out';
  return state === 'SYN_RECV' || state === 'NEW_SYN_RECV' ? 'in' : opened;
};

/** What is to be the same at a listener and at a connection that it took, but for port and address. */
const placeOf = ({ protocol, netns }: Socket): string => `${protocol} ${netns?.inode ?? ''} `;

/** Addresses by which a listener takes what comes to this one: `0.0.0.0` takes IPv4 only; the last is VSOCK's any. */
function takersOf({ address }: Endpoint, protocol: Protocol): string[] {
  const own = unmapped(address);
  if (protocol === 'vsock') return [own, '4294967295'];
  return own.includes(':') ? [own, '::'] : [own, '0.0.0.0', '::'];
}

/**
 * The endpoints that are listened on now: by TCP listeners, and by UDP sockets without a peer. Whoever keeps it tells
 * it of every socket.
 */
export class Listeners {
  /** How many sockets listen, by port and by all else. */
  readonly #ports = new Map<number, Map<string, number>>();
  readonly #places = new Map<string, { readonly port: number; readonly place: string }>();

  /** Takes a socket that has come, or has changed. */
  take(socket: Socket): void {
    const { id, local } = socket;
    if (!isListening(socket)) {
      this.drop(id);
      return;
    }
    const place = placeOf(socket) + unmapped(local.address);
    const before = this.#places.get(id);
    if (before?.port === local.port && before.place === place) return;
    this.drop(id);
    // A socket that is bound to no port hears nobody.
    if (local.port === 0) return;
    this.#places.set(id, { port: local.port, place });
    const counts = this.#ports.get(local.port) ?? new Map<string, number>();
    this.#ports.set(local.port, counts.set(place, (counts.get(place) ?? 0) + 1));
  }

  /** Takes a socket out that has closed; of others nothing is known. */
  drop(id: string): void {
    const known = this.#places.get(id);
    if (known === undefined) return;
    this.#places.delete(id);
    const counts = this.#ports.get(known.port);
    const left = (counts?.get(known.place) ?? 0) - 1;
    if (left > 0) counts?.set(known.place, left);
    else counts?.delete(known.place);
    if (counts?.size === 0) this.#ports.delete(known.port);
  }

  /** True when the local endpoint of this connection is listened on. */
  has(socket: Socket): boolean {
    const { local, protocol } = socket;
    const counts = this.#ports.get(local.port);
    if (counts === undefined) return false;
    const place = placeOf(socket);
    return takersOf(local, protocol).some((address) => counts.has(place + address));
  }
}

/**
 * Returns who opened a connection, as far as that is established: the kernel tells it, or its local endpoint is
 * listened on. Where there is no listener it is unknown: the listener may have closed since. Undefined also for what is
 * no connection.
 */
export function directionOf(socket: Socket, listeners: Listeners): Direction | undefined {
  if (!isConnection(socket)) return undefined;
  const told = toldDirection(socket);
  if (told) return told;
  const isTaken = socket.owners.some(({ knowledge }) => knowledge === 'listener');
  return isTaken || listeners.has(socket) ? 'in' : undefined;
}
