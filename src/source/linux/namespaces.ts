import { ContainerNames } from './container-names.ts';
import { CgroupTrust } from './cgroup-trust.ts';
import { namespaceInode } from './descriptor-target.ts';
import { type CgroupName, CgroupNames } from './cgroup-names.ts';
import { isMounted, type NamespaceMount, NamespaceMounts } from './mounts.ts';
import type { Hold, NamespaceSearch } from './namespace-search.ts';
import type { Proc } from './proc.ts';
import { FIRST_PID_NAMESPACE } from './privileges.ts';

/** A network namespace of this machine that can be reached now. */
export interface FoundNamespace {
  /** Inode of the namespace; the kernel gives it to another one when this one is gone. */
  readonly inode: number;
  /** `host`, the name that `ip netns` knows, or that of its container or service. Hostile text. */
  readonly name?: string;
  /** Uid of the user who may have made the name up: `~USER/…`. */
  readonly claimedBy?: number;
  /** A path that opens it now; whoever does should look at the inode of what was opened. */
  readonly path: string;
  /** A socket of another process in it, where no path opens it. */
  readonly socket?: NonNullable<Hold['socket']>;
  /** True for the one this program is in. */
  readonly isOwn: boolean;
}

/** A known process is looked at again once in so many rounds: it may have moved (setns(2)), its pid be another's. */
const LOOK_ROUNDS = 16;

/** Rounds from one search for a name to the next, while none is found. */
const NAME_ROUNDS = [2, 8, 40, 200];

/** So many processes of a namespace are asked for the container they are in. */
const ASKED_PROCESSES = 4;

/** Where `ip netns` mounts (ip-netns(8)); /var/run is a link to /run, or once was not. */
const NAMED_FOLDERS = ['run/netns', 'var/run/netns'];

