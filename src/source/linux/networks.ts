import type { FoundNamespace, Namespaces } from './namespaces.ts';
import { isForbidden, isGone, type NetlinkSystem } from './netlink/system.ts';
import { Network } from './network.ts';

type Options = ConstructorParameters<typeof Network>[2];

/** Our own namespace where /proc does not tell which that is: netlink needs no /proc. */
const UNKNOWN_OWN = { isOwn: true, inode: undefined } as const;

/** The network namespaces that are read, opened as they come and closed as they go. */
export class Networks {
  /** Messages of namespaces that this program may not enter, by inode: they are not tried again. */
  readonly closed = new Map<number, string>();
  /** Messages of namespaces that are there and could not be opened for another reason, by inode: they are. */
  readonly failed = new Map<number, string>();
  readonly #system: NetlinkSystem;
  readonly #namespaces: Namespaces;
  readonly #options: Options;
  readonly #isInUse: (network: Network) => boolean;
  /** Our own has no inode where /proc does not tell it. */
  readonly #networks = new Map<number | undefined, Network>();

  /** @param isInUse true while a process holds a socket of the namespace */
  constructor(
    system: NetlinkSystem,
    namespaces: Namespaces,
    options: Options,
    isInUse: (network: Network) => boolean,
  ) {
    this.#isInUse = isInUse;
    this.#system = system;
    this.#namespaces = namespaces;
    this.#options = options;
  }

  get size(): number {
    return this.#networks.size;
  }

  get(inode: number | undefined): Network | undefined {
    return this.#networks.get(inode);
  }

  values(): IterableIterator<Network> {
    return this.#networks.values();
  }

  /**
   * Opens the namespaces that have come, and closes those that have gone. One that nothing is known to hold, but of which a
   * process has a socket, is there still.
   * @param pids every process of now, where the caller has listed them already
   * @returns those that were closed
   */
  follow(pids: readonly number[] | undefined): Network[] {
    const found = this.#namespaces.refresh(pids);
    const inodes = new Set(found.map(({ inode }) => inode));
    const gone: Network[] = [];
    this.#followOwn(found);
    for (const [inode, network] of this.#networks) {
      if (inode === undefined || inodes.has(inode) || this.#isInUse(network)) continue;
      network.close();
      this.#networks.delete(inode);
      gone.push(network);
    }
    for (const inode of this.closed.keys()) if (!inodes.has(inode)) this.closed.delete(inode);
    this.failed.clear();
    for (const namespace of found) if (!this.closed.has(namespace.inode)) this.#visit(namespace);
    return gone;
  }

  close(): void {
    for (const network of this.#networks.values()) network.close();
    this.#networks.clear();
  }

  /** Opens our own whatever /proc says; its inode may come to be known later. Throws when that cannot be done. */
  #followOwn(found: readonly FoundNamespace[]): void {
    const own = found.find(({ isOwn }) => isOwn);
    const unknown = this.#networks.get(undefined);
    if (own && unknown) {
      this.#networks.delete(undefined);
      this.#networks.set(own.inode, unknown);
    } else if (!own && !unknown) {
      this.#networks.set(undefined, new Network(this.#system, UNKNOWN_OWN, this.#options));
    }
  }

  #visit(found: FoundNamespace): void {
    const { inode } = found;
    const known = this.#networks.get(inode);
    try {
      if (known) known.follow(found);
      else this.#networks.set(inode, new Network(this.#system, found, this.#options));
    } catch (error) {
      if (found.isOwn) throw error;
      const message = error instanceof Error ? error.message : String(error);
      if (isForbidden(error)) this.closed.set(inode, message);
      // One that went while it was being entered is simply gone.
      else if (!known && !isGone(error) && this.#namespaces.isThere(inode)) this.failed.set(inode, message);
    }
  }
}
