import type { FoundNamespace, Namespaces } from './namespaces.ts';
import { isForbidden, isGone, type NetlinkSystem } from './netlink/system.ts';
import { Network } from './network.ts';

type Options = ConstructorParameters<typeof Network>[2];

/** Our own namespace where /proc does not tell which that is: netlink needs no /proc. */
const UNKNOWN_OWN = { isOwn: true, inode: undefined } as const;

/** The network namespaces that are read, opened as they come and closed as they go. */
export class Networks {
  /** Messages of namespaces that this program may not enter, by inode: they are not tried again. */
  readonly forbidden = new Map<number, string>();
  /** Messages of namespaces that are there and could not be opened for another reason, by inode: they are. */
  readonly failed = new Map<number, string>();
  readonly #system: NetlinkSystem;
  readonly #namespaces: Namespaces;
  readonly #options: Options;
  /** Inodes of namespaces that nothing was known to hold at the last `refresh`. */
  readonly #unheld = new Set<number>();
  readonly #networksInUse: () => ReadonlySet<Network>;
  /** Our own has no inode where /proc does not tell it. */
  readonly #networks = new Map<number | undefined, Network>();

  /** @param inUse those of which a process holds a socket */
  constructor(
    system: NetlinkSystem,
    namespaces: Namespaces,
    options: Options,
    networksInUse: () => ReadonlySet<Network>,
  ) {
    this.#networksInUse = networksInUse;
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
  refresh(pids: readonly number[] | undefined): Network[] {
    const found = this.#namespaces.refresh(pids);
    const inodes = new Set(found.map(({ inode }) => inode));
    this.#openOwn(found);
    this.#unheld.clear();
    for (const inode of this.#networks.keys())
      if (inode !== undefined && !inodes.has(inode)) this.#unheld.add(inode);
    const gone = this.closeUnused();
    for (const inode of this.forbidden.keys()) if (!inodes.has(inode)) this.forbidden.delete(inode);
    this.failed.clear();
    for (const namespace of found) if (!this.forbidden.has(namespace.inode)) this.#openOrUpdate(namespace);
    return gone;
  }

  /** Closes those that nothing is known to hold and of which no process has a socket any more. @returns these */
  closeUnused(): Network[] {
    const gone: Network[] = [];
    if (this.#unheld.size === 0) return gone;
    const inUse = this.#networksInUse();
    for (const inode of this.#unheld) {
      const network = this.#networks.get(inode);
      if (network === undefined || inUse.has(network)) continue;
      network.close();
      this.#networks.delete(inode);
      this.#unheld.delete(inode);
      gone.push(network);
    }
    return gone;
  }

  close(): void {
    for (const network of this.#networks.values()) network.close();
    this.#networks.clear();
  }

  /** Opens our own whatever /proc says; its inode may come to be known later. Throws when that cannot be done. */
  #openOwn(found: readonly FoundNamespace[]): void {
    const own = found.find(({ isOwn }) => isOwn);
    const unknown = this.#networks.get(undefined);
    if (own && unknown) {
      this.#networks.delete(undefined);
      this.#networks.set(own.inode, unknown);
    } else if (!own && !unknown) {
      this.#networks.set(undefined, new Network(this.#system, UNKNOWN_OWN, this.#options));
    }
  }

  #openOrUpdate(found: FoundNamespace): void {
    const { inode } = found;
    const known = this.#networks.get(inode);
    try {
      if (known) known.update(found);
      else this.#networks.set(inode, new Network(this.#system, found, this.#options));
    } catch (error) {
      if (found.isOwn) throw error;
      const message = error instanceof Error ? error.message : String(error);
      if (isForbidden(error)) this.forbidden.set(inode, message);
      // One that went while it was being entered is simply gone.
      else if (!known && !isGone(error) && this.#namespaces.isReachable(inode))
        this.failed.set(inode, message);
    }
  }
}
