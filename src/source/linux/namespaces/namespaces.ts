import { CgroupTrust } from './cgroup-trust.ts';
import { isMounted, type NamespaceMount, NamespaceMounts } from '../proc/mounts.ts';
import type { Hold, NamespaceSearch } from './namespace-search.ts';
import type { Proc } from '../proc/proc.ts';
import { type NameableNamespace, NamespaceNames } from './namespace-names.ts';
import { FIRST_PID_NAMESPACE } from '../proc/privileges.ts';
import { ProcessNamespaces, readNamespace } from './process-namespaces.ts';

/** A network namespace of this machine that can be opened now. */
export interface FoundNamespace {
  /** Inode of the namespace; the kernel reuses it when the namespace is gone. */
  readonly inode: number;
  /** `host`, the name in `ip netns`, or the name of the container or service. Untrusted text. */
  readonly name?: string;
  /** Uid of an ordinary user who may have chosen the name: `~USER/…`. */
  readonly claimedBy?: number;
  /** Path that opens the namespace now. Check the inode after opening: the path may open another one by then. */
  readonly path: string;
  /** Socket of another process in this namespace, if no path opens it. */
  readonly socket?: NonNullable<Hold['socket']>;
  /** True for the namespace that netpane runs in. */
  readonly isOwn: boolean;
}

const NO_MOUNTS: readonly NamespaceMount[] = [];

interface Namespace extends NameableNamespace {
  readonly pids: Set<number>;
  mounts: readonly NamespaceMount[];
  found: FoundNamespace | undefined;
}

/**
 * Tracks all network namespaces of the machine. `refresh` drops a namespace that neither a process nor a mount keeps
 * alive, so that the caller can close it.
 */
export class Namespaces {
  readonly #proc: Proc;
  readonly #mounts: NamespaceMounts;
  readonly #names: NamespaceNames;
  readonly #search: NamespaceSearch | undefined;
  #isInitialPidNamespace = false;
  readonly #processes: ProcessNamespaces;
  readonly #byInode = new Map<number, Namespace>();
  #ownInode: number | undefined;
  #poll = 0;
  #unreadableProcesses = 0;
  #procFailure: string | undefined;
  #isFirstProcessListed = false;
  #lastFound: readonly FoundNamespace[] = [];

