import type { Endpoint, Owner } from '../../../model/socket.ts';
import type { Network } from '../namespaces/network.ts';
import type { Attribution, Listeners } from '../owners/attribution.ts';
import type { NewListeners } from './new-listeners.ts';

const PENDING: readonly Owner[] = [{ knowledge: 'pending' }];

/** Determines the owners and the user of a TCP socket whose process the trace does not name. */
export class TcpOwners {
  readonly #attribution: Attribution;
  readonly #listeners: () => Listeners;
  readonly #newListeners: NewListeners;

  /** @param listeners returns the listeners of the last poll */
  constructor(attribution: Attribution, listeners: () => Listeners, newListeners: NewListeners) {
    this.#attribution = attribution;
    this.#listeners = listeners;
    this.#newListeners = newListeners;
  }

  /** Returns the owners of a socket. @param inode 0 for a closed socket */
  of(network: Network, local: Endpoint, inode: number): readonly Owner[] {
    const exact = inode > 0 ? this.#attribution.owners.of(inode) : undefined;
    if (exact) return exact;
    const owned = { protocol: 'tcp', local, netns: network.inode } as const;
    const known = this.#attribution.ownersOf(owned, undefined, this.#listeners);
    if (known[0]?.pid !== undefined) return known;
    const ofListener = this.#newListeners.ownersOf(network.inode, local);
    if (ofListener) return ofListener.map((owner) => ({ ...owner, knowledge: 'listener' as const }));
    // A living socket has a holder, which the next poll searches for.
    return inode > 0 ? PENDING : known;
  }

  /** Returns the uid of the listener at the local endpoint of a socket; undefined if there is none. */
  listenerUid(network: Network, local: Endpoint): number | undefined {
    return this.#listeners().uidOf({ protocol: 'tcp', local, netns: network.inode });
  }
}
