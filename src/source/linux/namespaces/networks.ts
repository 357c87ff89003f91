import type { FoundNamespace, Namespaces } from './namespaces.ts';
import { isForbidden, isGone, type NetlinkSystem } from '../netlink/system.ts';
import { Network } from './network.ts';

type Options = ConstructorParameters<typeof Network>[2];

/** netpane's own namespace if /proc does not show its inode: netlink works without /proc. */
const UNKNOWN_OWN = { isOwn: true, inode: undefined } as const;

/** The open network namespaces. `refresh` opens new ones and closes those that ended. */
export class Networks {
  /** Error messages of namespaces that netpane may not enter, by inode; never tried again. */
  readonly forbidden = new Map<number, string>();
  /** Error messages of namespaces that could not be opened for another reason, by inode; tried again at each poll. */
  readonly failed = new Map<number, string>();
  readonly #system: NetlinkSystem;
  readonly #namespaces: Namespaces;
  readonly #options: Options;
  /** Inodes of open namespaces without a known process, mount or descriptor at the last `refresh`. */
  readonly #unheld = new Set<number>();
  readonly #networksInUse: () => ReadonlySet<Network>;
  /** By inode; the key of the own namespace is undefined while /proc does not show it. */
  readonly #networks = new Map<number | undefined, Network>();

  /** @param networksInUse returns the namespaces in which a process holds a socket */
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

  get(inode: number | undefined): Network | undefined {
    return this.#networks.get(inode);
  }

  values(): IterableIterator<Network> {
    return this.#networks.values();
  }

  /**
   * Opens new namespaces and closes those that ended. A namespace without a known process, mount or descriptor stays
   * open while a process holds a socket in it.
   * @param pids all processes, if the caller has listed them already
   */
  refresh(pids: readonly number[] | undefined): void {
    const found = this.#namespaces.refresh(pids);
    const inodes = new Set(found.map(({ inode }) => inode));
    this.#openOwn(found);
    this.#unheld.clear();
    for (const inode of this.#networks.keys())
      if (inode !== undefined && !inodes.has(inode)) this.#unheld.add(inode);
    this.closeUnused();
    for (const inode of this.forbidden.keys()) if (!inodes.has(inode)) this.forbidden.delete(inode);
    this.failed.clear();
    for (const namespace of found) if (!this.forbidden.has(namespace.inode)) this.#openOrUpdate(namespace);
  }

  /** Closes the namespaces that nothing holds and in which no process holds a socket. */
  closeUnused(): void {
    if (this.#unheld.size === 0) return;
    const inUse = this.#networksInUse();
    for (const inode of this.#unheld) {
      const network = this.#networks.get(inode);
      if (network === undefined || inUse.has(network)) continue;
      network.close();
      this.#networks.delete(inode);
      this.#unheld.delete(inode);
    }
  }

  close(): void {
    for (const network of this.#networks.values()) network.close();
    this.#networks.clear();
  }

  /** Opens netpane's own namespace even if /proc does not show it; its inode may be found later. Throws on failure. */
  #openOwn(found: readonly FoundNamespace[]): void {
    const own = found.find(({ isOwn }) => isOwn);
    const withoutInode = this.#networks.get(undefined);
    if (own && withoutInode) {
      this.#networks.delete(undefined);
      this.#networks.set(own.inode, withoutInode);
    } else if (!own && !withoutInode) {
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
      // A namespace that ended while it was entered is no failure.
      else if (!known && !isGone(error) && this.#namespaces.isReachable(inode))
        this.failed.set(inode, message);
    }
  }
}
