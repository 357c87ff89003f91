import { unmapped } from './address.ts';
import { reachOf } from './reach.ts';
import { isListening, type NetworkNamespace, type Socket } from './socket.ts';

/**
 * From where a listener can be reached, firewalls aside.
 * - `all`: by every address of the machine. `::` counts too: it serves IPv4 as well, unless IPV6_V6ONLY is set.
 * - `public`, `private`, `multicast`: by one address.
 * - `interface`: by every address of one interface.
 * - `namespace`: from the network of another network namespace, such as a container. A published port may lead to it.
 * - `loopback`: from this machine only; `machine`: the same, for a Unix socket.
 */
export type Exposure =
  | { readonly to: 'all' | 'loopback' | 'machine' }
  | { readonly to: 'public' | 'private' | 'multicast'; readonly address: string }
  | { readonly to: 'interface'; readonly name: string }
  | { readonly to: 'namespace'; readonly netns: NetworkNamespace };

const [ALL, LOOPBACK, MACHINE] = [{ to: 'all' }, { to: 'loopback' }, { to: 'machine' }] as const;

/** Name of the loopback interface on Linux, and of the first one on macOS. */
const LOOPBACK_INTERFACE = /^lo0?$/;

/** Returns from where a listener can be reached; undefined for any other socket, and for VSOCK. */
export function exposureOf(socket: Socket): Exposure | undefined {
  if (!isListening(socket)) return undefined;
  const { protocol, local, netns, interface: name } = socket;
  if (protocol === 'unix') return MACHINE;
  const reach = reachOf(local.address);
  if (reach === undefined) return undefined;
  if (reach === 'loopback' || (reach === 'any' && name !== undefined && LOOPBACK_INTERFACE.test(name)))
    return LOOPBACK;
  if (netns && !isOwnNetwork(netns)) return { to: 'namespace', netns };
  if (reach === 'any') return name === undefined ? ALL : { to: 'interface', name };
  return { to: reach === 'many' ? 'multicast' : reach, address: unmapped(local.address) };
}

/** Returns true for the network of the machine, and for the one netpane runs in. */
const isOwnNetwork = ({ own, name }: NetworkNamespace): boolean => own === true || name === 'host';

/** Returns true for a listener on another address than loopback. */
export function isExposed(socket: Socket): boolean {
  const exposure = exposureOf(socket);
  return exposure !== undefined && exposure.to !== 'loopback' && exposure.to !== 'machine';
}

/** Returns true if other machines can reach the listener without a port being published to it. */
export const isOpenToOthers = ({ to }: Exposure): boolean =>
  to !== 'loopback' && to !== 'machine' && to !== 'namespace';