  /**
   * @param options `root`: folder that contains /run, /var and /home; `/` by default. `search` finds namespaces without
   * a process.
   */
  constructor({
    proc,
    root = '/',
    search,
    trust = new CgroupTrust(proc),
  }: {
    readonly proc: Proc;
    readonly root?: string;
    readonly search?: NamespaceSearch;
    readonly trust?: CgroupTrust;
  }) {
    const folder = root.replace(/\/$/, '');
    this.#proc = proc;
    this.#mounts = new NamespaceMounts({ proc, folder: `${folder}/run/netns` });
    this.#names = new NamespaceNames(proc, root, trust);
    this.#search = search;
    this.#processes = new ProcessNamespaces(proc, {
      onEnter: (inode, pid) => this.#getOrAdd(inode).pids.add(pid),
      onLeave: (inode, pid) => this.#byInode.get(inode)?.pids.delete(pid),
    });
  }

  /** Number of processes whose namespace may not be read: without root, those of other users. */
  get unreadableProcesses(): number {
    return this.#unreadableProcesses;
  }

  /** Why no process can be read from /proc; undefined if processes can be read. */
  get procFailure(): string | undefined {
    return this.#procFailure;
  }

  /** True if /proc hides processes: pid 1 is missing (hidepid=2, proc(5)). */
  get hasUnlistedProcesses(): boolean {
    return !this.#isFirstProcessListed;
  }

  /**
   * Updates and returns the current namespaces. If /proc cannot be read, those of the previous poll stay.
   * @param listed Pids of all current processes, if the caller has listed them already.
   * @returns Netpane's own namespace first. The same array with the same objects if nothing changed.
   */
  refresh(listed?: readonly number[]): readonly FoundNamespace[] {
    const self = this.#proc.stat('self');
    const pids = 'value' in self ? (listed ?? this.#listProcesses()) : [];
    this.#procFailure =
      'failed' in self ? self.message : pids.length === 0 ? 'it lists no process' : undefined;
    if (this.#procFailure !== undefined) return this.#lastFound;
    this.#isFirstProcessListed = pids.includes(1);
    this.#poll++;
    this.#findOwnNamespace();
    // Remove old namespaces before adding new ones, because the kernel reuses the lowest free inode.
    this.#processes.beginPoll(this.#poll, pids);
    this.#refreshMounts();
    this.#unreadableProcesses = this.#processes.refresh(pids);
    for (const inode of this.#search?.held() ?? []) this.#getOrAdd(inode);
    const found: FoundNamespace[] = [];
    // A process that changed its namespace may add one during this loop; the loop visits that one too.
    for (const namespace of this.#byInode.values()) {
      const path = this.#findPath(namespace);
      if (path === undefined) this.#byInode.delete(namespace.inode);
      else found.push(this.#describe(namespace, path));
    }
    const isSame =
      found.length === this.#lastFound.length && found.every((it, i) => it === this.#lastFound[i]);
    if (!isSame) this.#lastFound = found;
    return this.#lastFound;
  }

  /**
   * Returns the pid of a process in a namespace; undefined if there is none.
   * @param mustReread Reads the process again even if this poll has read it already.
   */
  processOf(inode: number, mustReread = false): number | undefined {
    for (const pid of this.#byInode.get(inode)?.pids ?? [])
      if (this.#processes.currentOf(pid, mustReread) === inode) return pid;
    return undefined;
  }

  /** Returns true if the namespace can still be opened; reads its processes and mounts again. */
  isReachable(inode: number): boolean {
    const mounts = this.#byInode.get(inode)?.mounts ?? NO_MOUNTS;
    return (
      mounts.some(isMounted) ||
      this.processOf(inode, true) !== undefined ||
      this.#search?.holdOf(inode)?.isValid() === true
    );
  }

  /** Returns true for a namespace that has processes or a mount. */
  isKnown(inode: number): boolean {
    return this.#byInode.has(inode);
  }

  /** Returns the pids of the last poll. */
  pids(): number[] {
    return this.#processes.pids;
  }

  /** Returns the namespace of a process; undefined if it cannot be read. */
  namespaceOf(pid: number): number | undefined {
    return this.#processes.inodeOf(pid);
  }

  #listProcesses(): number[] {
    const listing = this.#proc.names('');
    return 'value' in listing ? listing.value.filter((name) => /^\d+$/.test(name)).map(Number) : [];
  }

  /** Finds netpane's own namespace, once: /proc/self shows the main thread, and only other threads call setns(2). */
  #findOwnNamespace(): void {
    if (this.#ownInode !== undefined) return;
    const inode = readNamespace(this.#proc, 'self');
    if (typeof inode !== 'number') return;
    const pid = this.#proc.link('self/ns/pid');
    this.#isInitialPidNamespace = 'value' in pid && pid.value === FIRST_PID_NAMESPACE;
    this.#ownInode = inode;
    this.#getOrAdd(inode);
  }

  #getOrAdd(inode: number): Namespace {
    let namespace = this.#byInode.get(inode);
    if (namespace === undefined) {
      namespace = {
        inode,
        pids: new Set(),
        mounts: NO_MOUNTS,
        search: { cgroupName: undefined, count: 0, nextPoll: 0 },
        found: undefined,
      };
      this.#byInode.set(inode, namespace);
    }
    return namespace;
  }

  #refreshMounts(): void {
    const mounts = this.#mounts.refresh();
    const byInode = new Map<number, NamespaceMount[]>();
    for (const mount of mounts) {
      const others = byInode.get(mount.inode);
      if (others) others.push(mount);
      else byInode.set(mount.inode, [mount]);
    }
    for (const namespace of this.#byInode.values()) {
      const { inode, pids, mounts: before } = namespace;
      namespace.mounts = byInode.get(inode) ?? NO_MOUNTS;
      const isAlive =
        pids.size > 0 ||
        this.#search?.holdOf(inode) !== undefined ||
        namespace.mounts.some(({ path }) => before.some((it) => it.path === path));
      // A new namespace may have got the same inode already, and be mounted: it is added below.
      if (!isAlive && inode !== this.#ownInode) this.#byInode.delete(inode);
    }
    for (const [inode, its] of byInode) this.#getOrAdd(inode).mounts = its;
  }

  /** Returns a path that opens the namespace, checked in this poll; undefined if there is none. */
  #findPath(namespace: Namespace): string | undefined {
    const { inode, mounts } = namespace;
    if (inode === this.#ownInode) return this.#proc.pathOf('self/ns/net');
    const [mount] = mounts;
    if (mount) return mount.path;
    const pid = this.processOf(inode);
    if (pid !== undefined) return this.#proc.pathOf(`${pid}/ns/net`);
    return this.#search?.holdOf(inode)?.path;
  }

  /** Returns the description of a namespace: the same object while nothing in it changed. */
  #describe(namespace: Namespace, path: string): FoundNamespace {
    const { inode, found } = namespace;
    const named = this.#names.of(namespace, this.#poll, this.#ownInode, this.#hostInode);
    const isOwn = inode === this.#ownInode;
    if (found?.path === path && found.name === named?.name && found.isOwn === isOwn) return found;
    const hold = this.#search?.holdOf(inode);
    const socket = hold?.path === path ? hold.socket : undefined;
    namespace.found = { inode, ...named, path, isOwn, ...(socket && { socket }) };
    return namespace.found;
  }

  /** Inode of the namespace of the machine's init process; undefined if it cannot be read. */
  get #hostInode(): number | undefined {
    return this.#isInitialPidNamespace && this.#isFirstProcessListed ? this.#processes.inodeOf(1) : undefined;
  }
}
