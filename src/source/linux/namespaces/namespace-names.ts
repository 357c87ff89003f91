import type { NamespaceMount } from '../proc/mounts.ts';
import type { Proc } from '../proc/proc.ts';
import { type CgroupName, CgroupNames } from './cgroup-names.ts';
import type { CgroupTrust } from './cgroup-trust.ts';
import { ContainerNames } from './container-names.ts';

/** Number of polls between two searches for a name, while none is found. */
const NAME_SEARCH_POLLS = [2, 8, 40, 200];

/** Maximum number of processes per namespace probed for a container name. */
const MAX_NAMING_PROCESSES = 4;

/** Folders where `ip netns` mounts namespaces (ip-netns(8)). /var/run is a link to /run, except on old systems. */
const NETNS_FOLDERS = ['run/netns', 'var/run/netns'];

/** Matches the UUIDs under which CNI plug-ins, podman and CRI-O mount namespaces in the same folder. */
const GENERATED_NAME = /^(?:cni-|netns-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const HOST: CgroupName = { name: 'host' };

/** The parts of a namespace on which its name depends. */
export interface NameableNamespace {
  readonly inode: number;
  /** Pids of its processes, in the order of discovery. */
  readonly pids: ReadonlySet<number>;
  readonly mounts: readonly NamespaceMount[];
  readonly search: NameSearch;
}

/** Progress of the search for the name of a namespace. */
interface NameSearch {
  /** Name of its container or service, or a label derived from its cgroup. */
  cgroupName: CgroupName | undefined;
  /** Number of searches so far; infinite once the name is found. */
  count: number;
  /** No search starts before this poll. */
  nextPoll: number;
}

/**
 * Names network namespaces. The first of these that exists is the name:
 *
 *     host ──▶ name of a mount that a person chose ──▶ container or service of a process ──▶ generated name of a mount
 */
export class NamespaceNames {
  readonly #proc: Proc;
  readonly #cgroupNames: CgroupNames;
  readonly #netnsFolders: readonly string[];

  /** @param root folder that contains /run, /var and /home */
  constructor(proc: Proc, root: string, trust: CgroupTrust) {
    const folder = root.replace(/\/$/, '');
    this.#proc = proc;
    this.#netnsFolders = NETNS_FOLDERS.map((name) => `${folder}/${name}/`);
    this.#cgroupNames = new CgroupNames(new ContainerNames(root), trust);
  }

  /**
   * Returns the name of a namespace; undefined if none is known.
   * @param poll number of the current poll
   * @param ownInode inode of netpane's own namespace
   * @param hostInode inode of the namespace of the machine's init process; undefined if it cannot be read
   */
  of(
    namespace: NameableNamespace,
    poll: number,
    ownInode: number | undefined,
    hostInode: number | undefined,
  ): CgroupName | undefined {
    if (namespace.inode === hostInode) return HOST;
    const mounted = namespace.mounts.flatMap(({ path }) => this.#mountedName(path) ?? []).sort();
    const chosen = mounted.find((name) => !GENERATED_NAME.test(name));
    if (chosen !== undefined) return { name: chosen };
    // While the namespace of the host is unknown, netpane's own may be that of the host: a container that shares it must not
    // name it.
    const isNameable = namespace.inode !== ownInode || hostInode !== undefined;
    if (isNameable && isSearchDue(namespace, poll)) this.#findCgroupName(namespace, poll, hostInode);
    const [generated] = mounted;
    return namespace.search.cgroupName ?? (generated === undefined ? undefined : { name: generated });
  }

  #mountedName(path: string): string | undefined {
    const folder = this.#netnsFolders.find((it) => path.startsWith(it));
    const name = folder === undefined ? undefined : path.slice(folder.length);
    return name === '' || name?.includes('/') ? undefined : name;
  }

  /** Derives a name from the cgroups of its oldest processes; later ones may have entered from another container. */
  #findCgroupName({ pids, search }: NameableNamespace, poll: number, hostInode: number | undefined): void {
    search.nextPoll = poll + (NAME_SEARCH_POLLS[search.count] ?? 0);
    search.count++;
    let service: CgroupName | undefined;
    let label: CgroupName | undefined;
    let probed = 0;
    for (const pid of pids) {
      if (probed++ === MAX_NAMING_PROCESSES) break;
      const text = this.#proc.text(`${pid}/cgroup`);
      if (!('value' in text)) continue;
      const { container, isFound, ...its } = this.#cgroupNames.namesOf(text.value);
      if (container && isFound && container.claimedBy === undefined) {
        search.cgroupName = container;
        search.count = Infinity;
        return;
      }
      label ??= container;
      service ??= its.service;
    }
    // While a container is being created, its processes are still in the cgroup of the service that creates it.
    search.cgroupName = label ?? (hostInode === undefined ? undefined : service) ?? search.cgroupName;
  }
}

/** Returns true if the cgroups of a namespace may give it a name and should be read in this poll. */
const isSearchDue = ({ pids, search }: NameableNamespace, poll: number): boolean =>
  pids.size > 0 && search.count <= NAME_SEARCH_POLLS.length && poll >= search.nextPoll;
