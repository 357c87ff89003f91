import type { EvidenceLine } from './evidence.ts';
import { isListening, type Socket } from './socket.ts';

/** A listener about which firewall rules are searched. */
export interface FirewallTarget {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** The local address; `0.0.0.0` and `::` stand for all. */
  readonly address: string;
}

/** Rules that local tools list about a listener. */
export interface Firewall {
  readonly target: FirewallTarget;
  /** Empty while they are read, and if nothing can be said. */
  readonly lines: readonly EvidenceLine[];
}

/**
 * Returns what to ask about a socket; undefined if it is no TCP or UDP listener in netpane's own network namespace, whose
 * rules are the only ones that the tools list.
 */
export function firewallTarget(socket: Socket): FirewallTarget | undefined {
  const { protocol, local, netns } = socket;
  if (!isListening(socket) || local.port === 0 || (netns !== undefined && netns.own !== true))
    return undefined;
  return protocol === 'tcp' || protocol === 'udp'
    ? { protocol, port: local.port, address: local.address }
    : undefined;
}

export const isSameTarget = (a: FirewallTarget, b: FirewallTarget): boolean =>
  a.protocol === b.protocol && a.port === b.port && a.address === b.address;