/** What CNI plug-ins, podman and CRI-O mount in the same folder: a number of theirs, no name. */
const GENERATED = /^(?:cni-|netns-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const NONE: readonly NamespaceMount[] = [];

const HOST: CgroupName = { name: 'host' };

/** What is known of a process: its namespace, or why not. */
interface Seat {
  inode: number | 'gone' | 'forbidden';
  /** Rounds in which it was last seen, and last looked at. */
  seenRound: number;
  lookedRound: number;
}

interface Namespace {
  readonly inode: number;
  /** Its processes, the oldest known first. */
  readonly pids: Set<number>;
  mounts: readonly NamespaceMount[];
  /** The name of its container or service, or what goes for one. */
  cgroupName: CgroupName | undefined;
  searches: number;
  searchRound: number;
  found: FoundNamespace | undefined;
}

/**
 * Every network namespace of the machine, kept up with at little cost: a process is looked at when it is new and then
 * once in 16 rounds. One that neither a process nor a mount holds any more is gone at the next `refresh`, so that
 * whoever holds it open can let it go.
 */
export class Namespaces {
  readonly #proc: Proc;
  readonly #mounts: NamespaceMounts;
  readonly #names: CgroupNames;
  readonly #hidden: NamespaceSearch | undefined;
  readonly #namedFolders: readonly string[];
  #isFirstPidNamespace = false;
  readonly #seats = new Map<number, Seat>();
  readonly #byInode = new Map<number, Namespace>();
  #ownInode: number | undefined;
  #round = 0;
  #unreadableProcesses = 0;
  #procFailure: string | undefined;
  #isFirstProcessListed = false;
  #last: readonly FoundNamespace[] = [];

  /** @param options `root`: where /run, /var and /home are; `/` by default. `search` finds what no process is in */
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
    this.#namedFolders = NAMED_FOLDERS.map((name) => `${folder}/${name}/`);
    this.#mounts = new NamespaceMounts({ proc, folder: `${folder}/run/netns` });
    this.#names = new CgroupNames(new ContainerNames(root), trust);
    this.#hidden = search;
  }

  /** Processes that did not let their namespace be seen: without root, those of other users. */
  get unreadableProcesses(): number {
    return this.#unreadableProcesses;
  }

  /** Why /proc tells of no process; undefined where it does. */
  get procFailure(): string | undefined {
    return this.#procFailure;
  }

  /** True where some processes do not even appear in /proc: without pid 1 there must be more (hidepid=2, proc(5)). */
  get hasUnlistedProcesses(): boolean {
    return !this.#isFirstProcessListed;
  }

  /**
   * Catches up with the namespaces of now. Where /proc tells of no process those of the last round stay.
   * @param listed every process of now, where the caller has listed them already
   * @returns our own first; the same array, with the same objects, where nothing changed
   */
  refresh(listed?: readonly number[]): readonly FoundNamespace[] {
    const self = this.#proc.stat('self');
    const pids = 'value' in self ? (listed ?? this.#list()) : [];
    this.#procFailure =
      'failed' in self ? self.message : pids.length === 0 ? 'it lists no process' : undefined;
    if (this.#procFailure !== undefined) return this.#last;
    this.#isFirstProcessListed = pids.includes(1);
    this.#round++;
    this.#findOwn();
    for (const pid of pids) {
      const seat = this.#seats.get(pid);
      if (seat) seat.seenRound = this.#round;
    }
    for (const [pid, seat] of this.#seats) if (seat.seenRound !== this.#round) this.#leave(pid, seat);
    // What is gone goes before what is new comes, for the kernel gives the lowest inode that is free.
    this.#findMounts();
    for (const pid of pids) this.#visit(pid);
    this.#unreadableProcesses = 0;
    for (const { inode } of this.#seats.values()) if (inode === 'forbidden') this.#unreadableProcesses++;
    for (const inode of this.#hidden?.held() ?? []) this.#namespace(inode);
    const found: FoundNamespace[] = [];
    // A process found to have moved may add a namespace here, which this loop comes to as well.
    for (const namespace of this.#byInode.values()) {
      const path = this.#pathOf(namespace);
      if (path === undefined) this.#byInode.delete(namespace.inode);
      else found.push(this.#foundOf(namespace, path));
    }
    const isSame = found.length === this.#last.length && found.every((it, i) => it === this.#last[i]);
    if (!isSame) this.#last = found;
    return this.#last;
  }

  /**
   * A process that is in a namespace; undefined when there is none.
   * @param isNow looks at it once more, where that was done in this round
   */
  processOf(inode: number, isNow = false): number | undefined {
    for (const pid of this.#byInode.get(inode)?.pids ?? []) {
      const seat = this.#seats.get(pid);
      if (seat && isNow) seat.lookedRound = 0;
      if (seat) this.#lookAgain(pid, seat);
      if (seat?.inode === inode) return pid;
    }
    return undefined;
  }

  /** True while the namespace can still be reached, looked at anew. */
  isReachable(inode: number): boolean {
    const mounts = this.#byInode.get(inode)?.mounts ?? NONE;
    return (
      mounts.some(isMounted) ||
      this.processOf(inode, true) !== undefined ||
      this.#hidden?.holdOf(inode)?.isValid() === true
    );
  }

  /** True for a namespace that processes are in, or that is mounted. */
  isKnown(inode: number): boolean {
    return this.#byInode.has(inode);
  }

  /** Every process of the last round. */
  pids(): number[] {
    return [...this.#seats.keys()];
  }

  /** The namespace that a process is in; undefined when that cannot be seen. */
  namespaceOf(pid: number): number | undefined {
    const inode = this.#seats.get(pid)?.inode ?? this.#look(pid);
    return typeof inode === 'number' ? inode : undefined;
  }

  #list(): number[] {
    const listing = this.#proc.names('');
    return 'value' in listing ? listing.value.filter((name) => /^\d+$/.test(name)).map(Number) : [];
  }

  /** This program never leaves its namespace; a thread of it may, but /proc/self is its first one. */
  #findOwn(): void {
    if (this.#ownInode !== undefined) return;
    const inode = this.#look('self');
    if (typeof inode !== 'number') return;
    const pid = this.#proc.link('self/ns/pid');
    this.#isFirstPidNamespace = 'value' in pid && pid.value === FIRST_PID_NAMESPACE;
    this.#ownInode = inode;
    this.#namespace(inode);
  }

  #visit(pid: number): void {
    const seat = this.#seats.get(pid);
    if (seat === undefined) {
      const inode = this.#look(pid);
      this.#seats.set(pid, { inode, seenRound: this.#round, lookedRound: this.#round });
      if (typeof inode === 'number') this.#namespace(inode).pids.add(pid);
    } else if ((this.#round + pid) % LOOK_ROUNDS === 0) {
      this.#lookAgain(pid, seat);
    }
  }

  #lookAgain(pid: number, seat: Seat): void {
    if (seat.lookedRound === this.#round) return;
    seat.lookedRound = this.#round;
    const inode = this.#look(pid);
    if (inode === seat.inode) return;
    if (typeof seat.inode === 'number') this.#byInode.get(seat.inode)?.pids.delete(pid);
    seat.inode = inode;
    if (typeof inode === 'number') this.#namespace(inode).pids.add(pid);
  }

  #leave(pid: number, { inode }: Seat): void {
    this.#seats.delete(pid);
    if (typeof inode === 'number') this.#byInode.get(inode)?.pids.delete(pid);
  }

  /** A process that has ended and was not waited for has no namespace any more: the kernel says ENOENT. */
  #look(pid: number | 'self'): Seat['inode'] {
    const link = this.#proc.link(`${pid}/ns/net`);
    if (!('value' in link)) return link.failed === 'forbidden' ? 'forbidden' : 'gone';
    return namespaceInode(link.value) ?? 'gone';
  }

  #namespace(inode: number): Namespace {
    let namespace = this.#byInode.get(inode);
    if (namespace === undefined) {
      namespace = {
        inode,
        pids: new Set(),
        mounts: NONE,
        cgroupName: undefined,
        searches: 0,
        searchRound: 0,
        found: undefined,
      };
      this.#byInode.set(inode, namespace);
    }
    return namespace;
  }

  #findMounts(): void {
    const mounts = this.#mounts.refresh();
    const byInode = new Map<number, NamespaceMount[]>();
    for (const mount of mounts) {
      const others = byInode.get(mount.inode);
      if (others) others.push(mount);
      else byInode.set(mount.inode, [mount]);
    }
    for (const namespace of this.#byInode.values()) {
      const { inode, pids, mounts: before } = namespace;
      namespace.mounts = byInode.get(inode) ?? NONE;
      const isHeld =
        pids.size > 0 ||
        this.#hidden?.holdOf(inode) !== undefined ||
        namespace.mounts.some(({ path }) => before.some((it) => it.path === path));
      // Another one may have its inode already, and be mounted.
      if (!isHeld && inode !== this.#ownInode) this.#byInode.delete(inode);
    }
    for (const [inode, its] of byInode) this.#namespace(inode).mounts = its;
  }

  /** A path that opens the namespace, looked at in this round; undefined when there is none. */
  #pathOf(namespace: Namespace): string | undefined {
    const { inode, mounts } = namespace;
    if (inode === this.#ownInode) return this.#proc.pathOf('self/ns/net');
    const [mount] = mounts;
    if (mount) return mount.path;
    const pid = this.processOf(inode);
    if (pid !== undefined) return this.#proc.pathOf(`${pid}/ns/net`);
    return this.#hidden?.holdOf(inode)?.path;
  }

  /** The same object while it says the same. */
  #foundOf(namespace: Namespace, path: string): FoundNamespace {
    const { inode, found } = namespace;
    const held = this.#nameOf(namespace);
    const isOwn = inode === this.#ownInode;
    if (found?.path === path && found.name === held?.name && found.isOwn === isOwn) return found;
    const hold = this.#hidden?.holdOf(inode);
    const socket = hold?.path === path ? hold.socket : undefined;
    namespace.found = { inode, ...held, path, isOwn, ...(socket && { socket }) };
    return namespace.found;
  }

  /** The namespace of the machine's first process; undefined when it cannot be seen. */
  get #hostInode(): number | undefined {
    const inode = this.#isFirstPidNamespace ? this.#seats.get(1)?.inode : undefined;
    return typeof inode === 'number' ? inode : undefined;
  }

  #nameOf(namespace: Namespace): CgroupName | undefined {
    if (namespace.inode === this.#hostInode) return HOST;
    const mounted = namespace.mounts.flatMap(({ path }) => this.#mountedName(path) ?? []).sort();
    const given = mounted.find((name) => !GENERATED.test(name));
    if (given !== undefined) return { name: given };
    if (this.#isSearchDue(namespace)) this.#search(namespace);
    const [made] = mounted;
    return namespace.cgroupName ?? (made === undefined ? undefined : { name: made });
  }

  #mountedName(path: string): string | undefined {
    const folder = this.#namedFolders.find((it) => path.startsWith(it));
    const name = folder === undefined ? undefined : path.slice(folder.length);
    return name === '' || name?.includes('/') ? undefined : name;
  }

  /** Where the host's namespace is not known our own may be it, and a container may share it without naming it. */
  #isSearchDue({ inode, pids, searches, searchRound }: Namespace): boolean {
    if (inode === this.#ownInode && this.#hostInode === undefined) return false;
    return pids.size > 0 && searches <= NAME_ROUNDS.length && this.#round >= searchRound;
  }

  /** Asks its oldest processes, for whoever came later may have come from elsewhere. */
  #search(namespace: Namespace): void {
    namespace.searchRound = this.#round + (NAME_ROUNDS[namespace.searches] ?? 0);
    namespace.searches++;
    let service: CgroupName | undefined;
    let label: CgroupName | undefined;
    let asked = 0;
    for (const pid of namespace.pids) {
      if (asked++ === ASKED_PROCESSES) break;
      const text = this.#proc.text(`${pid}/cgroup`);
      if (!('value' in text)) continue;
      const { container, isFound, ...its } = this.#names.of(text.value);
      if (container && isFound && container.claimedBy === undefined) {
        namespace.cgroupName = container;
        namespace.searches = Infinity;
        return;
      }
      label ??= container;
      service ??= its.service;
    }
    // Of a container that is being made the processes are still those of the service that makes it.
    namespace.cgroupName =
      label ?? (this.#hostInode === undefined ? undefined : service) ?? namespace.cgroupName;
  }
}
